"""What the use cases of notifications need from the world outside."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from comanda.domain.delivery.work_item import Failure
from comanda.domain.notifications.notification import Notification
from comanda.domain.shared.errors import UnreadableRow
from comanda.domain.shared.notify import Notify


class Notifications(Protocol):
    """The notifications table. Every method raises Unavailable where storage does not answer, and UnreadableRow where
    it gives a row that cannot be read."""

    def add(self, notification: Notification) -> Notification | None:
        """Store it where there is no row of that id; otherwise change nothing and give the row there is."""

    def get(self, notification_id: str) -> Notification | None:
        """The row as it stands now (strongly consistent)."""

    def get_many(self, notification_ids: Iterable[str]) -> Mapping[str, Notification | UnreadableRow]:
        """The rows there are, by id, as they stand now. One that cannot be read takes no other along."""

    def fail_unreadable(self, notification_id: str, failure: Failure) -> bool:
        """As Rows.fail_unreadable."""

    def save(self, before: Notification, after: Notification) -> None:
        """Write what differs, where the row still has `before.version`. Raises VersionConflict otherwise."""

    def mark_sent(self, owed: Notification, sent: Notification) -> None:
        """Write that nothing is owed, and nothing else, where the row is in the run of `owed` and owes its message."""


class Subscriptions(Protocol):
    """What callers have said once for all. Every method raises Unavailable where storage does not answer."""

    def default_of(self, caller: str) -> Notify | None:
        """Who is notified where an order or a report does not say."""

    def has_ended(self, receiver_id: str) -> bool:
        """Whether the receiver wants nothing more."""

    def end(self, notification: Notification) -> None:
        """The receiver of this notification wants nothing more."""


class Sender(Protocol):
    """How a notification gets to its receiver, by one channel."""

    def prepare(self, notification: Notification) -> Callable[[], None]:
        """What delivers it when called. Nothing is sent before.

        Raises PermanentError where it can never be sent, Unavailable where what is needed cannot be read. The call
        raises PermanentError (ReceiverGone where the receiver wants nothing more) and TransientError.
        """


class NotificationLinks(Protocol):
    """Links of our own for whoever is notified of a finished report: a presigned one would be dead when it is read."""

    def added_to(self, notification: Notification) -> Mapping[str, Any]:
        """The notification's data, with `download_url` where there is a file. Raises Unavailable."""
