"""Powertools idempotency for reports: on intake under a key, and on writing the file. A module of its own, so that the
functions of orders do not load what reports need."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.http.report_views import accepted_report_view
from comanda.adapters.idempotency import config, once, powertools_errors
from comanda.application.accept_report import AcceptReport
from comanda.application.report_ports import ReportFiles
from comanda.domain.errors import StillInProgress, Unavailable
from comanda.domain.report import Report, ReportFile, ReportRequest
from comanda.domain.table import Row, Table
from comanda.domain.times import to_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class AcceptReportOnce:
    """AcceptReport behind the `Idempotency-Key`. Without a key the row alone decides, so that many equal requests at
    once all get their answer, and one that failed or expired can begin anew."""

    def __init__(self, accept: AcceptReport, client: "DynamoDBClient", table: str) -> None:
        self._accept = accept
        self._config = config(
            event_key_jmespath="key",
            payload_validation_jmespath="payload_hash",
            response_hook=lambda answer, _: {**answer, "replayed": True},
        )
        records = DynamoDBPersistenceLayer(table, boto3_client=client)
        self._accept_once = once("accept_report", self._answer, "identity", records, self._config)

    def __call__(
        self, request: ReportRequest, key: str | None, correlation_id: str, context: LambdaContext
    ) -> tuple[dict[str, Any], bool]:
        """The answer's body, and whether it was given before. Raises what AcceptReport raises, and StillInProgress."""
        if key is None:
            accepted = self._accept(request, None, correlation_id)
            return accepted_report_view(accepted.report), accepted.replayed
        self._config.register_lambda_context(context)
        identity = {"key": [request.caller, key], "payload_hash": request.payload_hash}
        with powertools_errors():
            answer = self._accept_once(identity=identity, request=request, key=key, correlation_id=correlation_id)
        return json.loads(answer["body"]), answer["replayed"]

    def _answer(
        self,
        *,
        identity: Mapping[str, object],  # noqa: ARG002 - Powertools reads it
        request: ReportRequest,
        key: str,
        correlation_id: str,
    ) -> dict[str, Any]:
        accepted = self._accept(request, key, correlation_id)
        return {"body": json.dumps(accepted_report_view(accepted.report)), "replayed": accepted.replayed}


class WriteOnce:
    """Report files whose facts are kept: after a crash between upload and row, nothing is written a second time."""

    def __init__(self, files: ReportFiles, client: "DynamoDBClient", table: str) -> None:
        self._files = files
        self._config = config(event_key_jmespath="[report_id, asked_at, replay]")
        records = DynamoDBPersistenceLayer(table, boto3_client=client)
        self._write_once = once("write_report", self._call, "key", records, self._config)

    def register(self, context: LambdaContext) -> None:
        """Tell how much time the invocation has: so long an unfinished file blocks another."""
        self._config.register_lambda_context(context)

    def write(self, report: Report, table: Table, rows: Iterable[Row]) -> ReportFile:
        """As the files do; Unavailable while another worker is at the same report, which uses up no attempt."""
        key = {"report_id": report.report_id, "asked_at": to_iso(report.created_at), "replay": report.replay}
        try:
            with powertools_errors():
                answer = self._write_once(key=key, report=report, table=table, rows=rows)
        except StillInProgress as error:
            raise Unavailable("the report is being written by another worker") from error
        return ReportFile(
            answer["key"], int(answer["rows"]), int(answer["bytes"]), answer["sha256"], int(answer["generation_ms"])
        )

    def _call(
        self,
        *,
        key: Mapping[str, object],  # noqa: ARG002
        report: Report,
        table: Table,
        rows: Iterable[Row],
    ) -> dict[str, Any]:
        return asdict(self._files.write(report, table, rows))
