"""Alerting rules and the dashboard ask in PromQL, and for metrics that there are."""

import json
from typing import Any

import promql_parser as promql
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mien.domain import EngineLoad
from mien.telemetry.metrics import Metrics
from tests.unit.deploy.manifests import ROOT, read

DEPLOY = ROOT / "deploy"
_SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
_OTHERS = {"up"}  # Prometheus's own


def rules() -> list[Any]:
    return [rule for group in read(DEPLOY / "prometheus/alerts.yml")["groups"] for rule in group["rules"]]


def panels() -> list[Any]:
    return list(json.loads((DEPLOY / "grafana/dashboards/mien.json").read_text())["panels"])


QUERIES = [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]


@pytest.fixture(scope="module")
def known() -> set[str]:
    """The names of the series that a process has."""
    page = Metrics("1", lambda: EngineLoad(0, 0, 0, 0, 1)).page().decode()
    families = list(text_string_to_metric_families(page))
    series = {family.name + suffix for family in families for suffix in _SUFFIXES.get(family.type, ())}
    return series | _OTHERS


def selectors(query: str) -> list[promql.VectorSelector]:
    found = []

    def visit(node: Any) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        for name in ("expr", "lhs", "rhs", "vector_selector"):
            child = getattr(node, name, None)
            if child is not None:
                visit(child)
        for child in getattr(node, "args", ()) or ():
            visit(child)

    visit(promql.parse(query))
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_what_there_is(query: str, known: set[str]) -> None:
    names = {selector.name for selector in selectors(query)}
    assert names
    assert names <= known


def test_the_dashboard_is_where_grafana_looks() -> None:
    compose = read(ROOT / "docker-compose.yml")["services"]["grafana"]
    mounted = dict(volume.split(":")[:2] for volume in compose["volumes"])
    (provider,) = read(DEPLOY / "grafana/provisioning/dashboards/mien.yml")["providers"]
    assert mounted["./deploy/grafana/dashboards"] == provider["options"]["path"]
    (source,) = read(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert {panel["datasource"]["uid"] for panel in panels()} == {source["uid"]}
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_the_rules_are_where_prometheus_looks() -> None:
    compose = read(ROOT / "docker-compose.yml")["services"]["prometheus"]
    mounted = [volume.split(":")[1] for volume in compose["volumes"]]
    assert set(read(DEPLOY / "prometheus/prometheus.yml")["rule_files"]) <= set(mounted)
