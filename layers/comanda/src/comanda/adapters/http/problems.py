"""Errors become HTTP answers here, and nowhere else: RFC 9457 problem details with a stable `type`.

What API Gateway answers by itself has the same form (infra/stacks/api_stack.py).
"""

from http import HTTPStatus
from typing import Any

from comanda.domain.shared.errors import (
    ComandaError,
    Expired,
    Forbidden,
    IllegalTransition,
    InvalidRequest,
    KeyReused,
    MalformedRequest,
    NotFound,
    NotReady,
    PayloadTooLarge,
    QuotaExceeded,
    StillInProgress,
    TooManySubscriptions,
    Unavailable,
    UnreadableRow,
    UnsupportedMediaType,
)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:comanda:problem:"

PROBLEMS: dict[type[ComandaError], tuple[HTTPStatus, str, str]] = {
    MalformedRequest: (HTTPStatus.BAD_REQUEST, "malformed-request", "The request cannot be read"),
    Forbidden: (HTTPStatus.FORBIDDEN, "forbidden", "The token does not allow this"),
    NotFound: (HTTPStatus.NOT_FOUND, "not-found", "Not found"),
    StillInProgress: (HTTPStatus.CONFLICT, "in-progress", "A request with this key is in progress"),
    IllegalTransition: (HTTPStatus.CONFLICT, "illegal-transition", "The status does not allow this"),
    TooManySubscriptions: (HTTPStatus.CONFLICT, "too-many-subscriptions", "The connection has too many subscriptions"),
    NotReady: (HTTPStatus.CONFLICT, "not-ready", "There is no file, or not yet"),
    Expired: (HTTPStatus.GONE, "expired", "Its time is over"),
    PayloadTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload-too-large", "The body is too large"),
    UnsupportedMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Send JSON"),
    InvalidRequest: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "The request breaks a rule"),
    KeyReused: (HTTPStatus.UNPROCESSABLE_ENTITY, "key-reused", "The idempotency key belongs to another request"),
    QuotaExceeded: (HTTPStatus.TOO_MANY_REQUESTS, "quota-exceeded", "Quota exceeded"),
    UnreadableRow: (HTTPStatus.CONFLICT, "unreadable-record", "What is stored cannot be read"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "Not available at this moment"),
}
"""Status, slug and title of each error a caller can meet."""

_RETRY_AFTER = {StillInProgress: "1", Unavailable: "2"}  # seconds


def problem_of(error: ComandaError, request_id: str) -> tuple[HTTPStatus, dict[str, Any], dict[str, str]]:
    """Status, body and headers for an error that is one of PROBLEMS (or of a subclass)."""
    kind = next(kind for kind in PROBLEMS if isinstance(error, kind))
    status, slug, title = PROBLEMS[kind]
    body = problem_body(status, slug, title, _detail_of(error), request_id)
    if isinstance(error, InvalidRequest):
        body["errors"] = [{"field": fault.field, "message": fault.message} for fault in error.errors]
    retry_after = str(error.retry_after) if isinstance(error, QuotaExceeded) else _RETRY_AFTER.get(kind)
    headers = {"Retry-After": retry_after} if retry_after else {}
    return status, body, headers


def _detail_of(error: ComandaError) -> str:
    match error:
        case Unavailable():
            return "try again; with the same idempotency key nothing is doubled"
        case UnreadableRow():
            return f"{error}; asking again does not mend it, tell us the request_id"
    return str(error)


def defect_body(request_id: str) -> dict[str, Any]:
    """The answer to what went wrong on our side, and of which a caller learns nothing else."""
    detail = "a defect of ours; the outcome is open until you ask again with the same idempotency key"
    return problem_body(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Something went wrong", detail, request_id)


def problem_body(status: HTTPStatus, slug: str, title: str, detail: str, request_id: str) -> dict[str, Any]:
    """A problem detail (RFC 9457) with our URN as its type, and the request's id."""
    return {
        "type": f"{TYPE_PREFIX}{slug}",
        "title": title,
        "status": status.value,
        "detail": detail,
        "request_id": request_id,
    }
