"""Which records a stream's mapping hands to its function ("Control which events Lambda sends to your function")."""

from collections.abc import Mapping
from typing import Any


def matches(record: Mapping[str, Any], pattern: Mapping[str, Any]) -> bool:
    """All keys of the pattern must match, and of a leaf's rules any. Raises ValueError at a pattern that Lambda
    refuses, or a rule that is not known here."""
    if not pattern:
        raise ValueError("an empty pattern")
    return all(_matches(record.get(key), rules) for key, rules in pattern.items())


def _matches(value: object, rules: object) -> bool:
    if isinstance(rules, Mapping):
        return matches(value if isinstance(value, Mapping) else {}, rules)
    if not isinstance(rules, list) or not rules:
        raise ValueError(f"{rules!r} is no list of rules")
    return any(_leaf_matches(value, rule) for rule in rules)


def _leaf_matches(value: object, rule: object) -> bool:
    """Whatever rule but `exists: false` matches a leaf that is there, never one that is missing, nor a map."""
    is_leaf = isinstance(value, str)
    match rule:
        case str():
            return value == rule
        case {"exists": bool(wanted), **others} if not others:
            return is_leaf is wanted
        case {"anything-but": [*unwanted], **others} if not others:
            return is_leaf and value not in unwanted
    raise ValueError(f"{rule!r} is not a rule that is known here")
