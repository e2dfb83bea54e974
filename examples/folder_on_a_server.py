"""The pictures of a folder, analysed on a server, as one CSV table.

python examples/folder_on_a_server.py http://127.0.0.1:8000 photos > faces.csv
"""

import sys
from pathlib import Path

import mien

url, folder = sys.argv[1:]
pictures = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
with mien.Client(url) as client:
    print("picture,face,emotion,score")
    for result in client.analyze(pictures):
        if result.error is not None:
            print(f"{result.name}: {result.error.detail}", file=sys.stderr)
        for number, face in enumerate(result.faces, start=1):
            print(f"{result.name},{number},{face.emotion},{face.score}")
