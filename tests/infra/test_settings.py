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
from infra.constructs.every_minute import RECONCILER_TIMEOUT_SECONDS
from infra.settings import STAGE_NAMES, SettingsError, load_settings
from infra.settings.enrichment import TRY_SECONDS
from infra.settings.loading import GROUPS, SETTING_NAMES
from infra.settings.notifications import WEBHOOK_SECONDS
from infra.settings.times import TIMES, TIMES_OF_A_PROVIDER, TIMES_OF_THE_SIMULATED_PROVIDER, Fits

PLAN = {"rate_per_second": 1, "burst": 2, "quota_per_day": 3}


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_every_order_of_a_full_batch_has_all_its_attempts_before_the_dlq(stage: str) -> None:
    settings = load_settings(stage)
    needed = settings.delivery.batch_size * settings.delivery.max_attempts + settings.delivery.max_attempts
    assert settings.delivery.max_receive_count >= needed
    assert settings.delivery.max_receive_count == 55


def test_receives_follow_batch_and_attempts() -> None:
    assert (
        load_settings("dev", {"delivery.batch_size": "4", "delivery.max_attempts": "3"}).delivery.max_receive_count
        == 15
    )


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_aws_hides_messages_six_times_as_long_as_a_worker_runs(stage: str) -> None:
    settings = load_settings(stage)
    assert settings.orders.visibility_timeout_seconds >= 6 * settings.orders.timeout_seconds


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_a_report_is_not_shown_to_a_second_worker_while_the_first_may_run(stage: str) -> None:
    work = load_settings(stage).report_work
    assert work.visibility_timeout_seconds >= work.timeout_seconds
    assert work.batch_size == 1


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_aws_stages_run_on_arm_with_the_newest_runtime(stage: str) -> None:
    settings = load_settings(stage)
    assert (settings.functions.python_version, settings.functions.architecture) == ("3.14", "arm64")


def test_the_local_stage_runs_with_what_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings("local").functions.python_version == f"{sys.version_info.major}.{sys.version_info.minor}"
    for machine, architecture in (("x86_64", "x86_64"), ("AMD64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")):
        monkeypatch.setattr(platform, "machine", lambda machine=machine: machine)
        assert load_settings("local").functions.architecture == architecture


def test_names_of_a_stage() -> None:
    settings = load_settings("dev")
    assert {settings.tokens_secret_name, settings.usage_key_prefix} == {"comanda-dev-tokens", "comanda-dev-usage-plan"}
    names = {settings.webhook_secrets_name, settings.link_keys_name}
    assert names == {"comanda-dev-webhook-secrets", "comanda-dev-link-keys"}


def test_overrides_come_as_text_from_the_command_line() -> None:
    settings = load_settings(
        "dev",
        {
            "enrichment.delay_seconds": "0",
            "alarms.enabled": "false",
            "orders.concurrency": "2",
            "observability.log_retention_days": "30",
            "api.usage_plans": json.dumps({"web": PLAN, "mobile": PLAN, "api": PLAN}),
        },
    )
    assert settings.enrichment.delay_seconds == 0
    assert settings.alarms.enabled is False
    assert settings.orders.concurrency == 2
    assert settings.observability.log_retention_days == 30
    assert settings.api.usage_plans["mobile"].quota_per_day == 3


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"delivery.batch_size": "11"}, "delivery.batch_size"),
        ({"delivery.batch_size": "0"}, "delivery.batch_size"),
        ({"delivery.max_attempts": "many"}, "delivery.max_attempts"),
        ({"orders.concurrency": "1"}, "orders.concurrency"),
        (
            {"orders.visibility_timeout_seconds": "59"},
            "orders.timeout_seconds (60) and 2 s to spare do not fit into orders.visibility_timeout_seconds (59): a",
        ),
        ({"orders.visibility_timeout_seconds": "43201"}, "orders.visibility_timeout_seconds"),
        (
            {"delivery.retry_pause_seconds": "301"},
            "delivery.retry_pause_seconds (301) does not fit into delivery.retry_pause_limit_seconds (300): the first",
        ),
        ({"delivery.retry_pause_limit_seconds": "43201"}, "delivery.retry_pause_limit_seconds"),
        (
            {"enrichment.delay_seconds": "6"},
            "a batch of 10 orders (delivery.batch_size) at enrichment.delay_seconds (6) does not fit",
        ),
        ({"enrichment.url": "ftp://prices.example.com"}, "enrichment.url"),
        ({"enrichment.url": "prices.example.com"}, "enrichment.url"),
        ({"enrichment.url": "https://ana:secret@prices.example.com"}, "enrichment.url must hold no user"),
        (
            {
                "enrichment.url": "https://prices.example.com",
                "enrichment.health_url": "https://ana@prices.example.com",
            },
            "enrichment.health_url must hold no user",
        ),
        (
            {"enrichment.secret": "known-by"},
            "enrichment.secret and enrichment.health_url are of no use without enrichment.url",
        ),
        (
            {"enrichment.url": "https://prices.example.com", "enrichment.total_seconds": "13.5"},
            "enrichment.total_seconds (13.5) and 2 s to spare do not fit into orders.reserve_seconds (15): an order",
        ),
        ({"reports.timeout_seconds": "901"}, "reports.timeout_seconds"),
        (
            {"reports.visibility_timeout_seconds": "899"},
            "reports.timeout_seconds (900) and 2 s to spare do not fit into reports.visibility_timeout_seconds (899)",
        ),
        ({"reports.lease_seconds": "886"}, "reports.lease_seconds (886) and reports.reserve_seconds (15) do not fit"),
        ({"reports.concurrency": "1"}, "reports.concurrency"),
        ({"reports.link_seconds": "901"}, "reports.link_seconds"),
        ({"reports.lifetime_days": "0"}, "reports.lifetime_days"),
        ({"api.timeout_seconds": "29"}, "api.timeout_seconds"),
        ({"api.authorizer_cache_seconds": "59"}, "api.authorizer_cache_seconds"),
        ({"api.authorizer_cache_seconds": "301"}, "api.authorizer_cache_seconds"),
        ({"orders.currency": "real"}, "orders.currency"),
        ({"observability.log_level": "LOUD"}, "observability.log_level"),
        ({"observability.log_retention_days": "8"}, "observability.log_retention_days"),
        ({"functions.architecture": "mips"}, "functions.architecture"),
        ({"functions.python_version": "2.7"}, "functions.python_version"),
        ({"api.usage_plans": "{"}, "api.usage_plans"),
        ({"api.usage_plans": {"web": PLAN}}, "usage_plans has no plan for mobile, api"),
        ({"api.usage_plans": {"fax": PLAN}}, "usage_plans.fax"),
        ({"no_such_setting": "1"}, "there is no setting 'no_such_setting': infra/settings has all of them"),
        ({"orders.max_attempts": "1"}, "did you mean delivery.max_attempts or notifications.max_attempts?"),
        ({"orders": "1"}, "there is no setting 'orders': orders is a group of settings, such as orders.currency"),
        ({"orders.": "1"}, "there is no setting 'orders.'"),
        ({"alarms.enabled.": "1"}, "there is no setting 'alarms.enabled.'"),
    ],
)
def test_a_bad_setting_is_named_in_one_line(overrides: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("dev", overrides)
    message = str(refused.value)
    assert message.startswith("stage dev: ")
    assert complaint in message
    assert "\n" not in message


def test_every_setting_stands_in_a_group_but_for_what_is_of_the_whole_stage() -> None:
    assert {name for name in SETTING_NAMES if "." not in name} == {"stage", "keep_on_delete", "emulator_url"}
    assert {name.partition(".")[0] for name in SETTING_NAMES if "." in name} == set(GROUPS)


PROVIDER = {"enrichment.url": "https://prices.example.com"}
ROOMY = {"orders.reserve_seconds": 50, "orders.timeout_seconds": 200, "orders.visibility_timeout_seconds": 500}
"""Where a call of the provider may be long."""
EVERY_TIME = (*TIMES, *TIMES_OF_THE_SIMULATED_PROVIDER, *TIMES_OF_A_PROVIDER)
LAST: tuple[tuple[str, float, float, dict[str, Any]], ...] = (
    ("orders.reserve_seconds", 58, 59, {}),
    ("orders.visibility_timeout_seconds", 62, 61, {}),
    ("alarms.order_age_seconds", 420, 419, {}),
    ("delivery.retry_pause_seconds", 300, 301, {}),
    ("reports.lease_seconds", 885, 886, {"reports.visibility_timeout_seconds": 2000}),
    ("reports.visibility_timeout_seconds", 902, 901, {"reports.lease_seconds": 2}),
    ("reports.visibility_timeout_seconds", 946, 945, {}),
    ("notifications.reserve_seconds", 17, 16, {}),
    ("notifications.reserve_seconds", 58, 59, {}),
    ("notifications.visibility_timeout_seconds", 62, 61, {}),
    ("notifications.retry_pause_limit_seconds", 5, 4, {}),
    ("orders.reserve_seconds", 3, 2, {}),
    ("enrichment.connect_seconds", 9, 9.5, PROVIDER),
    ("enrichment.read_seconds", 9, 9.5, PROVIDER),
    ("enrichment.total_seconds", 13, 13.5, PROVIDER),
    ("enrichment.total_seconds", 28, 28.5, PROVIDER | ROOMY),
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
    assert TRY_SECONDS < RECONCILER_TIMEOUT_SECONDS < 60 < HIDDEN_WHILE_TENDED
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
    assert load_settings("dev", {} if given is None else {"api.cors_origins": given}).api.cors_origins == origins


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
        load_settings("dev", {"api.cors_origins": given})
    assert str(refused.value).startswith("stage dev: api.cors_origins: ")
    assert "\n" not in str(refused.value)
