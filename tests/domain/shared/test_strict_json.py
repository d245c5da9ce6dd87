"""JSON of others: what is read, and what is refused before anything is done with it."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comanda.domain.shared.strict_json import MAX_DIGITS, MAX_EXPONENT, NotStrictJson, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_can_be_written_can_be_read(value: object, ensure_ascii: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ensure_ascii)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.10", Decimal("0.10")),
        ("-1.5e3", Decimal("-1.5e3")),
        (f"1e{MAX_EXPONENT}", Decimal(f"1e{MAX_EXPONENT}")),
        (f"1e-{MAX_EXPONENT}", Decimal(f"1e-{MAX_EXPONENT}")),
        ("0.0", Decimal("0.0")),
        ("9" * MAX_DIGITS, int("9" * MAX_DIGITS)),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_no_number_and_no_character_is_changed(text: str, value: object) -> None:
    read = parse_json(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not JSON"),
        ("{} {}", "is not JSON: Extra data at character 3"),
        ("01", "is not JSON"),
        ("'a'", "is not JSON"),
        ("\ufeff{}", "is not JSON"),
        ("NaN", "holds NaN: NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ("1e309", "exponent"),
        ("-1E+309", "exponent"),
        ("1e-309", "exponent"),
        ("0e309", "exponent"),
        ("1e9999999999999999999", "exponent"),
        ("1e-9999999999999999999", "exponent"),
        ("1" + "0" * 309 + ".0", "exponent"),
        ("9" * (MAX_DIGITS + 1), "too many digits"),
        ("0." + "9" * MAX_DIGITS, "too many digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"a": 1, "a": 1}', "the key 'a' stands twice"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "the key 'a' stands twice"),
        ('{"\\ud800": 1, "\\ud800": 2}', "the key '\\ud800' stands twice"),
        ('"\\ud800"', "half a surrogate pair"),
        ('{"\\udc00": 1}', "half a surrogate pair"),
        ('[[{"a": ["\\uDFFF"]}]]', "half a surrogate pair"),
        ('"\\ude00\\ud83d"', "half a surrogate pair"),
        ('"\ud800"', "half a surrogate pair"),
    ],
)
def test_what_has_no_one_meaning_is_refused(text: str, why: str) -> None:
    with pytest.raises(NotStrictJson) as error:
        parse_json(text)
    assert why in str(error.value)
    str(error.value).encode()


def test_many_equal_keys_are_found_quickly() -> None:
    fields = ",".join(f'"{number}":1' for number in range(100_000))
    with pytest.raises(NotStrictJson, match="'99999' stands twice"):
        parse_json(f'{{{fields},"99999":2}}')
