"""Mails through Amazon SES (API v2), from an address or domain that the account has verified.

SES answers that it has a mail, not that it arrived: an address on the account's suppression list is taken too, and then
not written to ("Using the Amazon SES account-level suppression list"). Bounces come by SES's own ways.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering, code_of
from comanda.application.notifications.mails import Mail
from comanda.domain.shared.errors import PermanentError

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

_REJECTED = {"MessageRejected", "BadRequestException"}
"""About this very mail, or its address. All other errors are about the account (paused, over its rate or its day's
quota, domain not verified) and cost no attempt."""


@dataclass(frozen=True)
class SesMails:
    """Implements `Mails`."""

    client: "SESV2Client"
    sender: str
    """`Comanda <notices@example.com>`."""

    def send(self, address: str, mail: Mail, notification_id: str) -> None:
        try:
            with answering("mail", passing=_REJECTED):
                self.client.send_email(
                    FromEmailAddress=self.sender,
                    Destination={"ToAddresses": [address]},
                    Content={
                        "Simple": {
                            "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                            "Body": {
                                "Text": {"Data": mail.text, "Charset": "UTF-8"},
                                "Html": {"Data": mail.html, "Charset": "UTF-8"},
                            },
                            "Headers": [
                                # A mail that is sent twice has the same one: SES knows no idempotency key.
                                {"Name": "X-Comanda-Notification", "Value": notification_id},
                                {"Name": "Auto-Submitted", "Value": "auto-generated"},  # RFC 3834: no answers, please
                            ],
                        }
                    },
                )
        except ClientError as error:
            if code_of(error) not in _REJECTED:
                raise
            raise PermanentError(
                "MailRejected", f"SES does not take it: {error.response['Error']['Message']}"
            ) from error
