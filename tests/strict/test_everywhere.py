"""The layer is on in every suite: a bad call is refused wherever code under test gets a client, and not forgotten."""

import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from comanda.adapters.live.world import ConnectionWorld
from comanda.adapters.reports.world import ReportWorld
from comanda.adapters.runtime.world import World
from comanda_cli.stack.connection import Outside
from comanda_cli.stack.sessions import local_session
from tests.conftest import resources_on_moto
from tests.crashes.system import System as OrderSystem
from tests.simulation import simulation
from tests.simulation.conformance_targets import model_target
from tests.simulation.system import System
from tests.simulation.wire import client_of
from tests.strict.refusals import Rule, complaint, expecting
from tests.support.report_targets import ReportResources
from tests.support.targets import Resources

NOWHERE = "http://127.0.0.1:9"
ROOT = Path(__file__).parents[2]


def put_badly(dynamodb: Any) -> None:
    """A value that no expression uses, which moto and the emulator let pass."""
    dynamodb.put_item(TableName="any", Item={"id": {"S": "1"}}, ExpressionAttributeValues={":a": {"S": "a"}})


def send_badly(sqs: Any) -> None:
    """A character that no message may have."""
    url = "https://sqs.us-east-1.amazonaws.com/000000000000/any.fifo"
    sqs.send_message(QueueUrl=url, MessageBody="\x0b", MessageGroupId="g")


def both_are_refused(dynamodb: Any, sqs: Any) -> None:
    with expecting(Rule.PLACEHOLDER), pytest.raises(ClientError, match=re.escape(Rule.PLACEHOLDER.text)):
        put_badly(dynamodb)
    with expecting(Rule.BODY), pytest.raises(ClientError, match=re.escape(Rule.BODY.text)):
        send_badly(sqs)


def test_on_tables_and_queues_of_contract_tests_functions_and_commands(resources: Resources) -> None:
    both_are_refused(resources.dynamodb, resources.sqs)


def test_on_those_of_reports(report_resources: ReportResources) -> None:
    both_are_refused(report_resources.dynamodb, report_resources.sqs)
    both_are_refused(report_resources.session.client("dynamodb"), report_resources.session.client("sqs"))


@pytest.mark.parametrize("session", [lambda: local_session(NOWHERE), Outside().session, boto3.Session])
def test_on_sessions_of_the_command_line_and_of_tests_of_a_stack(
    session: Callable[[], boto3.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    both_are_refused(session().client("dynamodb"), session().client("sqs"))


def test_on_what_functions_make_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")
    world, of_reports = World.real(), ReportWorld.real()
    both_are_refused(world.dynamodb, world.sqs)
    both_are_refused(of_reports.dynamodb, of_reports.sqs)
    both_are_refused(ConnectionWorld.real(NOWHERE, None).dynamodb, world.sqs)


@mock_aws()
def test_at_crash_points(moto_session: boto3.Session) -> None:
    play = OrderSystem(resources_on_moto(moto_session), moto_session)
    both_are_refused(play.resources.dynamodb, play.resources.sqs)


def test_a_seed_of_the_simulator_breaks_of_what_the_code_under_test_lived_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(system: System, *_: object) -> None:
        client = client_of("dynamodb", lambda _, operation, request: system.dynamodb.call(operation, request))
        with expecting(Rule.BODY), pytest.raises(ClientError, match=re.escape(Rule.BODY.text)):
            send_badly(client_of("sqs", lambda _, operation, request: system.sqs.call(operation, request)))
        with suppress(ClientError):
            put_badly(client)

    monkeypatch.setattr(simulation, "_play", play)
    broken = simulation.simulate(1).broken
    assert broken is not None
    assert broken.promise == "no defects"
    assert Rule.PLACEHOLDER.text in broken.why


def test_in_the_simulator_without_pytest() -> None:
    script = (
        "from tests.simulation.wire import InProcess; from tests.strict.test_everywhere import put_badly;"
        "put_badly(InProcess().client('dynamodb'))"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert Rule.PLACEHOLDER.text in ran.stderr


def test_in_the_conformance_suite() -> None:
    with model_target() as rig, expecting(Rule.BODY), pytest.raises(ClientError, match=re.escape(Rule.BODY.text)):
        send_badly(rig.sqs)


def test_what_was_swallowed_is_told_of_after_the_test(moto: Resources, request: pytest.FixtureRequest) -> None:
    assert "nothing_is_refused" in request.fixturenames
    assert complaint() is None
    with suppress(ClientError):
        put_badly(moto.dynamodb)
    assert Rule.PLACEHOLDER.text in str(complaint())
    assert complaint() is None


def test_what_was_expected_and_did_not_come_is_told_of(moto: Resources) -> None:
    with pytest.raises(AssertionError, match="BODY"), expecting(Rule.BODY), suppress(ClientError):
        put_badly(moto.dynamodb)
    assert Rule.PLACEHOLDER.text in str(complaint())
