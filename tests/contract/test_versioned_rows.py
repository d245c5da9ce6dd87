"""The update that turns one row into another."""

from comanda.adapters.versioned_rows import update_of

OWED = {"report_id": "r", "updated_at": "2026-11-22T09:30:00Z", "attention": "owed", "owed": True, "version": 2}


def test_what_only_loses_attributes_sets_none() -> None:
    """A message that was sent in the same instant in which its run began: nothing but what is owed has changed."""
    sent = {name: value for name, value in OWED.items() if name not in {"attention", "owed"}}
    assert update_of("reports", "report_id", OWED, sent)["UpdateExpression"] == "REMOVE #attention, #owed"


def test_what_changes_is_set_and_what_is_gone_is_removed() -> None:
    worked = {"report_id": "r", "updated_at": "2026-11-22T09:31:00Z", "attention": "failed", "version": 3}
    expression = update_of("reports", "report_id", OWED, worked)["UpdateExpression"]
    assert expression == "SET #updated_at = :updated_at, #attention = :attention, #version = :version REMOVE #owed"
