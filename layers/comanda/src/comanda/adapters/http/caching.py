"""ETag, 304 and Cache-Control (RFC 9110, section 13; RFC 9111)."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from comanda.adapters.aws.present import to_json
from comanda.adapters.http.api import json_response
from comanda.adapters.http.given import header_values

SETTLED_FOR = 3600  # seconds


def conditional_response(event: APIGatewayProxyEvent, body: Mapping[str, Any], *, settled: bool) -> Response[str]:
    """200 with an ETag, or 304 where the client's If-None-Match names it. What is settled may be kept for an hour."""
    etag = f'"{hashlib.sha256(to_json(body).encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": f"private, max-age={SETTLED_FOR}" if settled else "private, no-cache"}
    if _matches(", ".join(header_values(event, "if-none-match")), etag):
        return Response(HTTPStatus.NOT_MODIFIED.value, headers=dict(headers), body="")
    return json_response(HTTPStatus.OK, body, headers)


def _matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison, as If-None-Match asks for (RFC 9110, section 13.1.2)."""
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in given or etag in given
