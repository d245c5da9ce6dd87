"""The body of POST /reports/uploads: how large the table will be, and what it calls itself."""

from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from comanda.adapters.http.bodies import json_object
from comanda.application.reports.offer_upload import UPLOAD_TYPES
from comanda.domain.shared.errors import FieldError, InvalidRequest

_FIELDS = ("bytes", "content_type")
_ADVICE = 'is missing: send the size of the table, such as {"bytes": 1048576}'


def upload_request(event: APIGatewayProxyEvent) -> tuple[int, str]:
    """Bytes and content type. Raises what json_object raises, and InvalidRequest with one entry per broken rule."""
    if not event.body:  # As it was asked for before a size had to be stated.
        raise InvalidRequest(FieldError("bytes", _ADVICE))
    body = json_object(event)
    faults = [FieldError(name, "is not a field of an upload") for name in body if name not in _FIELDS]
    size, content_type = body.get("bytes"), body.get("content_type", UPLOAD_TYPES[0])
    if not _is_whole(size):
        faults.append(FieldError("bytes", _ADVICE if size is None else "is a whole number"))
    if not isinstance(content_type, str):
        faults.append(FieldError("content_type", f"one of {', '.join(UPLOAD_TYPES)}"))
    if faults:
        raise InvalidRequest(*faults)
    return int(size or 0), str(content_type)


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
