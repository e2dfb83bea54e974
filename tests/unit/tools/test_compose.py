from pathlib import Path

import pytest

from tests.unit.tools.conftest import Edit
from tools.checks import compose


def test_the_compose_file_is_well(checkout: Path) -> None:
    assert compose.problems(checkout) == []


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("docker-compose.yml", ("read_only:", "readonly:"), "readonly"),
        ("docker-compose.yml", ("cap_drop: [ALL]", "cap_drop: ALL"), "cap_drop"),
        ("docker-compose.yml", ("restart:", "read_only: false\n    restart:"), "twice"),
        ("docker-compose.yml", ("./deploy/prometheus/prometheus.yml", "./deploy/prometheus.yml"), "not there"),
        ("docker-compose.yml", ("- prometheus:/prometheus", "- data:/prometheus"), "not declared"),
        ("docker-compose.yml", ("prometheus/no-key", "prometheus/key"), "prometheus/key, which is not there"),
        ("docker-compose.yml", ("    secrets: [metrics-key]\n", ""), "mounts no /run/secrets/metrics-key"),
        ("deploy/prometheus/prometheus.yml", ("scrape_timeout", "scrape_timeouts"), "scrape_timeouts"),
        ("deploy/prometheus/prometheus.yml", ("mien:8000", "mien:8001"), "mien:8001"),
    ],
)
def test_a_broken_file_is_found(checkout: Path, edit: Edit, name: str, change: tuple[str, str], said: str) -> None:
    edit(name, change)
    found = compose.problems(checkout)
    assert any(said in problem for problem in found)
