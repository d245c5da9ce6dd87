"""What the webhooks of a stage are signed with: the secrets of each caller, in one Secrets Manager secret."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from comanda.domain.notifications.webhook_signature import WebhookSecretRecord, is_valid, issue_webhook_secret, retiring
from comanda.domain.shared.access import check_caller_name
from comanda_cli.access.secret_document import Content, SecretDocument
from comanda_cli.terminal.errors import CliError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

Records = list[WebhookSecretRecord]


class WebhookSecretStore:
    """The secrets of one stage. A change also forgets what has expired."""

    def __init__(self, client: "SecretsManagerClient", secret_name: str) -> None:
        self._secret = SecretDocument(client, secret_name)

    def records(self) -> dict[str, Records]:
        """By caller, oldest first; with the secrets themselves."""
        records: dict[str, Records] = self._secret.read()["secrets"]
        return records

    def issue(self, caller: str, now: datetime) -> WebhookSecretRecord:
        """The first secret of a caller, which has none that is valid. Raises CliError."""
        try:
            check_caller_name(caller)
        except ValueError as error:
            raise CliError(str(error)) from error
        issued = issue_webhook_secret(now)

        def add(records: Records) -> Records:
            if any(is_valid(record, now) for record in records):
                raise CliError(f"{caller} has a secret already; `comanda webhook secret rotate` gives it a new one")
            return [issued]

        self._change(caller, add)
        return issued

    def rotate(self, caller: str, overlap: timedelta, now: datetime) -> WebhookSecretRecord:
        """A new secret, beside which those there are go on for `overlap`, or till their own end. Raises CliError."""
        issued = issue_webhook_secret(now)

        def replace(records: Records) -> Records:
            valid = [record for record in records if is_valid(record, now)]
            if not valid:
                raise CliError(f"{caller} has no secret; `comanda webhook secret issue` gives it one")
            return [*(retiring(record, now + overlap) for record in valid), issued]

        self._change(caller, replace)
        return issued

    def revoke(self, secret_id: str) -> str:
        """Remove a secret at once, and say whose it was. Raises CliError."""
        owners = [caller for caller, records in self.records().items() if secret_id in {each["id"] for each in records}]
        if not owners:
            raise CliError(f"there is no webhook secret {secret_id}; `comanda webhook secret list` shows them all")

        def remove(records: Records) -> Records:
            return [record for record in records if record["id"] != secret_id]

        self._change(owners[0], remove)
        return owners[0]

    def _change(self, caller: str, change: Callable[[Records], Records]) -> None:
        def change_of_caller(content: Content) -> Content:
            others = {other: records for other, records in content["secrets"].items() if other != caller}
            changed = change(content["secrets"].get(caller, []))
            return {"secrets": others | ({caller: changed} if changed else {})}

        self._secret.change(change_of_caller)
