"""What ``import mien`` gives, and what it costs."""

import subprocess
import sys

import pytest

import mien


def test_the_public_names() -> None:
    assert mien.__version__
    assert mien.create_app.__module__ == "mien.app"
    assert mien.Settings.load
    assert issubclass(mien.MienError, Exception)
    assert set(dir(mien)) == {"MienError", "Settings", "__version__", "create_app"}
    with pytest.raises(AttributeError, match="'mien' has no attribute 'predict_all'"):
        mien.predict_all  # noqa: B018


@pytest.mark.parametrize("code", ["import mien", "import mien.cli.main"])
def test_an_import_loads_nothing_heavy(code: str) -> None:
    heavy = "numpy", "cv2", "av", "onnxruntime", "fastapi", "pydantic"
    code += f"; import sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
