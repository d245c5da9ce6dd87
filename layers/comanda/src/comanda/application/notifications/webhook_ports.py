"""What sending webhooks needs from outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol


class Receivers(Protocol):
    """The servers that webhooks are sent to."""

    def tell(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """POST a JSON body; the receiver has it when this returns.

        Raises PermanentError (ReceiverGone where the receiver wants no more at all) and TransientError (ReceiverOutage
        where it fails whatever it is sent).
        """


class WebhookSecrets(Protocol):
    """What webhooks are signed with."""

    def valid_for(self, caller: str, at: datetime) -> Sequence[str]:
        """The caller's secrets that are valid then, newest first; one at least.

        Raises PermanentError (NoWebhookSecret) where it has none, and Unavailable.
        """
