"""Powertools idempotency for reports: on intake under a key, and on writing the file. A module of its own, so that the
functions of orders do not load what reports need."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.aws.idempotency import Answer, AnswersByKey, KeptResults
from comanda.adapters.reports.rows import file_from_row
from comanda.adapters.reports.views import accepted_report_view
from comanda.application.reports.accept import AcceptReport
from comanda.application.reports.ports import ReportFiles
from comanda.domain.reports.report import Report, ReportFile, ReportRequest
from comanda.domain.reports.table import Row, Table
from comanda.domain.shared.canonical import sha256_of
from comanda.domain.shared.identity import HeaderKey
from comanda.domain.shared.notify import Notify
from comanda.domain.shared.times import to_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class AcceptReportOnce:
    """AcceptReport behind the `Idempotency-Key`. Without a key the row alone decides, so that many equal requests at
    once all get their answer, and one that failed or expired can begin again."""

    def __init__(self, accept: AcceptReport, client: "DynamoDBClient", table: str) -> None:
        self._accept = accept
        self._answers = AnswersByKey("accept_report", client, table)

    def __call__(
        self,
        request: ReportRequest,
        key: HeaderKey | None,
        correlation_id: str,
        context: LambdaContext,
        notify: Notify | None = None,
    ) -> Answer:
        """The answer's body, and whether it was given before. Raises what AcceptReport raises, and StillInProgress."""
        in_use = None if key is None else self._accept.key_in_use(request, key)

        def answer() -> Answer:
            accepted = self._accept(request, in_use, correlation_id, notify)
            return accepted_report_view(accepted.report), accepted.replayed

        if in_use is None:
            return answer()
        payload_hash = sha256_of([request.payload_hash, asdict(notify)]) if notify else request.payload_hash
        return self._answers([request.caller, in_use], payload_hash, context, answer)


class WriteOnce:
    """Report files whose facts are kept: after a crash between upload and row, nothing is written a second time."""

    def __init__(self, files: ReportFiles, client: "DynamoDBClient", table: str) -> None:
        self._files = files
        self._results = KeptResults("write_report", client, table)
        self.register = self._results.register

    def write(self, report: Report, table: Table, rows: Iterable[Row], left_out: Callable[[], int]) -> ReportFile:
        """As the files do; Unavailable while another worker is at the same report, which uses up no attempt."""
        generation = [report.report_id, to_iso(report.created_at), report.replay]
        return file_from_row(
            self._results(generation, lambda: asdict(self._files.write(report, table, rows, left_out)))
        )
