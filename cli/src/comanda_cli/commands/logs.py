"""`comanda logs`: the life of one order or report, as all functions told it."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from comanda_cli.dead_letters.selection import age
from comanda_cli.stack.connection import connect
from comanda_cli.terminal.errors import CliError, NotDone
from comanda_cli.terminal.options import Json, Stage
from comanda_cli.terminal.output import print_json, remark, say

GROUPS_AT_ONCE = 5
"""FilterLogEvents is limited to 5 calls a second in some regions, 10 in most ("CloudWatch Logs quotas")."""
_SAID_ALREADY = {
    *("level", "location", "message", "timestamp", "service"),  # In the line's first columns, or of no use.
    *("xray_trace_id", "sampling_rate"),
    *("order_id", "report_id"),  # What was asked for.
    *("recipient_id", "caller", "correlation_id", "report_type", "format"),  # The same in every line.
}
_DETAIL = "DEBUG"
"""The level of lines that are no step of a story: one for each pass of a message on its way into a dead-letter queue,
say, which are dozens."""
_TIMES_OF_POWERTOOLS = "%Y-%m-%d %H:%M:%S,%f%z"


@dataclass(frozen=True)
class Line:
    """One log event. `told` is what was logged as JSON, or the whole text under `message` where it is none."""

    logged_at: datetime
    """When the log service got it: on the emulator, once the invocation was over."""
    function: str
    told: Mapping[str, Any]

    @property
    def at(self) -> datetime:
        """When the function wrote it, where the line says so."""
        try:
            return datetime.strptime(str(self.told.get("timestamp")), _TIMES_OF_POWERTOOLS).astimezone(UTC)
        except ValueError:
            return self.logged_at

    @property
    def is_detail(self) -> bool:
        return self.told.get("level") == _DETAIL

    def __str__(self) -> str:
        facts = " ".join(f"{name}={_shown(value)}" for name, value in self.told.items() if name not in _SAID_ALREADY)
        at = self.at.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
        return f"{at}  {self.function:<18} {self.told['message']!s:<26} {facts}".rstrip()


def show_logs(
    ctx: typer.Context,
    found_by: Annotated[str, typer.Argument(metavar="ORDER_ID", help="Of an order, or of a report.")],
    since: Annotated[
        Any, typer.Option(parser=age, metavar="AGE", help="How far to look back: 90s, 10m, 2h, 3d.")
    ] = "1d",
    show_all: Annotated[bool, typer.Option("--all", help="Lines of the level DEBUG too.")] = False,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Show the life of an order or a report: what each function logged about it, by time, in UTC.

    Lines of the level DEBUG are counted, and shown with --all only; --json always has them.
    """
    identifier = _uuid(found_by)
    connection = connect(ctx, stage)
    groups = connection.stack.log_groups
    if not groups:
        raise CliError("the stage tells no log groups: deploy it again, so that its stacks name them")
    client, start = connection.client("logs"), connection.outside.clock() - since

    def read(function: str) -> list[Line]:
        return list(_lines(client, function, groups[function], identifier, start))

    with ThreadPoolExecutor(GROUPS_AT_ONCE) as threads:
        found = [line for some in threads.map(read, groups) for line in some]
    lines = sorted(found, key=lambda line: (line.at, line.logged_at))
    if as_json:
        print_json([{"at": line.at.isoformat(), "function": line.function, **line.told} for line in lines])
    else:
        _print(lines, show_all=show_all)
    if not lines:
        raise NotDone(
            f"no function logged {identifier} since {start:%Y-%m-%d %H:%M} UTC; look further back with --since"
        )


def _print(lines: Sequence[Line], *, show_all: bool) -> None:
    named = ("recipient_id", "report_type", "format", "caller", "correlation_id")
    known = {name: line.told[name] for line in reversed(lines) for name in named if name in line.told}
    if known:
        say(" ".join(f"{name}={known[name]}" for name in named if name in known))
    hidden = Counter(str(line.told["message"]) for line in lines if line.is_detail and not show_all)
    for line in lines:
        if show_all or not line.is_detail:
            say(str(line))
    if hidden:
        names = ", ".join(f"{number} x {name}" for name, number in sorted(hidden.items()))
        remark(f"Not shown, as they are no steps of it: {names}. With --all they are.")


def _lines(client: Any, function: str, group: str, identifier: str, start: datetime) -> Iterator[Line]:
    from botocore.exceptions import ClientError

    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern=f'"{identifier}"', startTime=int(start.timestamp() * 1000)
    )
    try:
        for page in pages:
            for event in page["events"]:
                yield Line(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), function, _told(event["message"]))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":  # Removed with a function that is no more.
            raise


def _told(message: str) -> dict[str, Any]:
    try:
        told = json.loads(message)
    except ValueError:
        told = None
    return told if isinstance(told, dict) and "message" in told else {"message": message.strip()}


def _shown(value: object) -> str:
    """A value on one line."""
    if isinstance(value, str) and value and not any(character.isspace() for character in value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no id of an order or a report; they are UUIDs") from None
