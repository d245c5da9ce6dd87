"""Settings by the names that they had before they stood in groups: scripts hold commands with `-c batch_size=4`."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app import ROOT
from infra.settings import SettingsError, StageSettings, flat_names_in, load_settings
from infra.settings.flat_names import FLAT_NAMES, FLAT_NAMES_UNTIL
from infra.settings.loading import SETTING_NAMES

PLAN = {"rate_per_second": 1, "burst": 2, "quota_per_day": 3}
PROVIDER = {"enrichment_url": "https://prices.example.com"}
AS_IT_WAS: dict[str, tuple[str, dict[str, str]]] = {
    "keep_on_delete": ("true", {}),
    "log_retention_days": ("30", {}),
    "alarms": ("false", {}),
    "alarm_email": ("on-call@example.com", {}),
    "alarm_order_age_seconds": ("1200", {}),
    "alarm_failed_percent": ("7.5", {}),
    "alarm_api_p99_milliseconds": ("1500", {}),
    "canary_minutes": ("5", {}),
    "runbook_url": ("https://wiki.example.com/alarms", {}),
    "log_level": ("DEBUG", {}),
    "tracing": ("false", {}),
    "log_sample_rate": ("0.5", {}),
    "currency": ("USD", {}),
    "python_version": ("3.13", {}),
    "architecture": ("x86_64", {}),
    "function_memory_mb": ("512", {}),
    "authorizer_timeout_seconds": ("6", {}),
    "api_timeout_seconds": ("16", {}),
    "worker_timeout_seconds": ("61", {}),
    "worker_reserve_seconds": ("16", {}),
    "visibility_timeout_seconds": ("361", {}),
    "worker_concurrency": ("7", {}),
    "batch_size": ("4", {}),
    "max_attempts": ("3", {}),
    "max_rescues": ("2", {}),
    "retry_pause_seconds": ("3", {}),
    "retry_pause_limit_seconds": ("301", {}),
    "enrichment_delay_seconds": ("0.5", {}),
    "enrichment_url": ("https://prices.example.com", {}),
    "enrichment_health_url": ("https://prices.example.com/health", PROVIDER),
    "enrichment_secret": ("known-by", PROVIDER),
    "enrichment_connect_seconds": ("3", PROVIDER),
    "enrichment_read_seconds": ("6", PROVIDER),
    "enrichment_total_seconds": ("9", PROVIDER),
    "report_timeout_seconds": ("890", {}),
    "report_reserve_seconds": ("20", {}),
    "report_visibility_timeout_seconds": ("970", {}),
    "report_lease_seconds": ("50", {}),
    "report_memory_mb": ("2048", {}),
    "report_concurrency": ("6", {}),
    "report_rows_per_second": ("2000", {}),
    "report_settle_seconds": ("6", {}),
    "report_lifetime_days": ("8", {}),
    "report_link_seconds": ("800", {}),
    "report_uploads_per_hour": ("61", {}),
    "notify_timeout_seconds": ("61", {}),
    "notify_reserve_seconds": ("18", {}),
    "notify_visibility_timeout_seconds": ("361", {}),
    "notify_concurrency": ("11", {}),
    "notify_max_attempts": ("13", {}),
    "notify_retry_pause_seconds": ("6", {}),
    "notify_retry_pause_limit_seconds": ("14401", {}),
    "email_from": ("notices@example.com", {}),
    "email_locale": ("en-US", {}),
    "email_time_zone": ("UTC", {}),
    "public_url": ("https://api.example.com/", {}),
    "emulator_url": ("http://127.0.0.1:4566", {}),
    "api_rate_per_second": ("51", {}),
    "api_burst": ("101", {}),
    "cors_origins": ("https://shop.example", {}),
    "websocket": ("false", {}),
    "authorizer_cache_seconds": ("61", {}),
    "usage_plans": (json.dumps({"web": PLAN, "mobile": PLAN, "api": PLAN}), {}),
}
"""Each setting that could be given when there were no groups: a value that dev has not, and what it needs beside it."""


def test_every_setting_of_then_has_one_name_of_now() -> None:
    kept = {name for name in AS_IT_WAS if name not in FLAT_NAMES}
    assert FLAT_NAMES.keys() == AS_IT_WAS.keys() - kept
    assert sorted([*kept, "stage", *FLAT_NAMES.values()]) == sorted(set(SETTING_NAMES))


@pytest.mark.parametrize("flat", AS_IT_WAS)
def test_a_name_of_then_does_what_the_name_of_now_does(flat: str) -> None:
    value, beside = AS_IT_WAS[flat]
    by_old_name = load_settings("dev", {**beside, flat: value})
    assert by_old_name == load_settings("dev", {**beside, FLAT_NAMES.get(flat, flat): value})
    assert by_old_name != load_settings("dev", beside)


def test_a_value_reaches_the_setting_that_it_was_meant_for() -> None:
    """Of those that could be mistaken for each other; the mapping's own test takes its word for what is meant."""
    given: dict[str, Any] = {name: value for name, (value, _) in AS_IT_WAS.items() if name != "emulator_url"}
    settings: StageSettings = load_settings("dev", given)
    order, report, notification = settings.order_work, settings.report_work, settings.notification_work
    assert (order.timeout_seconds, order.reserve_seconds, order.visibility_timeout_seconds) == (61, 16, 361)
    assert (order.batch_size, order.concurrency, order.max_attempts, order.retry_pause_seconds) == (4, 7, 3, 3)
    assert (report.timeout_seconds, report.reserve_seconds, report.visibility_timeout_seconds) == (890, 20, 970)
    assert (report.batch_size, report.concurrency, report.max_attempts, report.retry_pause_limit_seconds) == (
        *(1, 6, 3, 301),
    )
    assert (notification.timeout_seconds, notification.reserve_seconds) == (61, 18)
    assert (notification.concurrency, notification.max_attempts, notification.retry_pause_seconds) == (11, 13, 6)
    assert (settings.api.timeout_seconds, settings.api.authorizer_timeout_seconds) == (16, 6)
    assert (settings.api.rate_per_second, settings.api.burst, settings.api.authorizer_cache_seconds) == (51, 101, 61)
    assert (settings.functions.memory_mb, settings.reports.memory_mb) == (512, 2048)
    assert (settings.alarms.enabled, settings.alarms.email) == (False, "on-call@example.com")
    enrichment = settings.enrichment
    assert (enrichment.connect_seconds, enrichment.read_seconds, enrichment.total_seconds) == (3, 6, 9)
    assert (settings.websocket.enabled, settings.observability.tracing) == (False, False)


@pytest.mark.parametrize("flat", FLAT_NAMES)
def test_both_names_of_a_setting_at_once_are_refused(flat: str) -> None:
    value, now = AS_IT_WAS[flat][0], FLAT_NAMES[flat]
    for first, second in ((flat, now), (now, flat)):
        with pytest.raises(SettingsError) as refused:
            load_settings("dev", {first: value, second: value})
        assert str(refused.value) == f"stage dev: {first} and {second} are one setting: give it once"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": "11"}, "batch_size: Input should be less than or equal to 10 (it is '11')"),
        ({"delivery.batch_size": "11"}, "delivery.batch_size: Input should be less than or equal to 10 (it is '11')"),
        (
            {"visibility_timeout_seconds": "59"},
            "orders.timeout_seconds (60) and 2 s to spare do not fit into visibility_timeout_seconds (59): a message",
        ),
        ({"usage_plans": {"web": PLAN}}, "usage_plans has no plan for mobile, api"),
        (
            {"enrichment_secret": "known-by"},
            "enrichment_secret and enrichment.health_url are of no use without enrichment.url",
        ),
        ({"cors_origins": "null"}, "cors_origins: 'null' is no origin: write scheme://host or scheme://host:port, "),
    ],
    ids=str,
)
def test_a_fault_is_told_in_the_names_that_were_given(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("dev", given)
    assert str(refused.value).removeprefix("stage dev: ").startswith(message)


def test_whoever_gives_an_old_name_hears_the_new_one_and_how_long_the_old_one_is_taken() -> None:
    assert flat_names_in({"batch_size": "4", "orders.currency": "BRL", "keep_on_delete": "true"}) == [
        f"batch_size is called delivery.batch_size now; the old name is taken until {FLAT_NAMES_UNTIL}"
    ]
    assert date(2027, 7, 1) == FLAT_NAMES_UNTIL


AT_THE_DOOR = ("README.md", "README.pt-BR.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile")
DOCUMENTS = [*(ROOT / name for name in AT_THE_DOOR), *(ROOT / "docs").rglob("*.md")]
OF_THEN = {name for name in FLAT_NAMES if "_" in name}
"""Those that a document could mean nothing else by."""
EXAMPLE = {ROOT / name: {"worker_concurrency"} for name in ("README.md", "README.pt-BR.md")}


def given_in(text: str) -> set[str]:
    """Names of settings on command lines: `-c NAME=VALUE`, `SET="NAME=VALUE NAME=VALUE"`."""
    given = re.findall(r'-c (\S+=)|SET=(?:"([^"]*)"|(\S*))', text)
    return {name for parts in given for name in re.findall(r"(?:^|\s)([\w.]+)=", " ".join(parts))}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_documents_call_settings_what_they_are_called_now(document: Path) -> None:
    text = document.read_text()
    assert given_in(text) <= {*SETTING_NAMES}
    assert {name for name in re.findall(r"`(\w+)`", text) if name in OF_THEN} == EXAMPLE.get(document, set())


def test_what_documents_give_is_found() -> None:
    assert given_in('-c stage=dev -c a.b=1 SET=c=2 `SET="d.e=3 f=http://x/?y=z"`') == {"stage", "a.b", "c", "d.e", "f"}
    assert len({name for document in DOCUMENTS for name in given_in(document.read_text())}) > 8
