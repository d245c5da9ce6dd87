"""What a row of the reports table says, and what a file says, to somebody who knows both but nothing of the code under
test."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from openpyxl import load_workbook

from tests.simulation.events import seconds_of
from tests.simulation.expressions import Item


@dataclass(frozen=True)
class SeenReport:
    report_id: str
    caller: str
    type: str
    format: str
    parameters: Mapping[str, Any]
    keyed: bool
    status: str
    version: int
    replay: int
    owed: bool
    rescues: int
    created_at: str
    """When this generation was asked for, as ISO 8601."""
    expires_at: float
    """Seconds since the epoch from which it is no longer given out."""
    lease: int
    lease_until: float
    """Seconds since the epoch; 0 where nobody ever had it."""
    tried: tuple[str, int] | None
    """The message that was tried last, and at which receive."""
    attempts: int
    failure: Mapping[str, str] | None
    file: Mapping[str, str] | None
    discarded: bool
    notify: tuple[str, ...]
    """Who is told of it, in the order they asked."""

    @classmethod
    def of(cls, item: Item) -> "SeenReport":
        lease, attempts = item.get("lease", {}).get("M"), item.get("attempts", {}).get("M")
        return cls(
            report_id=item["report_id"]["S"],
            caller=item["caller"]["S"],
            type=item["type"]["S"],
            format=item["format"]["S"],
            parameters=json.loads(item["parameters"]["S"]),
            keyed=item["keyed"]["BOOL"],
            status=item["status"]["S"],
            version=int(item["version"]["N"]),
            replay=int(item["replay"]["N"]),
            owed="owed" in item,
            rescues=int(item.get("rescues", {"N": "0"})["N"]),
            created_at=item["created_at"]["S"],
            expires_at=seconds_of(item["usable_until"]["S"]),
            lease=int(lease["number"]["N"]) if lease else 0,
            lease_until=seconds_of(lease["until"]["S"]) if lease else 0.0,
            tried=(attempts["message_id"]["S"], int(attempts["receive_count"]["N"])) if attempts else None,
            attempts=int(attempts["count"]["N"]) if attempts else 0,
            failure=_plain(item["failure"]["M"]) if "failure" in item else None,
            file=_plain(item["file"]["M"]) if "file" in item else None,
            discarded=item.get("discarded", {}).get("BOOL", False),
            notify=tuple(map(json.dumps, json.loads(item.get("notify", {"S": "[]"})["S"]))),
        )

    def tells_more_than(self, before: "SeenReport") -> bool:
        """Somebody joined those who are told, and nothing else is another."""
        joined = len(self.notify) == len(before.notify) + 1 and self.notify[:-1] == before.notify
        return joined and replace(self, notify=before.notify, version=before.version) == before

    def __str__(self) -> str:
        facts = f"{self.status} version {self.version} replay {self.replay} lease {self.lease}"
        failed = f", {self.failure['class']}" if self.failure else ""
        return f"{facts}, attempts {self.attempts}{failed}"


def _plain(fields: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {name: next(iter(value.values())) for name, value in fields.items()}


Cells = Sequence[Any]


def rows_in(report_format: str, content: bytes, *, totals: bool) -> Sequence[Cells]:
    """The rows of a CSV or XLSX file below its header; `totals`: a sheet of this type ends with a row of them."""
    if report_format == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1:]
    sheet = load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
    cells: list[Cells] = list(sheet.iter_rows(values_only=True))
    blank = [number for number, row in enumerate(cells[:6]) if not any(row)]
    below = cells[blank[-1] + 1 :] if blank else cells  # A sheet with a chart has lines about its report above.
    return below[1:-1] if totals else below[1:]


def is_whole_pdf(content: bytes) -> bool:
    return content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
