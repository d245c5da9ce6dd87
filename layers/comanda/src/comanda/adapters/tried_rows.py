"""What was tried, and how it failed, within a row: the same for orders (with their stage), reports, notifications."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from comanda.domain.order import Attempts, Failure, Stage
from comanda.domain.times import from_iso, to_iso
from comanda.domain.tried import MessageAttempts, MessageFailure

Tried = TypeVar("Tried", Attempts, MessageAttempts)
Failed = TypeVar("Failed", Failure, MessageFailure)


def attempts_to_row(attempts: Attempts | MessageAttempts) -> dict[str, Any]:
    return asdict(attempts)


def attempts_from_row(kind: type[Tried], row: Mapping[str, Any]) -> Tried:
    return kind(
        message_id=row["message_id"],
        count=int(row["count"]),
        receive_count=int(row["receive_count"]),
        **_stage_of(row),
    )


def failure_to_row(failure: Failure | MessageFailure) -> dict[str, Any]:
    fields = asdict(failure)
    return {"class": fields.pop("name"), **fields, "at": to_iso(failure.at)}


def failure_from_row(kind: type[Failed], row: Mapping[str, Any]) -> Failed:
    return kind(
        name=row["class"],
        message=row["message"],
        attempts=int(row["attempts"]),
        at=from_iso(row["at"]),
        message_id=row["message_id"],
        **_stage_of(row),
    )


def _stage_of(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"stage": Stage(row["stage"])} if "stage" in row else {}
