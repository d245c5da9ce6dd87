"""The rules of values, items and keys."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from benchmarks.cost.units import item_size
from tests.strict.dynamodb_tables import Keys, Table
from tests.strict.refusals import Refusal, Rule

MAX_ITEM_BYTES = 400 * 1024
_MAX_NESTING = 32
_MAX_DIGITS = 38
_MAX_EXPONENT, _MIN_EXPONENT = 125, -130
_MAX_PARTITION_KEY_BYTES, _MAX_SORT_KEY_BYTES = 2048, 1024
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WRITTEN_AS: dict[str, type] = {"S": str, "N": str, "B": str, "SS": list, "NS": list, "BS": list, "M": dict, "L": list}
_WRITTEN_AS |= {"NULL": bool, "BOOL": bool}

Item = Mapping[str, Any]


def check_value(value: Any, depth: int = 0) -> None:
    """Of the wire. Raises Refusal."""
    if not isinstance(value, dict) or len(value) != 1:
        what = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported"
        raise Refusal(Rule.VALUE, f"{what} datatypes: {value!r}")
    kind: str
    content: Any
    ((kind, content),) = value.items()
    expected: Any = _WRITTEN_AS[kind]
    if not isinstance(content, expected):
        raise Refusal(Rule.VALUE, f"{value!r} cannot be converted", "SerializationException")
    match kind:
        case "S" | "BOOL":
            pass
        case "N":
            _check_number(content)
        case "NULL" if not content:
            raise Refusal(Rule.VALUE, "One or more parameter values were invalid: Null attribute value must be true")
        case "L":
            _check_elements(content, depth)
        case "M":
            _check_elements(content.values(), depth)
        case "B":
            _check_binary(content)
        case "SS" | "NS" | "BS":
            _check_set(kind[0], content)


def _check_elements(elements: Iterable[Any], depth: int) -> None:
    if depth >= _MAX_NESTING:
        raise Refusal(Rule.NESTING, "Nesting Levels have exceeded supported limits: Attributes nested too deeply")
    for each in elements:
        check_value(each, depth + 1)


def _check_number(text: str) -> None:
    if not _NUMBER.fullmatch(text):
        what = f"The parameter cannot be converted to a numeric value: {text}"
        raise Refusal(Rule.VALUE, what)
    if len(text) <= _MAX_DIGITS and text.isdecimal():
        return
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Refusal(Rule.NUMBER, "Number overflow. Its magnitude is larger than the supported range") from None
    if not number:
        return
    if len("".join(map(str, number.as_tuple().digits)).strip("0")) > _MAX_DIGITS:
        raise Refusal(Rule.NUMBER, "Attempting to store more than 38 significant digits in a Number")
    if not _MIN_EXPONENT <= number.adjusted() <= _MAX_EXPONENT:
        raise Refusal(Rule.NUMBER, "Number overflow or underflow. Its magnitude is outside the supported range")


def _check_binary(text: str) -> None:
    try:
        b64decode(text, validate=True)
    except NotBase64:
        raise Refusal(Rule.VALUE, "Invalid Base64", "SerializationException") from None


def _check_set(kind: str, elements: list[Any]) -> None:
    if not elements:
        raise Refusal(Rule.VALUE, "One or more parameter values were invalid: An set may not be empty")
    for each in elements:
        check_value({kind: each})
    if len({Decimal(each) if kind == "N" else each for each in elements}) < len(elements):
        raise Refusal(Rule.VALUE, "One or more parameter values were invalid: Input collection contains duplicates")


def check_item(table: Table | None, item: Item) -> None:
    """A whole item that is put. Raises Refusal."""
    for value in item.values():
        check_value(value)
    if table:
        for name in table.keys.names:
            if name not in item:
                what = f"One or more parameter values were invalid: Missing the key {name} in the item"
                raise Refusal(Rule.KEY_SCHEMA, what)
            _check_key_part(table, table.keys, name, item[name])
        check_index_keys(table, item)
    check_size(item)


def check_size(item: Item) -> None:
    """Raises Refusal where an item is larger than DynamoDB keeps."""
    if item_size(item) > MAX_ITEM_BYTES:
        raise Refusal(Rule.ITEM_SIZE, "Item size has exceeded the maximum allowed size")


def check_key(table: Table | None, key: Item) -> None:
    """The key of one item. Raises Refusal."""
    for value in key.values():
        check_value(value)
    if table is None:
        return
    if key.keys() != set(table.keys.names):
        raise Refusal(Rule.KEY_SCHEMA, "The provided key element does not match the schema")
    for name, value in key.items():
        _check_key_part(table, table.keys, name, value)


def check_index_keys(table: Table, attributes: Item) -> None:
    """Those of the attributes that are a key of an index. Raises Refusal."""
    for index in table.indexes.values():
        for name in index.keys.names:
            if name not in attributes:
                continue
            try:
                _check_key_part(table, index.keys, name, attributes[name])
            except Refusal as refusal:
                rule = (
                    Rule.KEY_SIZE if refusal.rule is Rule.KEY_SIZE and attributes[name] != {"S": ""} else Rule.INDEX_KEY
                )
                raise Refusal(rule, f"{refusal.message}, IndexName: {index.name}") from None


def _check_key_part(table: Table, keys: Keys, name: str, value: Mapping[str, Any]) -> None:
    ((kind, content),) = value.items()
    if kind != table.types[name]:
        what = f"Type mismatch for key {name} expected: {table.types[name]} actual: {kind}"
        raise Refusal(Rule.KEY_SCHEMA, f"One or more parameter values were invalid: {what}")
    if kind == "N":
        return
    size = len(content.encode()) if kind == "S" else len(b64decode(content))
    most = _MAX_PARTITION_KEY_BYTES if name == keys.partition else _MAX_SORT_KEY_BYTES
    if not 1 <= size <= most:
        what = "One or more parameter values are not valid. A key attribute cannot contain an empty value"
        if size:
            what = f"One or more parameter values were invalid: Size of the key {name} has exceeded {most} bytes"
        raise Refusal(Rule.KEY_SIZE, what)
