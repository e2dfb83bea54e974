"""What a running service answers for a folder of pictures, a digest each: two trees that answer alike print alike.

python -m tools.faces_digest http://127.0.0.1:8000 FOLDER > before.txt    # then the other tree, then diff
"""

import hashlib
import json
import sys
from pathlib import Path

import httpx


def main() -> None:
    url, folder = sys.argv[1:]
    with httpx.Client(base_url=url, timeout=120) as client:
        for picture in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            for detector in ("fast", "accurate"):
                answer = client.post("/predict", params={"detector": detector}, content=picture.read_bytes())
                document = answer.json()
                faces = [image["faces"] for image in document["images"]] if answer.is_success else document["code"]
                text = json.dumps(faces, separators=(",", ":"))
                digest = hashlib.sha256(text.encode()).hexdigest()[:16]
                print(f"{picture.name} {detector} {answer.status_code} {digest} {text.count('landmarks')}")


if __name__ == "__main__":
    main()
