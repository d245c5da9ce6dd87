"""One text per value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comanda.domain.shared.canonical import canonical_json, sha256_of


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_equal_values_have_one_canonical_text(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(turned)


def test_a_float_that_is_no_number_has_no_canonical_text() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))
    assert sha256_of({"b": 1, "a": "é"}) == sha256_of({"a": "é", "b": 1})
