"""What travels through the queue of reports."""

from dataclasses import asdict, dataclass
from typing import Self

from comanda.domain.delivery.messages import Delivery, fields_of, parsing, replay_of, text_of
from comanda.domain.reports import report
from comanda.domain.reports.report import Report
from comanda.domain.shared.canonical import canonical_json

REPORT_REQUESTED = "report.requested"


@dataclass(frozen=True)
class ReportMessage:
    """A message body: `{"event", "report_id", "payload_hash", "replay"}`. The parameters stand in the row, and data too
    large for a row in the bucket (B2)."""

    report_id: str
    payload_hash: str
    replay: int

    @classmethod
    def about(cls, report: Report) -> Self:
        return cls(report.report_id, report.request.payload_hash, report.replay)

    @classmethod
    def parse(cls, body: str) -> Self:
        """Raises ValueError for anything that `body` would not make; NewerSchema, which is one, for a newer form."""
        with parsing("a report message"):
            fields = fields_of(body, REPORT_REQUESTED)
            return cls(text_of(fields, "report_id"), text_of(fields, "payload_hash"), replay_of(fields))

    @property
    def row_id(self) -> str:
        """The key of the row that it is about."""
        return self.report_id

    @property
    def stage(self) -> str:
        return report.STAGE

    @property
    def body(self) -> str:
        return canonical_json({"event": REPORT_REQUESTED, **asdict(self)})


ReportDelivery = Delivery[ReportMessage]
