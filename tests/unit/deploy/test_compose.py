"""docker-compose.yml names files that are there, and Prometheus' file names what it runs."""

from typing import Any

import pytest

from tests.unit.deploy.manifests import ROOT, read


@pytest.fixture(scope="module")
def compose() -> Any:
    return read(ROOT / "docker-compose.yml")


@pytest.fixture(scope="module")
def scrapes() -> Any:
    return read(ROOT / "deploy/prometheus/prometheus.yml")["scrape_configs"]


def test_what_is_mounted_is_there(compose: Any) -> None:
    sources = {
        volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])
    }
    files = {source for source in sources if source.startswith(".")}
    assert all((ROOT / source).exists() for source in files)
    assert sources - files == set(compose["volumes"])


def test_a_service_listens_on_every_scrape_target(compose: Any, scrapes: Any) -> None:
    listening = {
        f"{name}:{port.rpartition(':')[2]}"
        for name, service in compose["services"].items()
        for port in (*service.get("ports", []), *service.get("expose", []))
    }
    static = [config for scrape in scrapes for config in scrape.get("static_configs", ())]
    assert {target for config in static for target in config["targets"]} <= listening
    found = [config for scrape in scrapes for config in scrape.get("dns_sd_configs", ())]
    assert {name for config in found for name in config["names"]} <= set(compose["services"])
