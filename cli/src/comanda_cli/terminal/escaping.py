"""What comes from outside, made safe for a terminal.

A customer, a provider or a receiver chose it. A control character in it would move the cursor or change colours, an
override of writing direction would show other text than there is, and what is invisible would hide in an id.
"""

import re
import unicodedata

_IGNORABLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff"
"""Shown as nothing, though their category is that of letters or marks (Default_Ignorable_Code_Point, Unicode Standard
Annex #44)."""
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls (C0, DEL, C1), formats (directions, zero-width, soft hyphen), halves of characters, ends of lines."""
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NOT_ASCII = re.compile(r"[^ -~]")
_INVISIBLE = re.compile(f"[{_IGNORABLE}]")


def escaped(text: str, *, keep: str = "") -> str:
    """The text with each character that is not to be seen as its number, `\\u202e`; but for those in `keep`."""
    return _NOT_ASCII.sub(lambda found: found[0] if found[0] in keep else _shown(found[0]), text)


def escaped_json(text: str) -> str:
    """JSON with the same characters escaped as JSON has it (RFC 8259, 7): what it says does not change."""
    return _NOT_ASCII.sub(lambda found: _in_json(found[0]), text)


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _CATEGORIES or _INVISIBLE.match(character) is not None


def _shown(character: str) -> str:
    if not _is_hidden(character):
        return character
    if character in _NAMED:
        return _NAMED[character]
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _in_json(character: str) -> str:
    if not _is_hidden(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
