"""JSON that others wrote: with one meaning only, nothing rounded, and nothing in it that could not be written again.

Plain `json.loads` takes the last of two equal keys, which RFC 8259 (section 4) calls unpredictable; it reads money as
float, and lets NaN and half a surrogate pair in.
"""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_DIGITS = 4300
"""Characters of a number: as many as Python takes of an int."""
MAX_EXPONENT = 308
"""Powers of ten, up or down: the range of IEEE 754 binary64, past which RFC 8259 (section 6) expects no reader to
go. Written out, a number stays below a page."""


class NotStrictJson(ValueError):
    """The message goes on from "it …": `is not JSON: …`, `holds NaN, …`."""


def parse_json(text: str) -> Any:
    """The value: numbers with a point or an exponent come as Decimal. Raises NotStrictJson."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_float=_number, parse_constant=_no_constant)
    except NotStrictJson:
        raise
    except RecursionError:
        raise NotStrictJson("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise NotStrictJson(f"is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:  # Python refuses to convert numbers of more than 4300 digits.
        raise NotStrictJson("holds a number with too many digits") from None
    if "\\u" in text or not is_unicode(text):
        _check_unicode(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        counted = Counter(name for name, _ in pairs)
        twice = next(name for name, times in counted.items() if times > 1)
        raise NotStrictJson(f"is ambiguous: the key {twice[:64]!r} stands twice in one object; send it once")
    return fields


def _number(text: str) -> Decimal:
    if len(text) > MAX_DIGITS:
        raise NotStrictJson("holds a number with too many digits")
    try:
        number = Decimal(text)
        if abs(number.adjusted()) <= MAX_EXPONENT:
            return number
    except InvalidOperation:  # Decimal itself ends at 10^18 digits.
        pass
    raise NotStrictJson(f"holds a number whose exponent is not from -{MAX_EXPONENT} to {MAX_EXPONENT}")


def _no_constant(name: str) -> None:
    raise NotStrictJson(f"holds {name}: {name} is not a JSON number")


def _check_unicode(value: object) -> None:
    if not all(map(is_unicode, _texts_in(value))):
        raise NotStrictJson("holds half a surrogate pair, which is no character")


def _texts_in(value: object) -> Iterator[str]:
    """Keys and texts, at whatever depth; not by recursion, as the parser may go deeper than Python does."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case dict(fields):
                waiting += [*fields, *fields.values()]
            case list(values):
                waiting += values


def is_unicode(text: str) -> bool:
    """Whether it holds no half of a surrogate pair, which no UTF-8 can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
