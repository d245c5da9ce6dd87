"""A notification as a mail (B4)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from comanda.application.notifications.mails import Mails, mail_of
from comanda.application.notifications.ports import NotificationLinks
from comanda.domain.notifications.notification import Notification
from comanda.domain.shared.locale import EN_US, PT_BR

_LOCALES = {locale.tag: locale for locale in (PT_BR, EN_US)}


@dataclass(frozen=True)
class MailSender:
    """Implements `Sender`."""

    mails: Mails
    links: NotificationLinks
    locale: str
    """Where nobody asked for another."""
    zone: ZoneInfo

    def prepare(self, notification: Notification) -> Callable[[], None]:
        locale = _LOCALES[notification.locale or self.locale]
        at = notification.happened_at.astimezone(self.zone)
        mail = mail_of(notification.event, self.links.added_to(notification), at, locale)
        return partial(self.mails.send, notification.target, mail, notification.notification_id)
