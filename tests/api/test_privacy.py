"""``GET /privacy``: what is kept, by the settings, as JSON and as a page."""

import re
from datetime import date
from typing import Any

import httpx

from mien.api.privacy_statement import PrivacyOut
from tests.api.live import KEY, problem, serving_fake

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def statement(**chosen: Any) -> PrivacyOut:
    with serving_fake(**chosen) as client:
        answer = client.get("/privacy").raise_for_status()
    assert answer.headers["content-type"] == "application/json"
    return PrivacyOut.model_validate_json(answer.content, strict=True)


def test_nothing_is_kept(client: httpx.Client) -> None:
    retention = client.get("/privacy").json()["retention"]
    assert retention["kept"] == []
    assert retention["statement"].startswith("No picture, clip or result is kept.")
    assert {held["what"] for held in retention["held"]} == {"pictures", "clips and annotated clips"}


def test_it_says_what_the_settings_say() -> None:
    usual = statement().retention
    assert (usual.aggregate_only, "no file names" in usual.log, "the results" in usual.statement) == (False, True, True)
    assert "1,048,576 bytes" in usual.held[0].where
    other = statement(aggregate_only=True, log_names=True, spool_memory_bytes=4096).retention
    assert (other.aggregate_only, "no file names" in other.log) == (True, False)
    assert "only counts per label over at least 5 people" in other.statement
    assert "4,096 bytes" in other.held[0].where


def test_each_rule_has_its_day_and_source(client: httpx.Client) -> None:
    found = client.get("/privacy").json()
    days = {law["rule"]: law["applies_from"] for law in found["law"]}
    assert days["AI Act, Article 5(1)(f)"] == "2025-02-02"
    assert days["AI Act, Article 50(3)"] == "2026-08-02"
    (annex,) = (day for rule, day in days.items() if "Annex III" in rule)
    assert annex == "2027-12-02"
    for law in found["law"]:
        assert law["source"].startswith(("https://eur-lex.europa.eu/", "https://oeil.europarl.europa.eu/"))
        date.fromisoformat(law["applies_from"])
    assert found["legal_advice"].startswith("This is no legal advice.")
    assert found["notice"].count("[") >= 8


def test_the_page_has_all_of_it(client: httpx.Client) -> None:
    found = client.get("/privacy").json()
    page = client.get("/privacy", headers=BROWSER).raise_for_status()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    text = re.sub(r"<[^>]+>", " ", page.text).replace("&#x27;", "'").replace("&amp;", "&")
    assert "$" not in text
    for part in (found["retention"]["statement"], *found["notice"].split("\n\n"), found["legal_advice"], "Nothing."):
        assert part in text
    for law in found["law"]:
        assert law["says"] in text
        assert f'href="{law["source"]}"' in page.text
    for address in re.findall(r'(?:src|href)="(?!https:|data:)([^"]+)"', page.text):
        client.get(f"/{address}").raise_for_status()


def test_it_needs_no_key_and_has_two_forms() -> None:
    with serving_fake(api_keys=KEY) as client:
        client.get("/privacy").raise_for_status()
        problem(client.get("/privacy", headers={"accept": "image/png"}), 406, "not_acceptable")
