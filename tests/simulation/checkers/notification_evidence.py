"""What an outsider sees of notifications once everything has come to rest."""

from collections import defaultdict
from collections.abc import Iterator

from tests.simulation.events import MessageEvent
from tests.simulation.notification_system import NotificationWrite
from tests.simulation.notification_workload import HOPELESS, NotificationWorkload
from tests.simulation.observed_notifications import SeenNotification, Wanted
from tests.simulation.receivers import URLS, Call


class NotificationEvidence:
    def __init__(self, telling: NotificationWorkload, calm_since: float) -> None:
        self.telling = telling
        self.notifications = telling.notifications
        self.system = telling.notifications.system
        self.receivers = telling.notifications.receivers
        self.calm_since = calm_since
        self.now = self.system.scheduler.time()
        self.rows = rows_told(telling)
        self.events_of: dict[str, list[MessageEvent]] = defaultdict(list)
        for event in self.notifications.events:
            self.events_of[event.subject_id].append(event)
        self.writes: dict[str, list[NotificationWrite]] = defaultdict(list)
        for write in self.notifications.writes:
            self.writes[write.row.notification_id].append(write)
        self.ids: dict[Wanted, list[str]] = defaultdict(list)
        for row in self.rows.values():
            self.ids[row.wanted].append(row.notification_id)

    def events(self, what: str | None, notification_id: str | None = None) -> Iterator[MessageEvent]:
        events = self.events_of[notification_id] if notification_id else self.notifications.events
        return (event for event in events if what in (None, event.what))

    def calls(self, row: SeenNotification) -> list[Call]:
        return self.receivers.by_id[row.notification_id]

    def receiver_of(self, call: Call) -> tuple[str, str]:
        row = self.rows.get(call.webhook_id)
        return (row.wanted.caller if row else "", call.url)


def rows_told(telling: NotificationWorkload) -> dict[str, SeenNotification]:
    table = telling.notifications.system.dynamodb.tables["notifications"]
    return {item["notification_id"]["S"]: SeenNotification.of(item) for item in table.rows.values()}


def failed_where_well(telling: NotificationWorkload) -> Iterator[SeenNotification]:
    """P9: those that failed, and whose receiver takes everything once nothing goes wrong any more."""
    for row in rows_told(telling).values():
        if row.status == "failed" and row.wanted.url in {*URLS} - HOPELESS:
            yield row
