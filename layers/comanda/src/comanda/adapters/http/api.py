"""The Powertools resolver, set up once: who calls, correlation id, and problem details for every error."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.aws.present import to_json
from comanda.adapters.http.cors import CorsResolver
from comanda.adapters.http.given import header, path_values
from comanda.adapters.http.problems import CONTENT_TYPE, defect_body, problem_of
from comanda.adapters.observability.telemetry import LOGGER, measured
from comanda.adapters.runtime.caller_context import caller_in
from comanda.domain.shared.access import Caller
from comanda.domain.shared.errors import ComandaError, InvalidRequest, NotFound, Unavailable, UnreadableRow

NextMiddleware = Callable[[APIGatewayRestResolver], Response[str]]
ApiHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


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
        return json_response(status, defect_body(request_id(app)), content_type=CONTENT_TYPE)

    def not_found(_: NotFoundError) -> Response[str]:
        return problem(NotFound("there is nothing at this path"))

    app.use(middlewares=[_read_path])
    app.exception_handler(ComandaError)(problem)
    app.exception_handler(Exception)(defect)
    app.not_found(not_found)
    return app


def _read_path(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[str]:
    app.context["_route_args"] = path_values(app.context["_route_args"])
    return next_middleware(app)


def api_handler(app: APIGatewayRestResolver) -> ApiHandler:
    """The Lambda handler of a resolver, with its metrics. What it answered, API Gateway's access log tells.

    HEAD is GET without the content (RFC 9110, section 9.3.2).
    """

    @measured
    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        is_head = event.get("httpMethod") == "HEAD"
        try:
            answer = app.resolve({**event, "httpMethod": "GET"} if is_head else event, context)
        except Exception:  # noqa: BLE001 - whatever goes wrong with an error's own answer, a caller sees a problem
            LOGGER.exception("request.defect")
            answer = _defect_answer(event)
        if is_head:
            answer["body"] = ""
        facts = {
            "method": event.get("httpMethod"),
            "route": event.get("resource"),
            "status": answer["statusCode"],
            "function_request_id": context.aws_request_id,
        }
        LOGGER.debug("request.answered", extra=facts)
        return answer

    return handle


def _defect_answer(event: Mapping[str, Any]) -> dict[str, Any]:
    """As little as can go wrong."""
    return {
        "statusCode": HTTPStatus.INTERNAL_SERVER_ERROR.value,
        "multiValueHeaders": {"Content-Type": [CONTENT_TYPE]},
        "body": json.dumps(defect_body(str((event.get("requestContext") or {}).get("requestId") or ""))),
        "isBase64Encoded": False,
    }


def json_response(
    status: HTTPStatus,
    body: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> Response[str]:
    """An answer with a JSON body."""
    return Response(status.value, content_type, to_json(body), headers=dict(headers or {}))


def caller_of(event: APIGatewayProxyEvent) -> Caller:
    """The caller as the authorizer found it."""
    return caller_in(event.request_context.authorizer)


def correlation_id_of(event: APIGatewayProxyEvent) -> str:
    """The client's X-Correlation-Id if it is a plain one, else API Gateway's request id.

    Raises MalformedRequest for two that differ.
    """
    given = header(event, "x-correlation-id") or ""
    return given if _CORRELATION_ID.fullmatch(given) else event.request_context.request_id or ""


def _reason_to_log(error: ComandaError) -> str:
    """Without the names of fields: where a client made one up, it is content of the body."""
    if isinstance(error, InvalidRequest):
        return "; ".join(dict.fromkeys(fault.message for fault in error.errors))
    return str(error)


def request_id(app: APIGatewayRestResolver) -> str:
    """API Gateway's id of the request; empty where the event has none."""
    return app.current_event.request_context.request_id or ""
