"""Who is told, as one text attribute of a row: the filter of a stream's mapping can only look for a plain value."""

from dataclasses import asdict

from comanda.adapters.aws.present import present
from comanda.adapters.aws.row_fields import Fields, each, from_json, inside, text
from comanda.domain.shared.canonical import canonical_json
from comanda.domain.shared.notify import Notify


def notify_to_text(*told: Notify) -> str | None:
    """None where nobody is told."""
    fields = [present({**asdict(each), "events": list(each.events)}) for each in told if each.targets()]
    return canonical_json(fields) if fields else None


def notify_of(row: Fields) -> tuple[Notify, ...]:
    """Who is told, from a row's `notify`."""
    return row.find("notify", from_json(each(inside(_notify)))) or ()


def _notify(row: Fields) -> Notify:
    return Notify(
        webhook_url=row.find("webhook_url", text),
        email=row.find("email", text),
        events=row.get("events", each(text)),
        locale=row.find("locale", text),
    )
