"""Mails about orders and reports: what happened, as a person would want to be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from comanda.application.notifications.mails.content import content_of
from comanda.application.notifications.mails.layout import as_html, as_text
from comanda.domain.shared.locale import Locale


@dataclass(frozen=True)
class Mail:
    """Both parts say the same."""

    subject: str
    text: str
    html: str


class Mails(Protocol):
    """Whoever delivers mail."""

    def send(self, address: str, mail: Mail, notification_id: str) -> None:
        """Hand it over to whoever delivers mail; that it arrives is not known by then.

        Raises PermanentError (MailRejected), and Unavailable.
        """


def mail_of(event: str, data: Mapping[str, Any], at: datetime, locale: Locale) -> Mail:
    """The mail about an event such as `order.completed`.

    `data` is the order or the report as GET shows it, with `download_url` where there is a file; whatever is missing is
    left out. `at` is when it happened, in the reader's time zone. Raises KeyError for an event that is none of EVENTS.
    """
    content = content_of(event, data, at, locale)
    return Mail(content.subject, as_text(content), as_html(content))
