"""Stage settings: what is derived, and what is refused with one clear line."""

import json
import platform
import sys
from typing import Any

import pytest

from infra.settings import STAGE_NAMES, SettingsError, load_settings

PLAN = {"rate_per_second": 1, "burst": 2, "quota_per_day": 3}


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_every_order_of_a_full_batch_can_use_up_its_attempts_before_the_dead_letter_queue(stage: str) -> None:
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
        ({"visibility_timeout_seconds": "59"}, "visibility_timeout_seconds (59) must not be less than"),
        ({"visibility_timeout_seconds": "43201"}, "visibility_timeout_seconds"),
        ({"retry_pause_seconds": "301"}, "retry_pause_limit_seconds (300) must not be less than"),
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
            "enrichment_total_seconds (13.5), and 2 to save what was answered, do not fit",
        ),
        ({"report_timeout_seconds": "901"}, "report_timeout_seconds"),
        ({"report_visibility_timeout_seconds": "899"}, "report_visibility_timeout_seconds (899) must not be less"),
        ({"report_lease_seconds": "886"}, "report_lease_seconds (886) and report_reserve_seconds (15) do not fit"),
        ({"report_concurrency": "1"}, "report_concurrency"),
        ({"report_link_seconds": "901"}, "report_link_seconds"),
        ({"report_lifetime_days": "0"}, "report_lifetime_days"),
        ({"api_timeout_seconds": "30"}, "api_timeout_seconds"),
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


def test_an_unknown_stage_is_named_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"^there is no stage 'qa': choose one of local, dev, prod$"):
        load_settings("qa")
