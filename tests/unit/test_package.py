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
    assert {getattr(mien, name) for name in dir(mien)}
    assert {"Analyzer", "AsyncClient", "Client", "analyze", "analyze_video"} < set(dir(mien))
    with pytest.raises(AttributeError, match="'mien' has no attribute 'predict_all'"):
        mien.predict_all  # noqa: B018


@pytest.mark.parametrize("code", ["import mien", "import mien.cli.main"])
def test_an_import_loads_nothing_heavy(code: str) -> None:
    heavy = "numpy", "cv2", "av", "onnxruntime", "fastapi", "pydantic"
    code += f"; import sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_cold_import_takes_less_than_50_ms() -> None:
    # Of the processor: on a busy machine, the wait for it says nothing about the import.
    code = "from time import process_time as now; t = now(); import mien; print(1000 * (now() - t))"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 50
