"""Tokens in Secrets Manager: `{"tokens": {"<token id>": {name, origin, scopes, sha256, created_at}}}`."""

from collections.abc import Mapping

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError

from comanda.domain.shared.access import TokenRecord
from comanda.domain.shared.errors import Unavailable

MAX_AGE = 60
"""Seconds a function goes on with the tokens it has read: a revoked one lives that much longer, at most."""


class TokenSecret:
    """The bearer tokens' records, as Secrets Manager keeps them."""

    def __init__(self, provider: SecretsProvider, name: str) -> None:
        self._provider = provider
        self._name = name

    def records(self) -> Mapping[str, TokenRecord]:
        """Raises Unavailable where the secret cannot be read."""
        try:
            content = self._provider.get(self._name, max_age=MAX_AGE, transform="json")
        except (GetParameterError, TransformParameterError) as error:
            raise Unavailable("tokens") from error
        records: Mapping[str, TokenRecord] = content["tokens"] if isinstance(content, dict) else {}
        return records
