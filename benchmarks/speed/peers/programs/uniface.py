"""UniFace with its default detector, RetinaFace, and its default network for emotions."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.peers.programs import Analyze, Unavailable
from benchmarks.speed.peers.programs.decoding import decode

_WEIGHTS = ("retinaface_mnet_v2.onnx", "affecnet7.script")


def load(_setting: str) -> Analyze:
    """See the package. The weights are not in its wheel; it would download them."""
    import uniface
    from uniface.model_store import get_cache_dir

    missing = [name for name in _WEIGHTS if not (Path(get_cache_dir()) / name).exists()]
    if missing:
        raise Unavailable(
            f"{' and '.join(missing)} missing in {get_cache_dir()}. With a network that reaches GitHub: "
            '.venv-peers/uniface/bin/python -c "import uniface; uniface.RetinaFace(); uniface.Emotion()"'
        )
    detector, emotion = uniface.RetinaFace(), uniface.Emotion()

    def analyze(files: Sequence[bytes]) -> int:
        found = 0
        for data in files:
            picture = decode(data)
            faces = detector.detect(picture)
            for face in faces:
                emotion.predict(picture, face)
            found += len(faces)
        return found

    return analyze
