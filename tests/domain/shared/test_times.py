"""Times as text."""

from datetime import UTC, datetime, timedelta, timezone

from comanda.domain.shared.times import from_iso, to_iso


def test_times_are_utc_with_milliseconds_and_sort_as_text() -> None:
    moment = datetime(2026, 11, 22, 6, 30, tzinfo=timezone(timedelta(hours=-3)))
    assert to_iso(moment) == "2026-11-22T09:30:00.000Z"
    assert from_iso(to_iso(moment)) == moment.astimezone(UTC)
