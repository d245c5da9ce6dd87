"""What every row has that messages are about: which run it is in, what was tried in it, and how it failed."""

from dataclasses import asdict
from typing import Any

from comanda.adapters.aws.row_fields import Fields, count, flag, inside, moment, name, number, text
from comanda.application.delivery.ports import FAILED, OPEN, OWED
from comanda.domain.delivery.work_item import Attempts, Failure, WorkItem
from comanda.domain.shared.times import to_iso


def work_to_row(item: WorkItem) -> dict[str, Any]:
    """Attributes that are None are not to be stored."""
    return {
        "attempts": asdict(item.attempts) if item.attempts else None,
        "failure": failure_to_row(item.failure) if item.failure else None,
        "replay": item.replay,
        "owed": item.owed or None,
        "rescues": item.rescues or None,
        "discarded": item.discarded or None,
        "version": item.version,
        "created_at": to_iso(item.created_at),
        "updated_at": to_iso(item.updated_at),
    }


def work_from_row(row: Fields, stage: str) -> dict[str, Any]:
    """The fields of a WorkItem. `stage`: of a failure that names none, as releases before 2026-12 wrote it."""
    return {
        "attempts": row.find("attempts", inside(_attempts)),
        "failure": row.find("failure", inside(lambda failure: _failure(failure, stage))),
        "replay": row.get("replay", count),
        "owed": row.find("owed", flag) or False,
        "rescues": row.find("rescues", count) or 0,
        "discarded": row.find("discarded", flag) or False,
        "version": row.get("version", count),
        "created_at": row.get("created_at", moment),
        "updated_at": row.get("updated_at", moment),
    }


def failure_to_row(failure: Failure) -> dict[str, Any]:
    """A failure as an attribute of a row."""
    fields = asdict(failure)
    return {"class": fields.pop("name"), **fields, "at": to_iso(failure.at)}


def attention_kind_of(item: WorkItem, *, is_over: bool) -> str | None:
    """What asks for attention: that a message is owed, that it failed, that it is open; None for what is done with."""
    if item.owed:
        return OWED
    if is_over or item.discarded:
        return None
    return FAILED if item.is_failed else OPEN


def _attempts(row: Fields) -> Attempts:
    return Attempts(row.get("message_id", text), row.get("count", number), row.get("receive_count", count))


def _failure(row: Fields, stage: str) -> Failure:
    return Failure(
        name=row.get("class", name),
        message=row.get("message", text),
        stage=row.find("stage", name) or stage,
        attempts=row.get("attempts", count),
        at=row.get("at", moment),
        message_id=row.get("message_id", text),
    )
