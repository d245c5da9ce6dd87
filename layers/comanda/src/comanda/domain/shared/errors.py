"""What can go wrong, told apart.

ComandaError
├── RequestError                the caller's doing; becomes a 4xx
│   ├── MalformedRequest        400  not to be parsed: no JSON, bad header, bad cursor
│   ├── Forbidden               403  known, but without the scope
│   ├── NotFound                404  not there, or not for this caller
│   ├── StillInProgress         409  the same key is being worked on right now
│   ├── IllegalTransition       409  the status of the order or report does not allow it
│   ├── TooManySubscriptions    409  the connection has as many as it may have
│   ├── NotReady                409  the report has no file, or not yet
│   ├── Expired                 410  the report's file, or a link to it, is given out no more
│   ├── PayloadTooLarge         413  more bytes than a body may have
│   ├── UnsupportedMediaType    415  not application/json
│   ├── InvalidRequest          422  parsed, but a rule of a field is broken
│   ├── KeyReused               422  the same key with another payload
│   └── QuotaExceeded           429  the caller had as many as it may have for now
├── UnreadableRow               409  what is stored is not to be understood, and asking again does not mend it
├── Unavailable                 503  storage or a queue does not answer; nobody's attempt is used up
├── WorkError                   a worker could not do an order's step
│   ├── PermanentError          no retry will mend it: failed at once, message to the dead-letter queue
│   │   └── ReceiverGone        a webhook's receiver wants no more of them, of whatever event
│   └── TransientError          it may go better later: uses up one attempt, retried after a pause
│       ├── ProviderOutage      the outside service does not answer as it should, whatever order it is asked about
│       └── ReceiverOutage      a webhook's receiver does not answer as it should, whatever event it is told
└── ReportError                 a report cannot be written as asked, and no retry will mend it
    ├── InvalidTable            a column or a cell breaks a rule; the message names row and column
    └── TooManyRows             more than the format takes; the message names one that takes them
"""

from dataclasses import dataclass


class ComandaError(Exception):
    """Root of all errors of Comanda's own."""


class RequestError(ComandaError):
    """The caller's doing."""


class MalformedRequest(RequestError):
    """Cannot be parsed."""


class Forbidden(RequestError):
    """The token lacks a scope."""


class NotFound(RequestError):
    """There is no such thing, or none that this caller may see: the answer is the same."""


class StillInProgress(RequestError):
    """The same idempotency key is being worked on at this moment."""


class IllegalTransition(RequestError):
    """The status does not allow what was asked for."""


class TooManySubscriptions(RequestError):
    """The WebSocket connection has as many subscriptions as it may have."""


class NotReady(RequestError):
    """The report has no file, or not yet."""


class Expired(RequestError):
    """The report's file is given out no more, and asking for it again makes a new one; or a link to it has expired."""


class PayloadTooLarge(RequestError):
    """More bytes than a body may have."""


class UnsupportedMediaType(RequestError):
    """The body is not application/json in UTF-8."""


@dataclass(frozen=True)
class FieldError:
    """One broken rule: a dotted path such as `items.0.qty`, and what to do."""

    field: str
    message: str


MAX_FIELD_ERRORS = 50
"""A body of broken rules would otherwise be answered with many times its bytes."""


class InvalidRequest(RequestError):
    """At least one field breaks a rule. The first MAX_FIELD_ERRORS are told."""

    def __init__(self, *errors: FieldError) -> None:
        self.errors = errors[:MAX_FIELD_ERRORS]
        told = [f"{error.field}: {error.message}" for error in self.errors]
        more = len(errors) - len(told)
        super().__init__("; ".join([*told, f"and {more} more"] if more else told))


class KeyReused(RequestError):
    """The idempotency key was used before, with another payload (P2)."""


class QuotaExceeded(RequestError):
    """The caller had as many as it may have for now.

    `retry_after`: seconds until there are more.
    """

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreadableRow(ComandaError):
    """A row is not of a form that this release reads. It hurts nobody but whom it is about.

    `why` names the attribute and what is wrong with it, and never holds what the attribute does: that may be personal.
    `newer`: a newer release wrote it, and nothing is wrong with it; it is left as it is. `caller`: whose it is, where
    that much can be read.
    """

    def __init__(self, row_id: str, why: str, *, newer: bool = False, caller: str | None = None) -> None:
        super().__init__(f"the record of {row_id} cannot be read: {why}")
        self.row_id = row_id
        self.why = why
        self.newer = newer
        self.caller = caller


class Unavailable(ComandaError):
    """Storage or a queue does not answer, or asks to slow down."""


class WorkError(ComandaError):
    """A worker could not do an order's step. `name` is the failure's class as GET shows it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class PermanentError(WorkError):
    """No retry will mend it (C2)."""


class TransientError(WorkError):
    """It may go better later (A5).

    `retry_after`: seconds for which the service asked to be left alone.
    """

    def __init__(self, name: str, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(name, message)
        self.retry_after = retry_after


class ProviderOutage(TransientError):
    """It is the service that fails, and not this order at it; the next order would meet the same. What a circuit
    breaker counts (B8)."""


class ReceiverGone(PermanentError):
    """A webhook's receiver answered that it wants no more of them (410): its subscription is to be ended."""


class ReceiverOutage(TransientError):
    """It is the receiver that fails, and not this event at it; the next event would meet the same."""


class ReportError(ComandaError):
    """A report cannot be written as asked."""


class InvalidTable(ReportError):
    """A column or a cell breaks a rule of its kind or of the format."""


class TooManyRows(ReportError):
    """More rows than the format takes."""
