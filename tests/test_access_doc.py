"""docs/access.md shows the table of rights as the code has it."""

import re

from comanda.domain.shared.access import CLIENT_SCOPES, Action, Scope, Whose, needed_for
from tests.mutations import ROOT

DOC = (ROOT / "docs" / "access.md").read_text()


def test_the_table_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| ([a-z][^|`]*) \| ([^|]+) \| ([^|]+) \|$", DOC, re.MULTILINE)
    shown = [tuple(cell.replace("`", "") for cell in row) for row in rows if row[0] in list(Action)]
    assert shown == [(action.value, *(needed_for(action, whose) for whose in Whose)) for action in Action]


def test_every_scope_is_named_and_the_usual_ones_as_such() -> None:
    assert all(f"`{scope}`" in DOC for scope in Scope)
    (usual,) = re.findall(r"comanda token create --name web-shop .*# (.+)$", DOC, re.MULTILINE)
    assert set(usual.split(", ")) == CLIENT_SCOPES
