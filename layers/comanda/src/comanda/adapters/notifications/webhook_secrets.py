"""What webhooks are signed with, in Secrets Manager: `{"secrets": {"<caller>": [{id, secret, created_at, …}]}}`."""

from collections.abc import Sequence
from datetime import datetime

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError

from comanda.domain.notifications.webhook_signature import is_valid
from comanda.domain.shared.errors import PermanentError, Unavailable

MAX_AGE = 60
"""Seconds a function goes on with the secrets it has read: a second one signs, and a revoked one goes on to sign, that
much later, at most."""


class StoredWebhookSecrets:
    """Implements `WebhookSecrets`."""

    def __init__(self, provider: SecretsProvider, name: str) -> None:
        self._provider = provider
        self._name = name

    def valid_for(self, caller: str, at: datetime) -> Sequence[str]:
        """Newest first. A caller who had none when the secrets were last read may have been given its first since."""
        valid = self._read(caller, at) or self._read(caller, at, force_fetch=True)
        if not valid:
            raise PermanentError("NoWebhookSecret", f"{caller} has no webhook secret that is valid; it needs a new one")
        return valid

    def _read(self, caller: str, at: datetime, *, force_fetch: bool = False) -> list[str]:
        try:
            content = self._provider.get(
                self._name, max_age=MAX_AGE, force_fetch=force_fetch, transform="json", VersionStage="AWSCURRENT"
            )
        except (GetParameterError, TransformParameterError) as error:
            raise Unavailable("webhook secrets") from error
        records = content["secrets"].get(caller, []) if isinstance(content, dict) else []
        return [str(record["secret"]) for record in reversed(records) if is_valid(record, at)]
