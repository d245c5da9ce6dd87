"""Retry-After (RFC 9110, section 10.2.3)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,10}")


def seconds_of(retry_after: str, clock: Callable[[], datetime]) -> float:
    """Seconds from now; 0 for the past, and for what is neither a number nor a date (RFC 9110, 10.2.3)."""
    if _SECONDS.fullmatch(retry_after.strip()):
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return 0.0
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - clock()).total_seconds())
