"""Links of our own, in notifications of a finished report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comanda.adapters.reports.link_keys import StoredLinkKeys
from comanda.domain.notifications.notification import Notification
from comanda.domain.reports.signed_link import link_token
from comanda.domain.shared.times import from_iso


@dataclass(frozen=True)
class SignedLinks:
    """Implements `NotificationLinks`. A link lives as long as its report."""

    keys: StoredLinkKeys
    public_url: str
    """Of the API, without a slash at the end."""

    def added_to(self, notification: Notification) -> Mapping[str, Any]:
        data = notification.data
        if notification.event != "report.ready":
            return data
        token = link_token(notification.subject_id, from_iso(data["expires_at"]), self.keys())
        return {**data, "download_url": f"{self.public_url}/links/{token}"}
