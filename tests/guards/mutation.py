"""A guard, and how it is taken out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """In `file`, `code` becomes `instead`."""

    guard: str
    file: str
    code: str
    instead: str = ""
