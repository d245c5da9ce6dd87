"""What a row of the notifications table says, and what was to be told of, to somebody who knows the items but nothing
of the code under test."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.simulation.expressions import Item

LAST = {
    *("order.completed", "order.failed", "order.cancelled"),
    *("report.ready", "report.failed", "report.cancelled"),
}
"""What is told of where nothing else is asked for."""


@dataclass(frozen=True, order=True)
class Wanted:
    """A change that somebody asked to be told of."""

    subject_id: str
    caller: str
    url: str
    event: str
    at: str
    """As ISO 8601, as the row has it."""


@dataclass(frozen=True)
class SeenNotification:
    notification_id: str
    wanted: Wanted
    status: str
    version: int
    replay: int
    owed: bool
    rescues: int
    tried: tuple[str, int] | None
    """The message that was tried last, and at which receive."""
    failure: Mapping[str, str] | None

    @classmethod
    def of(cls, item: Item) -> "SeenNotification":
        attempts = item.get("attempts", {}).get("M")
        failure = item.get("failure", {}).get("M")
        names = ("subject_id", "caller", "target", "event", "happened_at")
        return cls(
            notification_id=item["notification_id"]["S"],
            wanted=Wanted(*(item[name]["S"] for name in names)),
            status=item["status"]["S"],
            version=int(item["version"]["N"]),
            replay=int(item["replay"]["N"]),
            owed="owed" in item,
            rescues=int(item.get("rescues", {"N": "0"})["N"]),
            tried=(attempts["message_id"]["S"], int(attempts["receive_count"]["N"])) if attempts else None,
            failure={name: next(iter(value.values())) for name, value in failure.items()} if failure else None,
        )

    def __str__(self) -> str:
        failed = f", {self.failure['class']}" if self.failure else ""
        return f"{self.wanted.event} {self.status} version {self.version} replay {self.replay}{failed}"


@dataclass
class Changes:
    """What was to be told of, read off every write of an order's or a report's row."""

    wanted: dict[str, list[Wanted]] = field(default_factory=lambda: defaultdict(list))
    """By order or report, in the order of the changes."""

    def of_order(self, before: Item | None, after: Item) -> None:
        told = _asked_in(after)
        known = len(before["timeline"]["L"]) if before and "timeline" in before else 0
        moments = [moment["M"] for moment in after.get("timeline", {}).get("L", [])]
        for place in range(known, len(moments)):
            status = moments[place]["status"]["S"]
            if place == 0 or status != moments[place - 1]["status"]["S"]:
                for url, events in told:
                    self._add(after, "order", status, moments[place]["at"]["S"], url, events)

    def of_report(self, before: Item | None, after: Item) -> None:
        """Who asks for a report that is over already is told so at once."""
        status, told = after["status"]["S"], _asked_in(after)
        if status == "accepting":
            return
        is_change = before is None or any(before[name] != after[name] for name in ("status", "created_at"))
        known = _asked_in(before) if before else []
        for url, events in told:
            if is_change or ((url, events) not in known and f"report.{status}" in LAST):
                self._add(after, "report", status, after["updated_at"]["S"], url, events)

    def all(self) -> Iterator[Wanted]:
        for changes in self.wanted.values():
            yield from changes

    def _add(self, row: Item, kind: str, status: str, at: str, url: str, events: frozenset[str]) -> None:
        subject_id, caller = row[f"{kind}_id"]["S"], row["caller"]["S"]
        wanted = Wanted(subject_id, caller, url, f"{kind}.{status}", at)
        if wanted.event in events and wanted not in self.wanted[subject_id]:
            self.wanted[subject_id].append(wanted)


def _asked_in(row: Item) -> list[tuple[str, frozenset[str]]]:
    told = json.loads(row["notify"]["S"]) if "notify" in row else []
    return [(each["webhook_url"], frozenset(each["events"])) for each in told]
