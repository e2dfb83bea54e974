"""What a picture's result can do, with a fake engine."""

import io
import sys
from pathlib import Path

import numpy as np
import pandas
import polars
import pytest
from PIL import Image

import mien.local.models
from mien.errors import InputError, InvalidOption, StorageFull
from mien.local.analyzer import Analyzer
from mien.results.picture import PictureResult
from tests.fakes import FakeEngine


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch) -> PictureResult:
    monkeypatch.setattr(mien.local.models, "open_engine", lambda _: FakeEngine(faces=2))
    with Analyzer() as analyzer:
        return analyzer.analyze(np.full((120, 160, 3), 90, np.uint8), colour="bgr")


def test_data_frames_have_a_row_per_face(result: PictureResult, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = result.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.face) == [1, 2]
    assert frame.emotion.to_list() == [face.emotion for face in result.faces]
    assert polars.DataFrame(frame.to_dict("list")).equals(result.to_polars())
    assert result.to_csv().count("\n") == 3
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        result.to_pandas()


def test_files(result: PictureResult, tmp_path: Path) -> None:
    assert result.save_annotated(tmp_path / "faces.jpg").read_bytes().startswith(b"\xff\xd8")
    with Image.open(result.save_annotated(str(tmp_path / "faces.png"))) as drawn:
        assert drawn.size == (160, 120)
        assert len(drawn.getcolors(1 << 16) or ()) > 2
    with Image.open(result.plot(tmp_path / "bars.png")) as bars:
        assert bars.width == 720
    with pytest.raises(InvalidOption, match=r"neither in \.png"):
        result.plot(tmp_path / "bars.gif")
    with pytest.raises(StorageFull, match="cannot write"):
        result.plot(tmp_path / "no" / "bars.png")


def test_a_notebook_shows_the_annotated_picture(result: PictureResult) -> None:
    shown = result._repr_png_()
    assert shown is not None
    assert Image.open(io.BytesIO(shown)).size == (160, 120)
    assert PictureResult.from_dict(result.to_dict())._repr_png_() is None


def test_a_result_of_a_document_has_no_picture(result: PictureResult, tmp_path: Path) -> None:
    read = PictureResult.from_dict(result.to_dict())
    with pytest.raises(InputError, match="no picture to draw on"):
        read.save_annotated(tmp_path / "a.png")
    with pytest.raises(InvalidOption, match="how it was made"):
        read.methods()
    assert read.plot(tmp_path / "bars.png").exists()


def test_results_are_frozen(result: PictureResult) -> None:
    with pytest.raises(AttributeError):
        result.width = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        result.faces[0].emotion = "sad"  # type: ignore[misc]
