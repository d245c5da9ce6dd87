"""docs/guards.md names every guard that `make mutate` takes out, and the test that notices."""

import pytest

from tests.guards.mutation import Mutation
from tests.mutations import MUTATIONS, ROOT, path_of, written_down

TABLE = written_down()


def test_the_table_has_a_row_for_each_guard() -> None:
    assert [guard for guard, _, _ in TABLE] == [mutation.guard for mutation in MUTATIONS]


@pytest.mark.parametrize(("guard", "file", "test"), TABLE, ids=[guard for guard, _, _ in TABLE])
def test_the_test_that_notices_is_there(guard: str, file: str, test: str) -> None:
    assert f"\ndef {test}(" in (ROOT / "tests" / file).read_text()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.guard)
def test_the_guard_stands_once_where_it_is_taken_out(mutation: Mutation) -> None:
    assert (ROOT / path_of(mutation)).read_text().count(mutation.code) == 1
    assert mutation.code != mutation.instead
