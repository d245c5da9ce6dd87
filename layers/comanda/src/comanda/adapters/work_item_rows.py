"""What every row has that messages are about: which run it is in, what was tried in it, and how it failed."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from comanda.application.delivery.ports import FAILED, OPEN, OWED
from comanda.domain.times import from_iso, to_iso
from comanda.domain.work_item import Attempts, Failure, WorkItem


def work_to_row(item: WorkItem) -> dict[str, Any]:
    """Attributes that are None are not to be stored."""
    return {
        "attempts": asdict(item.attempts) if item.attempts else None,
        "failure": _failure_to_row(item.failure) if item.failure else None,
        "replay": item.replay,
        "owed": item.owed or None,
        "rescues": item.rescues or None,
        "discarded": item.discarded or None,
        "version": item.version,
        "updated_at": to_iso(item.updated_at),
    }


def work_from_row(row: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """The fields of a WorkItem. `stage`: of a failure that names none, as releases before 2026-12 wrote it."""
    return {
        "attempts": _attempts_from_row(row["attempts"]) if "attempts" in row else None,
        "failure": _failure_from_row(row["failure"], stage) if "failure" in row else None,
        "replay": int(row["replay"]),
        "owed": row.get("owed", False),
        "rescues": int(row.get("rescues", 0)),
        "discarded": row.get("discarded", False),
        "version": int(row["version"]),
        "updated_at": from_iso(row["updated_at"]),
    }


def attention_kind_of(item: WorkItem, *, is_over: bool) -> str | None:
    """What asks for attention: that a message is owed, that it failed, that it is open; None for what is done with."""
    if item.owed:
        return OWED
    if is_over or item.discarded:
        return None
    return FAILED if item.is_failed else OPEN


def _attempts_from_row(row: Mapping[str, Any]) -> Attempts:
    return Attempts(row["message_id"], int(row["count"]), int(row["receive_count"]))


def _failure_to_row(failure: Failure) -> dict[str, Any]:
    fields = asdict(failure)
    return {"class": fields.pop("name"), **fields, "at": to_iso(failure.at)}


def _failure_from_row(row: Mapping[str, Any], stage: str) -> Failure:
    return Failure(
        name=row["class"],
        message=row["message"],
        stage=row.get("stage", stage),
        attempts=int(row["attempts"]),
        at=from_iso(row["at"]),
        message_id=row["message_id"],
    )
