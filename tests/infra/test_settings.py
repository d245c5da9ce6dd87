"""Stage settings: what is derived, and what is refused with one clear line."""

import json
import platform
import re
import sys
from typing import Any

import pytest

from comanda.adapters.delivery.queues import HIDDEN_WHILE_TENDED
from comanda.adapters.enrichment import circuit
from comanda.adapters.notifications import webhook_call
from infra.constructs.every_minute import STEWARD_TIMEOUT_SECONDS
from infra.settings import (
    STAGE_NAMES,
    TIMES,
    TIMES_OF_A_PROVIDER,
    TIMES_OF_THE_SIMULATED_PROVIDER,
    TRY_SECONDS,
    WEBHOOK_SECONDS,
    Fits,
    SettingsError,
    load_settings,
)

PLAN = {"rate_per_second": 1, "burst": 2, "quota_per_day": 3}


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_every_order_of_a_full_batch_has_all_its_attempts_before_the_dlq(stage: str) -> None:
    settings = load_settings(stage)
    needed = settings.batch_size * settings.max_attempts + settings.max_attempts
    assert settings.max_receive_count >= needed
    assert settings.max_receive_count == 55


def test_receives_follow_batch_and_attempts() -> None:
    assert load_settings("dev", {"batch_size": "4", "max_attempts": "3"}).max_receive_count == 15


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_aws_hides_messages_six_times_as_long_as_a_worker_runs(stage: str) -> None:
    settings = load_settings(stage)
    assert settings.visibility_timeout_seconds >= 6 * settings.worker_timeout_seconds


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_a_report_is_not_shown_to_a_second_worker_while_the_first_may_run(stage: str) -> None:
    work = load_settings(stage).report_work
    assert work.visibility_timeout_seconds >= work.timeout_seconds
    assert work.batch_size == 1


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_aws_stages_run_on_arm_with_the_newest_runtime(stage: str) -> None:
    settings = load_settings(stage)
    assert (settings.python_version, settings.architecture) == ("3.14", "arm64")


def test_the_local_stage_runs_with_what_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings("local").python_version == f"{sys.version_info.major}.{sys.version_info.minor}"
    for machine, architecture in (("x86_64", "x86_64"), ("AMD64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")):
        monkeypatch.setattr(platform, "machine", lambda machine=machine: machine)
        assert load_settings("local").architecture == architecture


def test_names_of_a_stage() -> None:
    settings = load_settings("dev")
    assert {settings.tokens_secret_name, settings.usage_key_prefix} == {"comanda-dev-tokens", "comanda-dev-usage-plan"}
    names = {settings.webhook_secrets_name, settings.link_keys_name}
    assert names == {"comanda-dev-webhook-secrets", "comanda-dev-link-keys"}


def test_overrides_come_as_text_from_the_command_line() -> None:
    settings = load_settings(
        "dev",
        {
            "enrichment_delay_seconds": "0",
            "alarms": "false",
            "worker_concurrency": "2",
            "log_retention_days": "30",
            "usage_plans": json.dumps({"web": PLAN, "mobile": PLAN, "api": PLAN}),
        },
    )
    assert settings.enrichment_delay_seconds == 0
    assert settings.alarms is False
    assert settings.worker_concurrency == 2
    assert settings.log_retention_days == 30
    assert settings.usage_plans["mobile"].quota_per_day == 3


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"batch_size": "11"}, "batch_size"),
        ({"batch_size": "0"}, "batch_size"),
        ({"max_attempts": "many"}, "max_attempts"),
        ({"worker_concurrency": "1"}, "worker_concurrency"),
        (
            {"visibility_timeout_seconds": "59"},
            "worker_timeout_seconds (60) and 2 s to spare do not fit into visibility_timeout_seconds (59): a message",
        ),
        ({"visibility_timeout_seconds": "43201"}, "visibility_timeout_seconds"),
        (
            {"retry_pause_seconds": "301"},
            "retry_pause_seconds (301) does not fit into retry_pause_limit_seconds (300): the first",
        ),
        ({"retry_pause_limit_seconds": "43201"}, "retry_pause_limit_seconds"),
        ({"enrichment_delay_seconds": "6"}, "a batch of 10 orders at enrichment_delay_seconds (6) does not fit"),
        ({"enrichment_url": "ftp://prices.example.com"}, "enrichment_url"),
        ({"enrichment_url": "prices.example.com"}, "enrichment_url"),
        ({"enrichment_url": "https://ana:secret@prices.example.com"}, "enrichment_url must hold no user"),
        (
            {
                "enrichment_url": "https://prices.example.com",
                "enrichment_health_url": "https://ana@prices.example.com",
            },
            "enrichment_health_url must hold no user",
        ),
        (
            {"enrichment_secret": "known-by"},
            "enrichment_secret and enrichment_health_url are of no use without enrichment_url",
        ),
        (
            {"enrichment_url": "https://prices.example.com", "enrichment_total_seconds": "13.5"},
            "enrichment_total_seconds (13.5) and 2 s to spare do not fit into worker_reserve_seconds (15): an order",
        ),
        ({"report_timeout_seconds": "901"}, "report_timeout_seconds"),
        (
            {"report_visibility_timeout_seconds": "899"},
            "report_timeout_seconds (900) and 2 s to spare do not fit into report_visibility_timeout_seconds (899)",
        ),
        ({"report_lease_seconds": "886"}, "report_lease_seconds (886) and report_reserve_seconds (15) do not fit"),
        ({"report_concurrency": "1"}, "report_concurrency"),
        ({"report_link_seconds": "901"}, "report_link_seconds"),
        ({"report_lifetime_days": "0"}, "report_lifetime_days"),
        ({"api_timeout_seconds": "29"}, "api_timeout_seconds"),
        ({"authorizer_cache_seconds": "59"}, "authorizer_cache_seconds"),
        ({"authorizer_cache_seconds": "301"}, "authorizer_cache_seconds"),
        ({"currency": "real"}, "currency"),
        ({"log_level": "LOUD"}, "log_level"),
        ({"log_retention_days": "8"}, "log_retention_days"),
        ({"architecture": "mips"}, "architecture"),
        ({"python_version": "2.7"}, "python_version"),
        ({"usage_plans": "{"}, "usage_plans"),
        ({"usage_plans": {"web": PLAN}}, "usage_plans has no plan for mobile, api"),
        ({"usage_plans": {"fax": PLAN}}, "usage_plans.fax"),
        ({"no_such_setting": "1"}, "no_such_setting"),
    ],
)
def test_a_bad_setting_is_named_in_one_line(overrides: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("dev", overrides)
    message = str(refused.value)
    assert message.startswith("stage dev: ")
    assert complaint in message
    assert "\n" not in message


PROVIDER = {"enrichment_url": "https://prices.example.com"}
ROOMY = {"worker_reserve_seconds": 50, "worker_timeout_seconds": 200, "visibility_timeout_seconds": 500}
"""Where a call of the provider may be long."""
EVERY_TIME = (*TIMES, *TIMES_OF_THE_SIMULATED_PROVIDER, *TIMES_OF_A_PROVIDER)
LAST: tuple[tuple[str, float, float, dict[str, Any]], ...] = (
    ("worker_reserve_seconds", 58, 59, {}),
    ("visibility_timeout_seconds", 62, 61, {}),
    ("alarm_order_age_seconds", 420, 419, {}),
    ("retry_pause_seconds", 300, 301, {}),
    ("report_lease_seconds", 885, 886, {"report_visibility_timeout_seconds": 2000}),
    ("report_visibility_timeout_seconds", 902, 901, {"report_lease_seconds": 2}),
    ("report_visibility_timeout_seconds", 946, 945, {}),
    ("notify_reserve_seconds", 17, 16, {}),
    ("notify_reserve_seconds", 58, 59, {}),
    ("notify_visibility_timeout_seconds", 62, 61, {}),
    ("notify_retry_pause_limit_seconds", 5, 4, {}),
    ("worker_reserve_seconds", 3, 2, {}),
    ("enrichment_connect_seconds", 9, 9.5, PROVIDER),
    ("enrichment_read_seconds", 9, 9.5, PROVIDER),
    ("enrichment_total_seconds", 13, 13.5, PROVIDER),
    ("enrichment_total_seconds", 28, 28.5, PROVIDER | ROOMY),
)
"""For each of them, in dev: a setting, its last value that fits, and its first that does not."""


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_no_two_times_that_race_are_equal(stage: str, times: Fits) -> None:
    assert times.fault_in(load_settings(stage)) is None


@pytest.mark.parametrize("times", TIMES_OF_A_PROVIDER)
@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_nor_are_those_of_a_provider(stage: str, times: Fits) -> None:
    """Whether the stage has one now or not."""
    assert times.fault_in(load_settings(stage)) is None
    load_settings(stage, PROVIDER)


@pytest.mark.parametrize(("times", "last"), [*zip(EVERY_TIME, LAST, strict=True)])
def test_a_time_that_does_not_fit_is_refused_with_the_reason(
    times: Fits, last: tuple[str, float, float, dict[str, Any]]
) -> None:
    setting, fits, does_not, given = last
    load_settings("dev", {**given, setting: fits})
    with pytest.raises(SettingsError) as refused:
        load_settings("dev", {**given, setting: does_not})
    message = str(refused.value)
    assert all(f"{name} (" in message for name in (*times.parts, times.into))
    assert message.endswith(times.because)


def test_what_the_functions_know_by_themselves_is_what_the_settings_reckon_with() -> None:
    assert webhook_call.LIMITS.total == WEBHOOK_SECONDS
    assert circuit.TRY_SECONDS == TRY_SECONDS


def test_scheduled_function_ends_before_its_next_run_and_its_hidden_messages() -> None:
    """The switch asks a provider that may take as long as a call that tries it."""
    assert TRY_SECONDS < STEWARD_TIMEOUT_SECONDS < 60 < HIDDEN_WHILE_TENDED
    assert circuit.RECOVERY_SECONDS > 2 * 60, "two looks of the switch begin it again before it is over"


def test_an_unknown_stage_is_named_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"^there is no stage 'qa': choose one of local, dev, prod$"):
        load_settings("qa")


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        (None, ()),
        ("https://shop.example", ("https://shop.example",)),
        (
            "https://shop.example, https://desk.example:8443,http://localhost:3000,http://127.0.0.1:8000",
            ("https://shop.example", "https://desk.example:8443", "http://localhost:3000", "http://127.0.0.1:8000"),
        ),
        (["https://xn--bcher-kva.example"], ("https://xn--bcher-kva.example",)),
        ("*", ("*",)),
    ],
)
def test_origins_of_web_pages(given: object, origins: tuple[str, ...]) -> None:
    assert load_settings("dev", {} if given is None else {"cors_origins": given}).cors_origins == origins


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("https://shop.example/", "has a path or a slash at its end"),
        ("https://shop.example/app", "has a path or a slash at its end"),
        ("https://shop.example?x", "has a path or a slash at its end"),
        ("http://shop.example", "has to be https: http is for localhost and 127.0.0.1 alone"),
        ("http://localhost.shop.example", "has to be https"),
        ("http://127.0.0.1.shop.example", "has to be https"),
        ("shop.example", "is no origin: write scheme://host"),
        ("null", "is no origin: write scheme://host"),
        ("ftp://shop.example", "is no origin: write scheme://host"),
        ("https://", "has no host as browsers send it"),
        ("https://Shop.example", "has no host as browsers send it"),
        ("https://b\u00fccher.example", "has no host as browsers send it"),
        ("https://*.shop.example", "has no host as browsers send it"),
        ("https://me:pw@shop.example", "has no port from 1 to 65535"),
        ("https://me@shop.example", "has no host as browsers send it"),
        ("https://shop.example:", "has no port from 1 to 65535"),
        ("https://shop.example:0", "has no port from 1 to 65535"),
        ("https://shop.example:65536", "has no port from 1 to 65535"),
        ("https://shop.example:443", "names the port that browsers leave out: write https://shop.example"),
        ("http://localhost:80", "names the port that browsers leave out: write http://localhost"),
        ("*,https://shop.example", "* stands for every origin, and so stands alone"),
        ("https://shop.example https://desk.example", "has a path or a slash at its end"),
        (["https://shop.example\n"], "has no host as browsers send it"),
    ],
)
def test_what_is_no_origin_is_refused_in_one_line(given: object, complaint: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(complaint)) as refused:
        load_settings("dev", {"cors_origins": given})
    assert str(refused.value).startswith("stage dev: cors_origins: ")
    assert "\n" not in str(refused.value)
