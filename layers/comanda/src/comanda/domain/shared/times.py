"""Times are UTC inside and ISO 8601 with milliseconds outside."""

from datetime import UTC, datetime


def to_iso(moment: datetime) -> str:
    """`2026-11-22T09:30:00.125Z`. Fixed width, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """A time in ISO 8601, with its zone. Raises ValueError."""
    return datetime.fromisoformat(text)
