"""P6 of notifications: whether an outsider can see why one failed."""

from collections.abc import Iterator

from tests.simulation.checkers.violation import NOBODY_DIED
from tests.simulation.notification_faults import DELIVERER
from tests.simulation.notification_workload import NotificationWorkload
from tests.simulation.observed_notifications import SeenNotification
from tests.simulation.receivers import INSIDE, PICKY

OF_ATTEMPTS = {"ReceiverRefused", "ReceiverUnavailable", "ReceiverTimeout", "WorkerDied"}
"""Of a receiver that is left alone nothing fails: the last attempt is made whatever is known of it."""


def fails_without_reason(telling: NotificationWorkload, row: SeenNotification) -> str | None:
    """What is missing; None where there is a reason. `row` has failed."""
    assert row.failure
    name, settings = row.failure["class"], telling.notifications.settings
    if name == "AddressNotAllowed":
        return None if row.wanted.url == INSIDE else "its receiver is outside"
    if name == "ReceiverRefused" and row.wanted.url != PICKY:
        return "its receiver refuses nothing"
    if name == "WorkerUnavailable":
        if row.rescues < settings.delivery.max_rescues:
            return f"it was published anew {row.rescues} times only"
        letters = [e.message_id for e in telling.notifications.events if e.what == "dead-lettered"]
        mine = [m for m in letters if m in _messages_of(telling, row)]
        ill = sum(telling.notifications.mapping.batches_died.get(message_id, 0) for message_id in mine)
        away = sum(1 for _ in _told(telling, "log: storage.unavailable"))
        enough = ill + away >= telling.notifications.work.max_receive_count // 4
        return None if enough else f"{ill} workers could not run, and {away} turned it away"
    if name not in OF_ATTEMPTS:
        return "a notification must not fail of that"
    calls = telling.notifications.receivers.by_id[row.notification_id]
    failed = sum(not call.went_well for call in calls)
    rested = sum("ReceiverResting" in told for told in _told(telling, "log: notification.attempt_failed", row))
    lost = sum(1 for _ in _told(telling, "log: notification.attempt_lost", row))
    died = telling.notifications.mapping.batches_died.get(row.failure["message_id"], 0)
    if name == "WorkerDied" and not died + lost:
        return NOBODY_DIED
    if failed + rested + lost + died < settings.notifications.max_attempts:
        return f"it failed {failed} times, its receiver was left alone {rested} times, and its worker died {died} times"
    return None


def _messages_of(telling: NotificationWorkload, row: SeenNotification) -> set[str]:
    return {event.message_id for event in telling.notifications.events if event.subject_id == row.notification_id}


def _told(telling: NotificationWorkload, happening: str, about: SeenNotification | None = None) -> Iterator[str]:
    """What workers said, of everything or of one order or report."""
    for told in telling.notifications.system.history.happenings:
        by_worker = told.who.startswith(f"{DELIVERER}.")
        if (
            by_worker
            and (about is None or told.order_id == about.wanted.subject_id)
            and told.what.startswith(happening)
        ):
            yield told.what
