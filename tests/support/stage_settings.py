"""Settings of a stage that no stage would be deployed with."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from infra.settings import StageSettings


def changed(settings: StageSettings, values: Mapping[str, Any]) -> StageSettings:
    """`settings` with other values for some, by name (`orders.timeout_seconds`); not held to the rules that
    `load_settings` holds them to. Raises AttributeError for a name that there is not."""
    for name, value in values.items():
        attrgetter(name)(settings)
        group, _, setting = name.partition(".")
        settings = settings.model_copy(update={group: getattr(settings, group).model_copy(update={setting: value})})
    return settings
