"""The calls of those who tell of changes, and how often each is aimed at in runs that have notifications."""

from random import Random

from tests.simulation.faults import OPERATOR, Aim, CallFault, Faults, WorldFault

ANNOUNCER = "announce_changes"
DELIVERER = "deliver_notifications"
NOTIFICATION_STEWARD = "tend_notifications"

NOTIFICATION_AIMS: dict[Aim, int] = {
    Aim(function, call): weight
    for function, weight, calls in (
        ("write_orders", 2, ("GetItem subscriptions",)),
        ("write_reports", 1, ("GetItem subscriptions",)),
        (ANNOUNCER, 3, ("PutItem notifications", "SendMessage notifications.fifo")),
        (DELIVERER, 3, ("BatchGetItem notifications", "GetItem subscriptions", "UpdateItem notifications")),
        (DELIVERER, 3, ("ChangeMessageVisibilityBatch notifications.fifo", "GetItem circuits")),
        (DELIVERER, 6, ("PutItem subscriptions", "PutItem circuits", "UpdateItem circuits")),
        (DELIVERER, 4, ("SendMessage notifications.fifo",)),
        (NOTIFICATION_STEWARD, 2, ("ReceiveMessage notifications-dlq.fifo", "BatchGetItem notifications")),
        (NOTIFICATION_STEWARD, 3, ("Query notifications",)),
        (NOTIFICATION_STEWARD, 4, ("SendMessage notifications.fifo", "UpdateItem notifications")),
        (NOTIFICATION_STEWARD, 4, ("DeleteMessage notifications-dlq.fifo",)),
        (NOTIFICATION_STEWARD, 4, ("ChangeMessageVisibilityBatch notifications-dlq.fifo",)),
        (NOTIFICATION_STEWARD, 8, ("GetQueueAttributes notifications-dlq.fifo",)),
        (OPERATOR, 3, ("Query notifications", "BatchGetItem notifications", "GetItem notifications")),
        (OPERATOR, 3, ("SendMessage notifications.fifo", "UpdateItem notifications")),
    )
    for call in calls
}
OF_ITS_RIGHTS = ("notifications", "notifications.fifo", "notifications-dlq.fifo")
"""Tables and queues that only those who tell of changes may call."""
_AIMED = (
    *[CallFault.CRASH_BEFORE, CallFault.CRASH_AFTER] * 5,
    *(CallFault.LOST_BEFORE, CallFault.LOST_AFTER, CallFault.THROTTLED, CallFault.LATE, CallFault.STALL),
)


def aim_at_notifications(faults: Faults, random: Random) -> None:
    """Strike two of these calls again and again too, but where nothing is to go wrong at all."""
    if faults.is_quiet:
        return
    faults.notification_aims = random.choices([*NOTIFICATION_AIMS], [*NOTIFICATION_AIMS.values()], k=2)
    for aim in faults.notification_aims:
        faults.aimed[aim] = [random.choice(_AIMED)] * random.randint(1, 4)
    if faults.aims_at(NOTIFICATION_STEWARD):
        faults.world_rates[WorldFault.BROKEN_DEPLOYMENT] = 1.0
