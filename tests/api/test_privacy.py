"""``GET /privacy``: what is kept, by the settings, as JSON and as a page."""

import re
from datetime import date
from typing import Any

import httpx

from mien.api.privacy_statement import PrivacyOut, privacy_of
from tests.api.live import KEY, problem, serving_fake, settings

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def statement(**chosen: Any) -> PrivacyOut:
    with serving_fake(**chosen) as client:
        answer = client.get("/privacy").raise_for_status()
    assert answer.headers["content-type"] == "application/json"
    return PrivacyOut.model_validate_json(answer.content, strict=True)


def test_only_jobs_are_kept_and_no_longer_than_the_operator_says() -> None:
    retention = statement(retention="90m").retention
    assert retention.statement.startswith("No picture, clip or result is kept, except those of jobs")
    assert {held.what for held in retention.held} == {"pictures", "clips and annotated clips"}
    clips, results, entries = retention.kept
    assert clips.until == "the job has ended, or its caller deletes it"
    assert results.until == entries.until == "1.5 hours after the end of the job, or its caller deletes it"
    assert (clips.where, entries.where) == ("a folder on this machine", "a database on this machine")
    assert retention.sent_elsewhere.startswith("No one:")


def test_nothing_is_kept_where_there_are_only_counts() -> None:
    retention = statement(aggregate_only=True).retention
    assert (retention.kept, retention.sent_elsewhere[:6]) == ([], "No one")
    assert retention.statement.startswith("No picture, clip or result is kept.")


def test_it_says_where_else_jobs_go() -> None:
    webhook = statement(webhook_secret="whsec_" + "A" * 32).retention
    assert webhook.sent_elsewhere.startswith("Only the id and the state of a job")
    away = privacy_of(settings(database_url="postgresql://db/mien", media_url="s3://bucket")).retention
    assert "the operator's database and object store" in away.sent_elsewhere
    assert {held.where for held in away.kept} == {"the operator's object store", "the operator's database"}


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
    for part in (
        found["retention"]["statement"],
        *found["notice"].split("\n\n"),
        found["legal_advice"],
        "clips of jobs",
    ):
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
