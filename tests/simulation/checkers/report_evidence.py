"""What an outsider sees of reports once everything has come to rest."""

from collections import defaultdict
from collections.abc import Iterator

from tests.simulation.events import MessageEvent
from tests.simulation.observed_reports import SeenReport
from tests.simulation.report_system import ReportWrite
from tests.simulation.report_workload import ReportIntent, ReportWorkload
from tests.simulation.workload import Exchange

SETTLED = {"ready", "failed", "cancelled"}
PERMANENT = {"InvalidTable", "TooLarge", "UploadGone"}


class ReportEvidence:
    def __init__(self, asking: ReportWorkload, calm_since: float) -> None:
        """`calm_since`: when things stopped going wrong."""
        self.asking = asking
        self.reports = asking.reports
        self.system = asking.reports.system
        self.calm_since = calm_since
        self.now = self.system.scheduler.time()
        self.writes: dict[str, list[ReportWrite]] = defaultdict(list)
        for write in self.reports.writes:
            self.writes[write.report_id].append(write)
        self.rows = rows_of(asking)
        self.posts = [e for e in asking.workload.report_exchanges if e.path == "/reports"]
        self.accepted = [exchange for exchange in self.posts if exchange.status == 202]

    def events(self, what: str | None, report_id: str | None = None) -> Iterator[MessageEvent]:
        for event in self.reports.events:
            if what in (None, event.what) and report_id in (None, event.subject_id):
                yield event

    def told(self, happening: str, about: str | None = None) -> int:
        return sum(
            about in (None, told.order_id) and told.what.startswith(happening)
            for told in self.system.history.happenings
            if told.who.startswith("generate_report.") or told.who == "aws"
        )

    def died(self, message_id: str) -> int:
        """How many invocations that had the message came to no good end."""
        return self.reports.mapping.batches_died.get(message_id, 0)

    def intent(self, row: SeenReport) -> ReportIntent | None:
        return self.asking.asked.get(row.report_id)

    def histories(self) -> Iterator[tuple[str, list[SeenReport]]]:
        for report_id, writes in self.writes.items():
            yield report_id, [write.row for write in writes if write.row]

    def looks(self) -> Iterator[tuple[str, Exchange]]:
        for exchange in self.asking.workload.report_exchanges:
            if exchange.method == "GET":
                yield exchange.path.split("/")[2], exchange


def rows_of(asking: ReportWorkload) -> dict[str, SeenReport]:
    table = asking.reports.system.dynamodb.tables["reports"]
    return {item["report_id"]["S"]: SeenReport.of(item) for item in table.rows.values()}
