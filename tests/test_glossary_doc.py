"""docs/glossary.md names each word as the code has it today, and the file that defines it."""

import re

import pytest

from tests.support.documents import DOCS, text_of

PAGE = DOCS / "glossary.md"
ROWS = re.findall(
    r"^\| ([^|]+: `(\w+)`) \| [^|]{10,} \| [^|]+ \| \[[^]]+\]\(([^)]+)\) \|$", text_of(PAGE), re.MULTILINE
)


def test_every_row_is_read() -> None:
    assert len(ROWS) == len(re.findall(r"^\| .*`", text_of(PAGE), re.MULTILINE))
    assert {"replay", "owed", "Lease", "rescues", "Disposition"} <= {name for _, name, _ in ROWS}


@pytest.mark.parametrize(("word", "name", "file"), ROWS, ids=[word for word, _, _ in ROWS])
def test_the_name_is_defined_where_the_glossary_says(word: str, name: str, file: str) -> None:
    defines = rf"^ *(?:(?:class|def) {name}\b|{name}(?::| =|, )|(?:\w+, )+{name} =)|\b{name}: |\.{name}\b"
    assert re.search(defines, (DOCS / file).read_text(), re.MULTILINE), word
