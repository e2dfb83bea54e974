"""The benchmark beside other libraries, none of which is installed where the tests run."""

from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from benchmarks.http_latency import photograph
from benchmarks.speed.peers.contenders import OURS, Contender, Measured, Process
from benchmarks.speed.peers.libraries import PictureSet, rates, ratios
from benchmarks.speed.peers.programs import Unavailable
from benchmarks.speed.peers.services import MEDIA_TYPE, plain_service, upload
from benchmarks.speed.peers.table import markdown, ratio, spread


def test_a_cell_holds_the_median_and_the_spread() -> None:
    assert spread([3.0, 1.0, 250.0]) == "3.00 (1.00 to 250)"
    assert spread([]) == "-"


def test_ratios_are_taken_round_by_round() -> None:
    assert ratio([10.0, 40.0, 90.0], [1.0, 2.0, 3.0]) == "20.0 (10.0 to 30.0)"


def test_a_table_is_markdown() -> None:
    assert markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_rounds_share_many_files_and_repeat_few() -> None:
    files = [Path(str(number)) for number in range(7)]
    many, few = PictureSet("many", files, 3), PictureSet("few", files[:1], 3)
    assert [many.of(one) for one in range(3)] == [[*files[0::3]], [*files[1::3]], [*files[2::3]]]
    assert [few.of(one) for one in range(3)] == [files[:1]] * 3
    measured = [Measured(1.0, 1.0, faces) for faces in (4, 4, 5)]
    assert (many.faces(measured), few.faces(measured)) == (13, 4)


def test_the_tables_have_a_row_per_library() -> None:
    sets = [PictureSet("portrait", [Path("a")], 1)]
    results = {one.title: {"portrait": [Measured(100.0, 96.0, 1)]} for one in OURS}
    results["`fer` 25.10.3, default detector"] = {"portrait": [Measured(8.0, 8.0, 2)]}
    assert "| `fer` 25.10.3, default detector | 8.00 (8.00 to 8.00); 2 |" in rates(results, sets)
    over = "over `fer` 25.10.3, default detector | 12.5 (12.5 to 12.5) | 12.0 (12.0 to 12.0) |"
    assert [over in line for line in ratios(results, sets).splitlines()] == [False, False, True, True]


def test_a_library_analyses_files_in_its_process(tmp_path: Path) -> None:
    file = tmp_path / "portrait.jpg"
    file.write_bytes(photograph())
    with Process(OURS[1], tmp_path / "log") as process:
        measured = process.measure([file, file], 0.0)
        assert (measured.faces, measured.rate > 0, measured.clock_rate > 0) == (2, True, True)
        file.unlink()
        with pytest.raises(Unavailable, match="it failed"):
            process.measure([file], 0.0)
        with pytest.raises(Unavailable, match="it failed"):
            process.measure([file], 0.0)


def test_a_missing_library_is_told_with_its_installation(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"make .venv-peers/no-library/.ready"):
        Process(Contender("", "no-library"), tmp_path / "log")


def test_the_plain_service_finds_the_face() -> None:
    blank = cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    headers = {"content-type": MEDIA_TYPE}
    with plain_service() as plain, httpx.Client(base_url=f"http://127.0.0.1:{plain.port}", headers=headers) as client:
        (face,) = client.post("/predict", content=upload(photograph())).json()["faces"]
        assert client.post("/predict", content=upload(blank)).json() == {"faces": []}
    assert max(face["scores"], key=face["scores"].get) == "happy"
    assert sum(face["scores"].values()) == pytest.approx(1)
