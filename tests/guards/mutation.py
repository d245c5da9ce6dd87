"""A guard, and how it is taken out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """In `file`, `code` becomes `instead`. The file is one of the layer, or of `functions/`."""

    guard: str
    file: str
    code: str
    instead: str = ""
