"""From a stage and what somebody gave for one deploy to settings that can be used, or to one line that says why not."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from infra.settings.api import fault_of_plans
from infra.settings.enrichment import fault_of_provider
from infra.settings.flat_names import FLAT_NAMES, FLAT_NAMES_UNTIL
from infra.settings.group import Group
from infra.settings.stage import StageSettings
from infra.settings.stages import SettingsError, values_of
from infra.settings.times import faults_of_times

GROUPS: dict[str, type[Group]] = {
    name: field.annotation
    for name, field in StageSettings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Group)
}
SETTING_NAMES = (
    *(name for name in StageSettings.model_fields if name not in GROUPS),
    *(f"{group}.{name}" for group, settings in GROUPS.items() for name in settings.model_fields),
)
"""As they are given on the command line: `orders.timeout_seconds`."""


def load_settings(stage: str, overrides: Mapping[str, Any] | None = None) -> StageSettings:
    """The settings of a stage, some of them overridden: `{"enrichment.delay_seconds": "0"}`.

    A name from before there were groups does as well (FLAT_NAMES). Raises SettingsError, in whose message each setting
    is called what it was given as.
    """
    overrides = overrides or {}
    own = values_of(stage)
    given_as = _given_as(stage, overrides)
    values = {"stage": stage} | own | {name: overrides[given] for name, given in given_as.items()}
    try:
        settings = StageSettings.model_validate(_in_groups(values))
    except ValidationError as error:
        raise SettingsError(f"stage {stage}: {_one_line(error, given_as)}") from error
    for fault in _faults_between_groups(settings, given_as):
        raise SettingsError(f"stage {stage}: {fault}")
    return settings


def flat_names_in(overrides: Mapping[str, Any]) -> list[str]:
    """What to tell whoever gave a setting by its old name, in one line each."""
    return [
        f"{name} is called {FLAT_NAMES[name]} now; the old name is taken until {FLAT_NAMES_UNTIL}"
        for name in overrides
        if name in FLAT_NAMES
    ]


def _given_as(stage: str, overrides: Mapping[str, Any]) -> dict[str, str]:
    """By the name of a setting, what it was given as. Raises SettingsError for what is no setting (a misspelt one would
    do nothing, and say nothing), and for one that was given by both of its names."""
    found: dict[str, str] = {}
    for given in overrides:
        name = FLAT_NAMES.get(given, given)
        if name not in SETTING_NAMES:
            raise SettingsError(f"stage {stage}: there is no setting {given!r}: {_advice(given)}")
        if name in found:
            raise SettingsError(f"stage {stage}: {found[name]} and {given} are one setting: give it once")
        found[name] = given
    return found


def _advice(name: str) -> str:
    if name in GROUPS:
        return f"{name} is a group of settings, such as {name}.{next(iter(GROUPS[name].model_fields))}"
    looked_for = name.lower().replace("-", "_")
    known = {alias: found for found in SETTING_NAMES for alias in (found, found.rpartition(".")[2])} | FLAT_NAMES
    near = dict.fromkeys(known[alias] for alias in get_close_matches(looked_for, known))
    return f"did you mean {' or '.join(near)}?" if near else "infra/settings has all of them"


def _in_groups(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        group, dot, setting = name.partition(".")
        if dot:
            nested.setdefault(group, {})[setting] = value
        else:
            nested[name] = value
    return nested


def _faults_between_groups(settings: StageSettings, given_as: Mapping[str, str]) -> Iterator[str]:
    def called(name: str) -> str:
        return given_as.get(name, name)

    if fault := fault_of_provider(settings.enrichment, called):
        yield fault
    yield from faults_of_times(settings, called)
    if fault := fault_of_plans(settings.api, called):
        yield fault


def _one_line(error: ValidationError, given_as: Mapping[str, str]) -> str:
    """Each fault, with the setting's name, and what was given."""
    return "; ".join(dict.fromkeys(_fault(fault, given_as) for fault in error.errors()))


def _fault(fault: Any, given_as: Mapping[str, str]) -> str:
    group, *parts = map(str, fault["loc"])
    name, *within = [f"{group}.{parts[0]}", *parts[1:]] if group in GROUPS and parts else [group, *parts]
    message = fault["msg"].removeprefix("Value error, ")
    return f"{'.'.join([given_as.get(name, name), *within])}: {message} (it is {fault['input']!r})"
