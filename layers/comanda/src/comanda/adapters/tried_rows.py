"""What was tried, and how it failed, within a row: the same for orders (with their stage), reports, notifications."""

from dataclasses import asdict
from typing import Any

from comanda.adapters.row_fields import Fields, count, moment, name, number, one_of, text
from comanda.domain.order import Attempts, Failure, Stage
from comanda.domain.times import to_iso
from comanda.domain.tried import MessageAttempts, MessageFailure


def attempts_to_row(attempts: Attempts | MessageAttempts) -> dict[str, Any]:
    return asdict(attempts)


def attempts_from_row(row: Fields) -> MessageAttempts:
    return MessageAttempts(
        message_id=row.get("message_id", text),
        count=row.get("count", number),
        receive_count=row.get("receive_count", count),
    )


def stage_attempts_from_row(row: Fields) -> Attempts:
    return Attempts(stage=row.get("stage", one_of(Stage)), **vars(attempts_from_row(row)))


def failure_to_row(failure: Failure | MessageFailure) -> dict[str, Any]:
    fields = asdict(failure)
    return {"class": fields.pop("name"), **fields, "at": to_iso(failure.at)}


def failure_from_row(row: Fields) -> MessageFailure:
    return MessageFailure(
        name=row.get("class", name),
        message=row.get("message", text),
        attempts=row.get("attempts", count),
        at=row.get("at", moment),
        message_id=row.get("message_id", text),
    )


def stage_failure_from_row(row: Fields) -> Failure:
    return Failure(stage=row.get("stage", one_of(Stage)), **vars(failure_from_row(row)))
