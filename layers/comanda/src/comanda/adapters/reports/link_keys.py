"""What links to reports are signed with, in Secrets Manager: `{"current": "<key id>", "<key id>": "<key>", …}`."""

from collections.abc import Callable
from functools import cached_property

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError

from comanda.domain.reports.signed_link import LinkKeys
from comanda.domain.shared.errors import Unavailable

MAX_AGE = 60
"""Seconds a function goes on with the keys it has read: a new one is to be there for so long before it signs."""


class StoredLinkKeys:
    """Reads the keys when the first link is signed or followed, and again once they are MAX_AGE old."""

    def __init__(self, name: str, provider: Callable[[], SecretsProvider] = SecretsProvider) -> None:
        """`provider` is called once somebody comes with a link: most requests need no client of Secrets Manager."""
        self._name = name
        self._make_provider = provider

    def __call__(self) -> LinkKeys:
        """Raises Unavailable where they cannot be read."""
        try:
            content = self._provider.get(self._name, max_age=MAX_AGE, transform="json", VersionStage="AWSCURRENT")
        except (GetParameterError, TransformParameterError) as error:
            raise Unavailable("link keys") from error
        known = {name: str(value) for name, value in content.items()} if isinstance(content, dict) else {}
        if known.get("current") not in known:
            raise Unavailable("link keys: none is current")
        return LinkKeys(known.pop("current"), known)

    @cached_property
    def _provider(self) -> SecretsProvider:
        return self._make_provider()
