"""A TrueType font in a PDF: measured while pages are written, embedded at the end with the characters they used.

Text goes into a page as UTF-16, so a character's code is its place in Unicode; a map from codes to the glyphs of the
subset comes with the font (CIDToGIDMap, ISO 32000-1, 9.7.4.3). So no page has to know the subset.
"""

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from struct import pack

from arabic_reshaper import reshape
from bidi import get_display
from reportlab.pdfbase.ttfonts import TTFontFile

from comanda.domain.reports.table import clean_text

_FOLDER = Path(__file__).parent / "fonts"
_ASCII = frozenset(map(chr, range(0x20, 0x7F)))
_NOT_PLAIN = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff\U00010000-\U0010ffff]")
_BEYOND = re.compile(r"[\U00010000-\U0010ffff]")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
ELLIPSIS = "…"


def visible(text: str) -> str:
    """A line as it is set from left to right.

    Line ends and tabs become blanks. Hebrew and Arabic are put into the order of sight (Unicode's bidirectional
    algorithm), Arabic letters into their joined forms; no other script is shaped. Characters beyond U+FFFF become
    U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    if _NOT_PLAIN.search(text):
        text = _BEYOND.sub("\ufffd", clean_text(text).replace("\n", " ").replace("\t", " "))
    if _RIGHT_TO_LEFT.search(text):
        text = str(get_display(reshape(text)))
    return text


class Font:
    """One font file, and what was used of it. Widths are in thousandths of the font's size."""

    def __init__(self, file_name: str) -> None:
        self._face = TTFontFile(str(_FOLDER / file_name))
        self.name = f"AAAAAA+{Path(file_name).stem}"
        """With the tag of a subset (ISO 32000-1, 9.6.4)."""
        self._used: set[str] = set()
        default = float(self._face.defaultWidth)
        self._widths = _Widths({chr(code): float(width) for code, width in self._face.charWidths.items()}, default)

    def width(self, text: str) -> float:
        return sum(map(self._widths.__getitem__, text))

    def encode(self, text: str) -> str:
        """The operand of a text-showing operator, and a note that these characters are used."""
        if not text.isascii():
            self._used.update(text)
        return f"<{text.encode('utf-16-be').hex()}>"

    def fitted(self, text: str, width: float) -> str:
        """The text, or as much of it as fits into the width with an ellipsis after it."""
        room = width - self._widths[ELLIPSIS]
        for end, character in enumerate(text):
            room -= self._widths[character]
            if room < 0:
                return text[:end].rstrip() + ELLIPSIS
        return text

    def objects(self, number: int) -> dict[int, bytes]:
        """The font's objects, to be numbered from `number` on; the first is what pages refer to."""
        used = sorted(map(ord, self._used | _ASCII))
        glyphs = _glyphs(self._face.charToGlyph, used)
        glyph_of = bytearray(2 * (used[-1] + 1))
        for code in used:
            glyph_of[2 * code : 2 * code + 2] = pack(">H", glyphs[code])
        widths = "".join(f"{code}[{self._widths[chr(code)]:.0f}]" for code in used)
        face = self._face
        box = " ".join(f"{side:.0f}" for side in face.bbox)
        return {
            number: (
                f"<</Type/Font/Subtype/Type0/BaseFont/{self.name}/Encoding/Identity-H"
                f"/DescendantFonts[{number + 1} 0 R]/ToUnicode {number + 5} 0 R>>"
            ).encode(),
            number + 1: (
                f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{self.name}"
                "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
                f"/FontDescriptor {number + 2} 0 R/DW {face.defaultWidth:.0f}/W[{widths}]"
                f"/CIDToGIDMap {number + 4} 0 R>>"
            ).encode(),
            number + 2: (
                f"<</Type/FontDescriptor/FontName/{self.name}/Flags 4/FontBBox[{box}]/ItalicAngle 0"
                f"/Ascent {face.ascent:.0f}/Descent {face.descent:.0f}/CapHeight {face.capHeight:.0f}"
                f"/StemV {face.stemV:.0f}/FontFile2 {number + 3} 0 R>>"
            ).encode(),
            number + 3: stream(face.makeSubset(used)),
            number + 4: stream(bytes(glyph_of)),
            number + 5: stream(_to_unicode(used)),
        }


class _Widths(dict[str, float]):
    """A character's width; that of the box for what the font does not have."""

    def __init__(self, widths: Mapping[str, float], default: float) -> None:
        super().__init__(widths)
        self._default = default

    def __missing__(self, character: str) -> float:
        return self._default


def stream(content: bytes, entries: str = "") -> bytes:
    """A stream object's body, deflated."""
    deflated = zlib.compress(content, 9)
    return f"<</Filter/FlateDecode/Length {len(deflated)}{entries}>>stream\n".encode() + deflated + b"\nendstream"


def _glyphs(glyph_of: Mapping[int, int], codes: list[int]) -> dict[int, int]:
    """Each code's glyph in the subset: `makeSubset` numbers them in the order of the codes, after the box, 0."""
    places = {0: 0}
    return {code: places.setdefault(glyph_of.get(code, 0), len(places)) for code in codes}


def _to_unicode(codes: list[int]) -> bytes:
    """The map that searching and copying use: a code is its own character (ISO 32000-1, 9.10.3). A range may not go
    past the last byte."""
    blocks = sorted({code >> 8 for code in codes})
    ranges = [f"<{block:02X}00><{block:02X}FF><{block:02X}00>" for block in blocks]
    return (
        "/CIDInit/ProcSet findresource begin 12 dict begin begincmap"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def"
        "/CMapName/Adobe-Identity-UCS def/CMapType 2 def\n"
        "1 begincodespacerange<0000><FFFF>endcodespacerange\n"
        + "".join(
            f"{len(some)} beginbfrange\n{chr(10).join(some)}\nendbfrange\n"
            for some in (ranges[at : at + 100] for at in range(0, len(ranges), 100))
        )
        + "endcmap CMapName currentdict/CMap defineresource pop end end"
    ).encode()
