"""The caller as an authorizer hands it to the functions behind it: API Gateway passes on flat text only."""

from collections.abc import Mapping
from typing import Any

from comanda.domain.shared.access import Caller, Origin, known_scopes


def context_of(caller: Caller) -> dict[str, str]:
    """A caller as the authorizer hands it on: text in each field, as API Gateway takes nothing else."""
    return {
        "caller": caller.name,
        "origin": caller.origin.value,
        "scopes": " ".join(sorted(scope.value for scope in caller.scopes)),
    }


def caller_in(context: Mapping[str, Any]) -> Caller:
    """The caller, from what the authorizer handed on."""
    scopes = str(context["scopes"]).split()
    return Caller(str(context["caller"]), Origin(context["origin"]), known_scopes(scopes))
