"""What a mail says, before it is put into text or HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from comanda.application.notifications.mails.words import Tone, Words, words
from comanda.domain.shared.locale import Locale

_LONGEST = 300
"""Characters of a value."""
_NO_BREAK = "\N{NO-BREAK SPACE}"
_SHORT_ID = 8
"""Characters: as much as people compare."""


@dataclass(frozen=True)
class Content:
    """What a mail says, before it is laid out."""

    language: str
    subject: str
    sentence: str
    tone: Tone
    facts: tuple[tuple[str, str], ...]
    """Name and value."""
    link: tuple[str, str] | None
    """What it says and its URL."""
    footer: str


def content_of(event: str, data: Mapping[str, Any], at: datetime, locale: Locale) -> Content:
    """What a mail about this notification says, in its readers' language."""
    said = words(locale)
    about = said.events[event]
    is_report = event.startswith("report.")
    subject_id = _line(data.get("report_id" if is_report else "order_id", ""))
    facts = _facts_of_report(data, said, locale) if is_report else _facts_of_order(data, said, locale)
    failure = data.get("failure")
    reason = f"{failure['message']} ({failure['class']})" if failure and about.tone is Tone.BAD else None
    moment = f"{locale.moment(at)} ({at.tzname()})"
    named = [*facts, (said.reason, reason), (said.moment, moment)]
    url = str(data.get("download_url") or "")
    return Content(
        language=locale.tag,
        subject=about.subject.format(id=subject_id[:_SHORT_ID]),
        sentence=about.sentence,
        tone=about.tone,
        facts=tuple((name, _line(value)) for name, value in named if value is not None),
        link=(said.download, url) if url.startswith(("https://", "http://")) else None,
        footer=said.footer,
    )


def _facts_of_order(data: Mapping[str, Any], said: Words, locale: Locale) -> list[tuple[str, Any]]:
    total = data.get("total_amount")
    return [
        (said.order, data.get("order_id")),
        (said.client_order, data.get("client_order_id")),
        (said.recipient, data.get("recipient_id")),
        (said.total, None if total is None else locale.amount(Decimal(total), data["currency"])),
    ]


def _facts_of_report(data: Mapping[str, Any], said: Words, locale: Locale) -> list[tuple[str, Any]]:
    kind, rows = data.get("type"), data.get("rows")
    return [
        (said.report, data.get("report_id")),
        (said.kind, said.report_types.get(str(kind), kind)),
        (said.format, str(data["format"]).upper() if "format" in data else None),
        (said.rows, None if rows is None else locale.number(int(rows))),
    ]


def _line(value: object) -> str:
    """One line of what somebody else wrote, and not too much of it."""
    text = "".join(character if character.isprintable() or character == _NO_BREAK else " " for character in str(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
