"""CDK drops what it does not know of a property without a word, and leaves an empty one in its place."""

from collections.abc import Iterator
from typing import Any

from tests.infra.conftest import Synthesized

MEANT_TO_BE_EMPTY = {
    ("AWS::ApiGateway::UsagePlan", "ApiStages.*.Throttle"),
    # By method, beside the plan's own: none has limits of its own.
}
"""Resource type, and the property with `*` for places in lists."""


def empty_parts(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths of what holds nothing: objects, lists, texts. What joins texts may be nothing, as in `Fn::Join`."""
    if value in ({}, [], "", None):
        yield ".".join(path)
    if not isinstance(value, dict | list):
        return
    if isinstance(value, dict) and value.keys() == {"Fn::Join"}:
        value = value["Fn::Join"][1]
    parts = value.items() if isinstance(value, dict) else (("*", part) for part in value)
    for name, part in parts:
        yield from empty_parts(part, (*path, name))


def test_no_property_of_any_resource_is_empty(every_stage: Synthesized) -> None:
    found = {
        (resource["Type"], path, logical_id)
        for template in every_stage.stacks
        for logical_id, resource in template.to_json()["Resources"].items()
        for path in empty_parts(resource.get("Properties", {}))
    }
    assert {each for each in found if each[:2] not in MEANT_TO_BE_EMPTY} == set()


def test_what_is_meant_to_be_empty_is(prod: Synthesized) -> None:
    found = {
        (resource["Type"], path)
        for template in prod.stacks
        for resource in template.to_json()["Resources"].values()
        for path in empty_parts(resource.get("Properties", {}))
    }
    assert found == MEANT_TO_BE_EMPTY


def test_an_empty_part_is_found_wherever_it_is() -> None:
    found = empty_parts({"a": [{"b": {}}, {"c": [[]]}], "d": "", "e": 0, "f": None, "g": False})
    assert list(found) == ["a.*.b", "a.*.c.*", "d", "f"]


def test_what_is_joined_is_looked_at_and_what_joins_it_is_not() -> None:
    assert list(empty_parts({"a": {"Fn::Join": ["", ["b", {"c": {}}]]}})) == ["a.*.c"]
