"""The Powertools resolver, set up once: who calls, correlation id, and problem details for every error."""

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.caller_context import caller_in
from comanda.adapters.http.cors import CorsResolver
from comanda.adapters.http.problems import CONTENT_TYPE, problem_body, problem_of
from comanda.adapters.journal import LOGGER, measured
from comanda.adapters.present import to_json
from comanda.domain.access import Caller
from comanda.domain.errors import ComandaError, InvalidRequest, MalformedRequest, NotFound, Unavailable, UnreadableRow
from comanda.domain.identity import IdempotencyKey, KeySpace

ApiHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def new_api(cors_origins: Sequence[str] = ()) -> APIGatewayRestResolver:
    """A resolver whose every answer, good or bad, is ours; pages of these origins may read it (cors.py)."""
    app = CorsResolver(cors_origins) if cors_origins else APIGatewayRestResolver(serializer=to_json)

    def problem(error: ComandaError) -> Response[str]:
        status, body, headers = problem_of(error, request_id(app))
        level = LOGGER.error if isinstance(error, Unavailable | UnreadableRow) else LOGGER.info
        facts = {"status": status.value, "problem": body["type"], "reason": _reason_to_log(error)}
        level("request.refused", extra=facts)
        return json_response(status, body, headers, content_type=CONTENT_TYPE)

    def defect(error: Exception) -> Response[str]:
        LOGGER.exception("request.defect", exc_info=error)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        detail = "a defect of ours; the outcome is open until you ask again with the same idempotency key"
        body = problem_body(status, "internal", "Something went wrong", detail, request_id(app))
        return json_response(status, body, content_type=CONTENT_TYPE)

    def not_found(_: NotFoundError) -> Response[str]:
        return problem(NotFound("there is nothing at this path"))

    app.exception_handler(ComandaError)(problem)
    app.exception_handler(Exception)(defect)
    app.not_found(not_found)
    return app


def api_handler(app: APIGatewayRestResolver) -> ApiHandler:
    """The Lambda handler of a resolver, with its metrics. What it answered, API Gateway's access log tells."""

    @measured
    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        answer = app.resolve(event, context)
        facts = {
            "method": event.get("httpMethod"),
            "route": event.get("resource"),
            "status": answer["statusCode"],
            "function_request_id": context.aws_request_id,
        }
        LOGGER.debug("request.answered", extra=facts)
        return answer

    return handle


def json_response(
    status: HTTPStatus,
    body: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> Response[str]:
    return Response(status.value, content_type, to_json(body), headers=dict(headers or {}))


def caller_of(event: APIGatewayProxyEvent) -> Caller:
    """The caller as the authorizer found it."""
    return caller_in(event.request_context.authorizer)


def correlation_id_of(event: APIGatewayProxyEvent) -> str:
    """The client's X-Correlation-Id if it is a plain one, else API Gateway's request id."""
    given = event.headers.get("x-correlation-id") or ""
    return given if _CORRELATION_ID.fullmatch(given) else event.request_context.request_id or ""


def idempotency_key_of(
    event: APIGatewayProxyEvent, caller: Caller, client_order_id: str | None
) -> IdempotencyKey | None:
    """The key of a POST /orders: from `Idempotency-Key` or `X-Idempotency-Key`, else the body's `order_id` (P2).

    Raises MalformedRequest for a key that is not 1 to 255 visible ASCII characters, or two that differ.
    """
    if (key := key_header_of(event)) is not None:
        return IdempotencyKey(caller.name, KeySpace.HEADER, key)
    if client_order_id is not None:
        return IdempotencyKey(caller.name, KeySpace.CLIENT_ORDER_ID, client_order_id)
    return None


def key_header_of(event: APIGatewayProxyEvent) -> str | None:
    """The `Idempotency-Key` or `X-Idempotency-Key`. Raises MalformedRequest for a bad one, or two that differ."""
    given = {event.headers[name] for name in ("idempotency-key", "x-idempotency-key") if name in event.headers}
    if len(given) > 1:
        raise MalformedRequest("Idempotency-Key and X-Idempotency-Key differ; send one of them")
    for key in given:
        if not _KEY.fullmatch(key):
            raise MalformedRequest("an idempotency key has 1 to 255 visible ASCII characters, such as a UUID")
        return key
    return None


def _reason_to_log(error: ComandaError) -> str:
    """Without the names of fields: where a client made one up, it is content of the body."""
    if isinstance(error, InvalidRequest):
        return "; ".join(dict.fromkeys(fault.message for fault in error.errors))
    return str(error)


def request_id(app: APIGatewayRestResolver) -> str:
    return app.current_event.request_context.request_id or ""
