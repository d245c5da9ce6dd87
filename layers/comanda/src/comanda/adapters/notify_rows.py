"""Who is told, as one text attribute of a row: the filter of a stream's mapping can only look for a plain value."""

import json
from dataclasses import asdict

from comanda.adapters.present import present
from comanda.domain.canonical import canonical_json
from comanda.domain.notify import Notify


def notify_to_text(*told: Notify) -> str | None:
    """None where nobody is told."""
    fields = [present({**asdict(each), "events": list(each.events)}) for each in told if each.targets()]
    return canonical_json(fields) if fields else None


def notify_from_text(text: str | None) -> tuple[Notify, ...]:
    return tuple(
        Notify(row.get("webhook_url"), row.get("email"), tuple(row["events"]), row.get("locale"))
        for row in json.loads(text or "[]")
    )
