"""Pages of a ledger: `?limit=` and an opaque `?cursor=`."""

import base64
import binascii
import re
from collections.abc import Sequence

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from comanda.adapters.http.given import query_value
from comanda.application.orders.ports import LedgerEntry
from comanda.domain.shared.errors import FieldError, InvalidRequest, MalformedRequest

PAGE = 100
MAX_PAGE = 1000


def page_of(event: APIGatewayProxyEvent) -> tuple[int, int]:
    """The sequence to go on after, and the number of entries asked for. Raises MalformedRequest, InvalidRequest."""
    limit = query_value(event, "limit")
    if limit is None:
        limit = str(PAGE)
    if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= MAX_PAGE:
        raise InvalidRequest(FieldError("limit", f"a whole number from 1 to {MAX_PAGE}"))
    cursor = query_value(event, "cursor")
    return (0 if cursor is None else _sequence_of(cursor)), int(limit)


def cursor_of(entries: Sequence[LedgerEntry], limit: int) -> str | None:
    """Where the next page begins; None where this one was not full, and so the last."""
    if len(entries) < limit:
        return None
    return base64.urlsafe_b64encode(f"after:{entries[-1].sequence}".encode()).decode()


def _sequence_of(cursor: str) -> int:
    try:
        text = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    match = re.fullmatch(r"after:([0-9]{1,11})", text)
    if match is None:
        raise MalformedRequest("the cursor is not one of ours; send next_cursor of the page before, unchanged")
    return int(match[1])
