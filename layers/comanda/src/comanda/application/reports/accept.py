"""POST /reports: one report for the same request (B1, B6), durable before it is answered (P1)."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import RunPublisher, VersionConflict
from comanda.application.reports.events import ReportAccepted
from comanda.application.reports.ports import Reports, Sources
from comanda.application.reports.types import REPORT_TYPES
from comanda.application.reports.types.report_type import Volume
from comanda.application.shared.ports import Clock, DefaultNotify
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.delivery.work_item import By
from comanda.domain.reports.report import MAX_PDF_ROWS, SHOWS, Report, ReportFormat, ReportRequest
from comanda.domain.shared.access import Action, Caller, Whose
from comanda.domain.shared.errors import FieldError, InvalidRequest, KeyReused, StillInProgress
from comanda.domain.shared.identity import HeaderKey
from comanda.domain.shared.notify import Notify

LOOKS = 4
"""How often a row is read because it changed under the hands of a request."""


@dataclass(frozen=True)
class AcceptedReport:
    """The report, and whether it was there before."""

    report: Report
    replayed: bool


@dataclass(frozen=True)
class AcceptReport:
    """POST /reports: one report per distinct request, claimed and sent once."""

    reports: Reports
    publisher: RunPublisher[Report]
    sources: Sources
    telemetry: Telemetry
    clock: Clock
    lifetime: timedelta
    """How long a report can be asked for and downloaded; after that, the same request generates it again."""
    default_notify: DefaultNotify

    def request(
        self, caller: Caller, type_name: str, report_format: ReportFormat, parameters: Mapping[str, Any]
    ) -> ReportRequest:
        """A valid request. Raises Forbidden, InvalidRequest with one entry per broken rule, Unavailable."""
        report_type = REPORT_TYPES.get(type_name)
        if report_type is None:
            raise InvalidRequest(FieldError("type", f"one of {', '.join(sorted(REPORT_TYPES))}"))
        caller.require(Action.REQUEST_REPORT)
        if shown := SHOWS.get(type_name):
            caller.require(shown)
        now = self.clock()
        try:
            given = report_type.parameters.model_validate(dict(parameters), context={"now": now})
        except ValidationError as error:
            raise InvalidRequest(*_field_errors(error)) from None
        kept = report_type.prepared(given, caller, self.sources)
        request = ReportRequest(
            caller=caller.name,
            sees_all=caller.may(Action.READ_ORDER, Whose.OTHERS),
            type=type_name,
            format=report_format,
            parameters=kept.model_dump(mode="json", by_alias=True, exclude_none=True),
        )
        if report_format is ReportFormat.PDF:
            self._check_length(report_type.volume(kept, now, request, self.sources))
        return request

    def key_in_use(self, request: ReportRequest, key: HeaderKey) -> str:
        """The key that the report stands under, as for orders."""
        if key.quoted is not None and self.reports.get(request.report_id(key.quoted)) is not None:
            return key.quoted
        return key.value

    def __call__(
        self, request: ReportRequest, key: str | None, correlation_id: str, notify: Notify | None = None
    ) -> AcceptedReport:
        """Claim the row, send the message, set `requested`, in this order, as for orders.

        The same request finds the report there is, whatever its state; only once that has expired, failed or been
        cancelled, the next generation begins, in a run of its own. Whoever asks is told, as `notify` or the caller's
        default has it, also of a report that is there already. Raises InvalidRequest, KeyReused, StillInProgress,
        Unavailable.
        """
        now = self.clock()
        notify = notify or self.default_notify(request.caller)
        claim = Report(
            report_id=request.report_id(key),
            request=request,
            keyed=key is not None,
            correlation_id=correlation_id,
            created_at=now,
            updated_at=now,
            expires_at=now + self.lifetime,
            notify=(notify,) if notify and notify.targets() else (),
        )
        found = self.reports.claim(claim)
        if found and found.request.payload_hash != request.payload_hash:
            raise KeyReused("this key was used before with another body; send the same body, or a new key")
        if found and found.may_be_asked_again(now):
            return AcceptedReport(self._ask_again(found, claim), replayed=False)
        if found and not found.is_claim:
            found = self._also_tell(found, claim.notify)
            if found.owed:  # Who asked before died between row and message.
                self._open_run.send(found)
            return AcceptedReport(found, replayed=True)

        report = found or claim
        self.publisher.publish(report)
        accepted = report.stored(self.clock())
        with suppress(VersionConflict):  # A worker has the message already, or a concurrent duplicate was quicker.
            self.reports.save(report, accepted)
        self.telemetry.emit(ReportAccepted(), accepted)
        return AcceptedReport(accepted, replayed=False)

    def _ask_again(self, found: Report, claim: Report) -> Report:
        again = found.asked_again(claim.created_at, claim.expires_at, claim.correlation_id, claim.notify)
        try:
            self._open_run.write(found, again, By.CLIENT)
        except VersionConflict as error:
            raise StillInProgress("the same report is being asked for right now; ask again in a moment") from error
        accepted = self._open_run.send(again)
        self.telemetry.emit(ReportAccepted(), accepted)
        return accepted

    @property
    def _open_run(self) -> OpenRun[Report]:
        return OpenRun(self.reports, self.publisher, self.telemetry, self.clock)

    def _also_tell(self, found: Report, told: tuple[Notify, ...]) -> Report:
        """Others write the row while it is generated: it is read again a few times."""
        for _ in range(LOOKS):
            if all(each in found.notify for each in told):
                return found
            try:
                telling = found.also_telling(told[0], self.clock())
                self.reports.save(found, telling)
            except ValueError as error:
                raise InvalidRequest(FieldError("notify", f"{error}; ask for its status instead")) from error
            except VersionConflict:
                found = self.reports.get(found.report_id) or found
            else:
                return telling
        raise StillInProgress("the report is changing right now; ask again in a moment")

    def _check_length(self, volume: Volume) -> None:
        if volume.written > MAX_PDF_ROWS:
            fault = f"about {volume.written} rows; a pdf has at most {MAX_PDF_ROWS}, xlsx and csv take any number"
            raise InvalidRequest(FieldError("format", fault))


def _field_errors(error: ValidationError) -> list[FieldError]:
    return [
        FieldError(
            ".".join(["parameters", *(str(part) for part in fault["loc"])])[:200],
            _MESSAGES.get(fault["type"], fault["msg"].removeprefix("Value error, ")),
        )
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]


_MESSAGES = {"missing": "is missing", "extra_forbidden": "is not a parameter of this type of report"}
