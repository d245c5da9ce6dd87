"""What the enrichment provider knows us by, in Secrets Manager: `{"header": "X-Api-Key", "value": "…"}`."""

from collections.abc import Mapping
from threading import Lock
from typing import Annotated

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from pydantic import BaseModel, Field, ValidationError

from comanda.domain.shared.errors import Unavailable

MAX_AGE = 300
"""Seconds a function goes on with the secret it has read, if the provider takes it."""


class _Secret(BaseModel):
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")] = "Authorization"
    value: Annotated[str, Field(pattern=r"^[!-~][ -~]{0,4000}$")]


class ProviderSecret:
    """The header that the provider knows us by, read again once it was refused."""

    def __init__(self, provider: SecretsProvider, name: str) -> None:
        self._provider = provider
        self._name = name
        self._refused = False
        self._lock = Lock()
        """Calls are made side by side, and one reading is enough for all."""

    def header(self) -> Mapping[str, str]:
        """The header to send. Raises Unavailable where the secret cannot be read, or is not as it should be."""
        with self._lock:
            try:
                text = self._provider.get(self._name, max_age=MAX_AGE, force_fetch=self._refused)
                secret = _Secret.model_validate_json(str(text))
            except GetParameterError as error:
                raise Unavailable("the provider's secret cannot be read") from error
            except ValidationError:
                raise Unavailable("the provider's secret is not a JSON object with a header and a value") from None
            self._refused = False
        return {secret.header: secret.value}

    def was_refused(self) -> None:
        """The provider does not take it: it is read again before the next call, as it may have been renewed."""
        self._refused = True
