"""Rows and views hold what is there, and nothing else."""

from collections.abc import Mapping
from typing import Any


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not None, in their order."""
    return {name: value for name, value in fields.items() if value is not None}
