"""`comanda logs` on moto: who said what of an order, by time."""

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from comanda_cli.stack.stack_info import StackInfo, find_stack_file
from local.state import write_private
from tests.cli.conftest import Cli
from tests.support.builders import NOW

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

ORDER_ID = str(uuid.uuid4())


class Logs:
    def __init__(self, client: "CloudWatchLogsClient") -> None:
        self._client = client

    def add(self, group: str) -> None:
        self._client.create_log_group(logGroupName=group)
        self._client.create_log_stream(logGroupName=group, logStreamName="one")

    def put(self, group: str, told: dict[str, Any] | str, ago: timedelta = timedelta(minutes=5)) -> None:
        message = told if isinstance(told, str) else json.dumps({"level": "INFO", "service": group, **told})
        at = int((NOW - ago).timestamp() * 1000)
        self._client.put_log_events(
            logGroupName=group, logStreamName="one", logEvents=[{"timestamp": at, "message": message}]
        )


@pytest.fixture
def logs(cli: Cli, stack: StackInfo, moto_session: boto3.Session) -> Logs:
    """Two functions, of which the one that comes first in the stack speaks last."""
    logs = Logs(moto_session.client("logs"))
    groups = {"enrich_order": "enrich-logs", "process_order": "process-logs"}
    for group in groups.values():
        logs.add(group)
    with_groups = stack.model_copy(update={"log_groups": groups})
    file = find_stack_file(Path.cwd())
    write_private(file, with_groups.to_json())
    return logs


def test_lines_of_all_functions_by_time(cli: Cli, logs: Logs) -> None:
    keys = {"order_id": ORDER_ID, "recipient_id": "ana", "caller": "web", "correlation_id": "corr-1"}
    logs.put("enrich-logs", {"message": "order.failed", **keys, "reason": "two words"}, timedelta(minutes=1))
    logs.put("process-logs", {"message": "order.processing", **keys, "stage_seconds": 0.5}, timedelta(minutes=2))
    logs.put("process-logs", {"message": "order.processing", "order_id": str(uuid.uuid4())})
    result = cli("logs", ORDER_ID)
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.output.splitlines()] == [
        ["recipient_id=ana", "caller=web", "correlation_id=corr-1"],
        [*at(timedelta(minutes=2)), "process_order", "order.processing", "stage_seconds=0.5"],
        [*at(timedelta(minutes=1)), "enrich_order", "order.failed", 'reason="two', 'words"'],
    ]


def test_each_line_has_the_time_it_was_written_at_and_not_when_it_came_in(cli: Cli, logs: Logs) -> None:
    """The emulator takes in the lines of an invocation together, at its end: 10 s later, and two functions' at once."""

    def written(message: str, seconds_ago: float) -> dict[str, Any]:
        moment = NOW - timedelta(seconds=seconds_ago)
        timestamp = moment.strftime("%Y-%m-%d %H:%M:%S,") + f"{moment.microsecond // 1000:03}+0000"
        return {"message": message, "order_id": ORDER_ID, "timestamp": timestamp}

    logs.put("process-logs", written("second", 20.25), timedelta(seconds=10))
    logs.put("process-logs", written("fourth", 10.5), timedelta(seconds=10))
    logs.put("enrich-logs", written("first", 20.5), timedelta(seconds=9))
    logs.put("enrich-logs", {"message": "third", "order_id": ORDER_ID, "timestamp": "none"}, timedelta(seconds=11))
    shown = [line.split()[:4] for line in cli("logs", ORDER_ID).stdout.splitlines()]
    assert shown == [
        [*at(timedelta(seconds=20.5)), "enrich_order", "first"],
        [*at(timedelta(seconds=20.25)), "process_order", "second"],
        [*at(timedelta(seconds=11)), "enrich_order", "third"],
        [*at(timedelta(seconds=10.5)), "process_order", "fourth"],
    ]
    told = json.loads(cli("logs", ORDER_ID, "--json").stdout)
    assert [line["message"] for line in told] == ["first", "second", "third", "fourth"]
    assert told[0]["at"] == (NOW - timedelta(seconds=20.5)).isoformat()


def test_the_passes_of_a_dead_letter_do_not_drown_its_story(cli: Cli, logs: Logs) -> None:
    logs.put("process-logs", {"message": "order.failed", "order_id": ORDER_ID, "level": "WARNING"})
    for number in range(51):
        told = {"message": "message.dead_letter", "order_id": ORDER_ID, "level": "DEBUG", "receives": number}
        logs.put("process-logs", told, timedelta(minutes=4))
    result = cli("logs", ORDER_ID)
    assert (result.stdout.count("\n"), "order.failed" in result.stdout) == (1, True)
    assert result.stderr == "Not shown, as they are no steps of it: 51 x message.dead_letter. With --all they are.\n"
    everything = cli("logs", ORDER_ID, "--all")
    assert (everything.stdout.count("message.dead_letter"), everything.stderr) == (51, "")
    assert len(json.loads(cli("logs", ORDER_ID, "--json").stdout)) == 52


def test_what_is_no_json_is_shown_as_it_is_on_one_line(cli: Cli, logs: Logs) -> None:
    logs.put("enrich-logs", f"Traceback of {ORDER_ID}\n")
    assert f"enrich_order       Traceback of {ORDER_ID}" in cli("logs", ORDER_ID).output


def test_json_has_everything(cli: Cli, logs: Logs) -> None:
    told = {"message": "order.enriched", "order_id": ORDER_ID, "recipient_id": "ana"}
    logs.put("enrich-logs", told)
    (line,) = json.loads(cli("logs", ORDER_ID, "--json").output)
    assert told.items() <= line.items()
    assert line["function"] == "enrich_order"
    assert line["at"] == (NOW - timedelta(minutes=5)).isoformat()


def test_older_lines_are_asked_for(cli: Cli, logs: Logs) -> None:
    logs.put("process-logs", {"message": "order.processing", "order_id": ORDER_ID}, timedelta(days=2))
    result = cli("logs", ORDER_ID)
    assert result.exit_code == 3
    assert "--since" in result.output
    assert "order.processing" in cli("logs", ORDER_ID, "--since", "3d").output


def test_a_group_that_is_gone_hides_no_other(cli: Cli, logs: Logs, moto_session: boto3.Session) -> None:
    logs.put("process-logs", {"message": "order.processing", "order_id": ORDER_ID})
    moto_session.client("logs").delete_log_group(logGroupName="enrich-logs")
    assert "order.processing" in cli("logs", ORDER_ID).output


def test_what_is_no_id_is_refused_before_anything_is_asked(cli: Cli) -> None:
    result = cli("logs", '" ?error')
    assert result.exit_code == 2


def test_a_stage_without_log_groups_is_to_be_deployed_anew(cli: Cli) -> None:
    result = cli("logs", ORDER_ID)
    assert result.exit_code == 1
    assert "deploy" in result.output


def at(ago: timedelta) -> list[str]:
    return (NOW - ago).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds").split()
