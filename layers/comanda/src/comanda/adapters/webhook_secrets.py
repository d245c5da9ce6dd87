"""What webhooks are signed with, in Secrets Manager: `{"secrets": {"<caller>": [{id, secret, created_at, …}]}}`."""

from collections.abc import Sequence
from datetime import datetime

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError

from comanda.domain.errors import PermanentError, Unavailable
from comanda.domain.webhook_signature import is_valid

MAX_AGE = 60
"""Seconds a function goes on with the secrets it has read: a new one signs, and a revoked one goes on to sign, that
much later, at most."""


class StoredWebhookSecrets:
    """Implements `WebhookSecrets`."""

    def __init__(self, provider: SecretsProvider, name: str) -> None:
        self._provider = provider
        self._name = name

    def valid_for(self, caller: str, at: datetime) -> Sequence[str]:
        try:
            content = self._provider.get(self._name, max_age=MAX_AGE, transform="json", VersionStage="AWSCURRENT")
        except (GetParameterError, TransformParameterError) as error:
            raise Unavailable("webhook secrets") from error
        records = content["secrets"].get(caller, []) if isinstance(content, dict) else []
        valid = [str(record["secret"]) for record in reversed(records) if is_valid(record, at)]
        if not valid:
            raise PermanentError("NoWebhookSecret", f"{caller} has no webhook secret that is valid; it needs a new one")
        return valid
