"""`make up SET=…` and the ports of the local servers: what is wrong is said in one line, before anything is started."""

import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from local.__main__ import app
from local.errors import LocalError
from local.processes.guarded import ROOT


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (["nonsense=1"], "there is no setting 'nonsense': infra/settings has all of them"),
        (["max_attempt=3"], "there is no setting 'max_attempt': did you mean delivery.max_attempts"),
        (["delivery.max_attempt=3"], "there is no setting 'delivery.max_attempt': did you mean delivery.max_attempts"),
        (["Max-Attempts=3"], "did you mean delivery.max_attempts"),
        (["delivery=3"], "delivery is a group of settings, such as delivery.batch_size"),
        (["delivery.max_attempts=0"], "stage local: delivery.max_attempts: Input should be greater than or equal to 1"),
        (["delivery.max_attempts=many"], "delivery.max_attempts: Input should be a valid integer"),
        (["delivery.max_attempts="], "delivery.max_attempts: Input should be a valid integer"),
        (["max_attempts=0"], "stage local: max_attempts: Input should be greater than or equal to 1 (it is '0')"),
        (["max_attempts"], "a setting is written as name=value, not 'max_attempts'"),
        (["=3"], "a setting is written as name=value, not '=3'"),
        ([""], "a setting is written as name=value, not ''"),
        (["orders.currency=BRL", "orders.currency=USD"], "orders.currency is set twice: to 'BRL' and to 'USD'"),
        (["orders.currency=BRL", "orders.currency=BRL"], "orders.currency is set twice"),
        (["max_attempts=2", "delivery.max_attempts=2"], "max_attempts and delivery.max_attempts are one setting"),
        (
            ["orders.concurrency=0", "api.burst=0"],
            "orders.concurrency: Input should be greater than or equal to 2 (it is",
        ),
        (["orders.concurrency=0", "api.burst=0"], "(it is '0'); api.burst: Input should be"),
        (["enrichment.secret=known-by"], "of no use without enrichment.url"),
        (["orders.timeout_seconds=5"], "do not fit into orders.timeout_seconds (5)"),
        (["observability.log_retention_days=abc"], "observability.log_retention_days: Input should be 1, 3"),
        (["api.usage_plans={"], "api.usage_plans: Input should be a valid dictionary"),
        (["stage=prod"], "stage is not to be set here: a local stack is the stage local"),
        (["emulator_url=http://127.0.0.1:1"], "emulator_url is not to be set here"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_refused_with_the_reason_at_once(settings: list[str], reason: str) -> None:
    result = CliRunner().invoke(app, ["up", *(word for setting in settings for word in ("--set", setting))])
    assert (result.exit_code, result.stdout) == (1, "")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_old_name_is_taken_and_the_new_one_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started."""

    def never(*_: object) -> None:
        raise LocalError("started")

    monkeypatch.setattr("local.__main__._emulator_to_reuse", never)
    result = CliRunner().invoke(app, ["up", "--set", "max_attempts=3", "--set", "orders.currency=USD"])
    told, started = result.stderr.splitlines()
    assert told == "max_attempts is called delivery.max_attempts now; the old name is taken until 2027-07-01"
    assert "started" in started


@pytest.mark.parametrize("server", ["local.servers.fake_provider", "local.servers.webhook_receiver"])
def test_a_port_that_is_none_or_taken_is_said_in_one_line(server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for port, reason in (("abc", "a port is a number"), ("65536", "a port"), (taken.getsockname()[1], "in use")):
            command = [sys.executable, "-m", server, str(port)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
            assert reason in done.stderr


def test_make_hands_a_setting_on_as_it_is() -> None:
    """Also one that means something to a shell."""
    address = "enrichment.url=http://127.0.0.1:1/?a=1&b=$(date)"
    printed = subprocess.run(
        ["/usr/bin/env", "make", "--dry-run", "up", f"SET={address.replace('$', '$$')}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"--set '{address}'" in printed
