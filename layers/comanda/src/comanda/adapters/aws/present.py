"""Rows and views hold what is there, and nothing else; views go out as JSON."""

import json
from collections.abc import Mapping
from typing import Any


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not None, in their order."""
    return {name: value for name, value in fields.items() if value is not None}


def to_json(body: object) -> str:
    """Compact, and in the order a person reads it in. Half a surrogate pair, which no UTF-8 can hold, becomes "?"."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(errors="replace").decode()
