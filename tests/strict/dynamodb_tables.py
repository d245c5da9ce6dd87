"""What is known of tables: learned from the requests that make them, as a request alone does not show their keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Keys:
    partition: str
    sort: str | None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)


@dataclass(frozen=True)
class Index:
    name: str
    keys: Keys
    is_global: bool
    projected: frozenset[str] | None
    """Attributes beside the keys; None for all."""


@dataclass
class Table:
    keys: Keys
    types: dict[str, str]
    """Of each attribute that is a key."""
    indexes: dict[str, Index] = field(default_factory=dict)


_TABLES: dict[str, Table] = {}
"""By name: tests give each table one of its own, or always make it in the same form."""


def known(name: str) -> Table | None:
    """None where a table was made elsewhere, as by a deployment: what depends on its keys is then not looked at."""
    return _TABLES.get(name)


def learn(operation: str, request: Mapping[str, Any]) -> None:
    name = request.get("TableName", "")
    match operation:
        case "CreateTable":
            table = _TABLES[name] = Table(_keys_of(request["KeySchema"]), _types_of(request))
            for is_global, what in ((True, "GlobalSecondaryIndexes"), (False, "LocalSecondaryIndexes")):
                for index in request.get(what, []):
                    _add(table, index, is_global=is_global)
        case "UpdateTable" if name in _TABLES:
            _TABLES[name].types |= _types_of(request)
            for update in request.get("GlobalSecondaryIndexUpdates", []):
                if "Create" in update:
                    _add(_TABLES[name], update["Create"], is_global=True)
        case "DeleteTable":
            _TABLES.pop(name, None)


def _types_of(request: Mapping[str, Any]) -> dict[str, str]:
    return {each["AttributeName"]: each["AttributeType"] for each in request.get("AttributeDefinitions", [])}


def _keys_of(schema: Sequence[Mapping[str, str]]) -> Keys:
    by_type = {each["KeyType"]: each["AttributeName"] for each in schema}
    return Keys(by_type["HASH"], by_type.get("RANGE"))


def _add(table: Table, index: Mapping[str, Any], *, is_global: bool) -> None:
    keys, projection = _keys_of(index["KeySchema"]), index["Projection"]
    listed = {*keys.names, *table.keys.names, *projection.get("NonKeyAttributes", [])}
    projected = None if projection["ProjectionType"] == "ALL" else frozenset(listed)
    table.indexes[index["IndexName"]] = Index(index["IndexName"], keys, is_global, projected)
