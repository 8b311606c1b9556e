"""The inside of the sandbox: reads one PDF in a process of its own and prints JSON.

``ingest.pdf`` starts this file by its path; nothing of ours is imported here, so that the process
stays small and holds no database, model or setting. pypdf reads in plain mode through visitors
(its layout mode mixes columns); pypdfium2 is the second opinion for a page whose text fails the
quality gate. Nothing but text, sizes, positions and structure roles comes out.
"""

# ruff: noqa: PLC0415 libraries are loaded late: sys.path comes with the job, pdfium is seldom needed

import io
import json
import logging
import re
import signal
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "ft",
    "\ufb06": "st",
}
_BULLETS = dict.fromkeys("\uf0b7\uf0d8\uf076\uf0fc\uf06c\x7f\x88", "•") | {"\uf0a7": "▪"}
_BLANKS = dict.fromkeys("\u00a0\u202f\u2009\u2002\u2003\u2007\t", " ")
_BREAKS = dict.fromkeys("\ufffe\x02", "\u00ad")
_CHARACTERS = str.maketrans(_LIGATURES | _BULLETS | _BLANKS | _BREAKS)
_LOOSE_ACCENTS = (  # TeX's OT1 fonts print the accent first and the letter after it
    (re.compile("[\u02da\u00b0] ?([aA])"), "\u030a"),
    (re.compile("\u00a8 ?([aouAOU])"), "\u0308"),
    (re.compile("\u00b4 ?([eE])"), "\u0301"),
)

BREAK = "\u00ad"
"""The last character of a line whose last word was hyphenated by the typesetter."""


def repaired(line: str) -> str:
    """Return one line with its characters put right: accents, ligatures, blanks, bullets.

    A hyphen that the typesetter certainly put in stays as a last ``BREAK``.
    """
    line = line.translate(_CHARACTERS)
    for pattern, accent in _LOOSE_ACCENTS:
        line = pattern.sub(lambda match, accent=accent: match[1] + accent, line)  # type: ignore[misc]
    line = unicodedata.normalize("NFC", line)
    line = "".join(char for char in line if unicodedata.category(char) not in {"Cc", "Cs", "Co"})
    line = re.sub(r"[ \u200b\ufeff]+", " ", line).strip()
    is_broken = line.endswith((BREAK, "\u2010"))
    line = line.rstrip(BREAK + "\u2010").replace(BREAK, "").replace("\u2010", "-")
    return line + BREAK if is_broken else line


# ---------------------------------------------------------------------------------------------
# Quality of a page's text
# ---------------------------------------------------------------------------------------------

_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    og i det er på til en av for å som at med de har den ikke om et fra var ble kan vi skal men
    så eller også seg sin ved etter der bli vært hva når over opp ut må ha enn dette disse alle
    noe mer bare bør andre mellom under før flere ein eit ikkje frå dei vert vore har blei kva
    me
    """,
    )
)
_ENGLISH_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    the of and to in a is was for that it on as with be by were are this which from at an have
    has had not or but they their we our been more than its would should could there who what
    when
    """,
    )
)
_MIN_CHARS = 40
_MANY_CURVES = 400
_OCR_DPI = 300
_LONG_TOKEN = 28
_MAX_CHARS_PER_WORD = 13
_ENOUGH_LETTERS = 500
_MIN_FUNCTION_WORDS = 0.12
_MIN_NORDIC_LETTERS = 0.004
_MAX_STRANGE = 0.01


def is_garbled(raw: str, text: str) -> bool:
    """Say whether the text of a page is not language: lost glyph names, lost å, or noise.

    ``raw`` is the text before repair, ``text`` after it. Short pages are given the benefit of the
    doubt: there is too little to count on. Measured: good pages have 0.27–0.42 function words and
    0.017–0.041 æøå among their letters.
    """
    strange = sum(
        unicodedata.category(char) in {"Cc", "Co", "Cn"} or char == "\ufffd"
        for char in raw
        if char not in "\n\r\t" and char not in _BULLETS and char not in _BREAKS
    )
    if raw and strange / len(raw) > _MAX_STRANGE:
        return True
    words = re.findall(r"[^\W\d_]+", text.lower())
    letters = sum(map(len, words))
    if letters < _ENOUGH_LETTERS:
        return False
    norwegian = sum(word in _FUNCTION_WORDS for word in words) / len(words)
    english = sum(word in _ENGLISH_WORDS for word in words) / len(words)
    if max(norwegian, english) < _MIN_FUNCTION_WORDS:
        return not _is_mostly_figures(text, letters)
    nordic = sum(text.lower().count(char) for char in "æøå") / letters
    return norwegian > english and nordic < _MIN_NORDIC_LETTERS


def _is_mostly_figures(text: str, letters: int) -> bool:
    """A page of tables has few function words and is right all the same."""
    digits = sum(char.isdigit() for char in text)
    return digits > 0.2 * letters


def has_lost_spaces(lines: list[str]) -> bool:
    """Say whether words stand glued together, as pypdf reads tightly set TeX lines."""
    for line in lines:
        words = line.split()
        if any(len(part) > _LONG_TOKEN for word in words for part in re.split(r"[\W\d_]", word)):
            return True
        letters = sum(map(str.isalpha, line))
        if words and letters > _LONG_TOKEN and letters / len(words) > _MAX_CHARS_PER_WORD:
            return True
    return False


# ---------------------------------------------------------------------------------------------
# Lines
# ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    """A line while it is being collected; positions in points, y upwards."""

    x: float
    y: float
    size: float
    text: str = ""
    right: float = 0.0
    mcid: int | None = None
    is_artifact: bool = False
    styles: Counter[tuple[float, str]] = field(default_factory=Counter)

    def add(self, text: str, x: float, style: tuple[float, str]) -> None:
        self.text += text
        if text.strip():
            self.styles[style] += len(text.strip())
            self.right = max(self.right, x + len(text.strip()) * style[0] * 0.5)

    @property
    def style(self) -> tuple[float, str]:
        return self.styles.most_common(1)[0][0] if self.styles else (self.size, "")


_BOLD = re.compile(r"bold|black|heavy|demi|cmbx|lmbx|[-,]bd", re.I)
_MARK = re.compile(r"\d{1,2}")
_UNIT = re.compile(r"(^|[\s\d(])[kcd]?m$")


def _is_footnote_mark(line: _Line, text: str, y: float, size: float) -> bool:
    """Small raised digits after text point to a footnote; those after «m» are square metres."""
    return (
        _MARK.fullmatch(text.strip()) is not None
        and size < 0.8 * line.size
        and 0 <= y - line.y < 0.8 * line.size
        and not line.text[-1:].isdigit()
        and not _MARK.fullmatch(line.text.strip())
        and not _UNIT.search(line.text)
    )


def _is_behind_its_mark(line: _Line, y: float, size: float) -> bool:
    """The text of a footnote begins a little lower than the raised number in front of it."""
    is_mark = _MARK.fullmatch(line.text.strip()) is not None
    return is_mark and line.size < size and 0 < line.y - y < size


class _Drawings:
    """Follows what is drawn on a page: small dots and pictures that may be bullets, and curves."""

    def __init__(self) -> None:
        self.dots: list[tuple[float, float]] = []
        """The lower left corner of each, in points of the page as it is stored."""
        self.curves = 0
        self._xs: list[float] = []  # only the least and the greatest are kept
        self._ys: list[float] = []
        self._is_round = False

    def see(self, operator: bytes, operands: Any, cm: Sequence[float]) -> None:
        """Take in one operator of the page."""
        if operator in _PATH_POINTS:
            self._is_round |= operator in _CURVES
            self.curves += operator in _CURVES
            numbers = [float(one) for one in operands]
            if operator == b"re" and len(numbers) == 4:  # noqa: PLR2004
                numbers[2:] = [numbers[0] + numbers[2], numbers[1] + numbers[3]]
            for x, y in zip(numbers[::2], numbers[1::2], strict=False):
                self._add(x, y, cm)
        elif operator in _PAINTED:
            if self._is_round or operator not in {b"S", b"s"}:
                self._keep_if_small()
            self._forget()
        elif operator == b"n":
            self._forget()
        elif operator == b"Do":
            self._forget()
            self._add(0, 0, cm)
            self._add(1, 1, cm)
            self._keep_if_small()
            self._forget()

    def _add(self, x: float, y: float, cm: Sequence[float]) -> None:
        at_x, at_y = x * cm[0] + y * cm[2] + cm[4], x * cm[1] + y * cm[3] + cm[5]
        self._xs = [min([at_x, *self._xs]), max([at_x, *self._xs])]
        self._ys = [min([at_y, *self._ys]), max([at_y, *self._ys])]

    def _forget(self) -> None:
        self._xs, self._ys, self._is_round = [], [], False

    def _keep_if_small(self) -> None:
        if not self._xs or len(self.dots) >= _MOST_DOTS:
            return
        least, most = sorted((self._xs[1] - self._xs[0], self._ys[1] - self._ys[0]))
        if _DOT[0] <= least and most <= _DOT[1] and most < 1.7 * least:
            self.dots.append((self._xs[0], self._ys[0]))


_CURVES = frozenset({b"c", b"v", b"y"})
_PATH_POINTS = _CURVES | {b"re", b"m", b"l"}
_PAINTED = frozenset({b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*", b"S", b"s"})
_DOT = (0.8, 9.0)
_MOST_DOTS = 2_000


_Item: TypeAlias = tuple[str, float, float, tuple[float, str], int | None, bool, float, float]
"""Text, x, y, style, MCID, whether it is an artifact, and the direction that is up."""


_Turn: TypeAlias = Callable[[float, float], tuple[float, float]]
_SLANT = 0.1


class _PageReader:
    """Collects the lines of one page from pypdf's visitors."""

    def __init__(self, page: Any, max_chars: int) -> None:
        box = page.mediabox
        self._left, self._bottom = float(box.left), float(box.bottom)
        self._properties = _properties(page)
        self._marks: list[_Mark] = []
        self._items: list[_Item] = []
        self._room = max_chars
        self._drawings = _Drawings()
        self._soft: tuple[float, float] | None = None
        self._breaks: list[tuple[float, float]] = []

    @property
    def is_drawn(self) -> bool:
        """Say whether there are curves enough to be letters without a font."""
        return self._drawings.curves > _MANY_CURVES

    def before(self, operator: bytes, operands: Any, cm: list[float], tm: list[float]) -> None:
        """Follow marked content: which structure element, or a running head, we are inside."""
        if operator in {b"BDC", b"BMC"}:
            properties = operands[1] if operator == b"BDC" and len(operands) > 1 else None
            self._marks.append(self._mark(str(operands[0]) if operands else "", properties))
        elif operator == b"EMC":
            if self._marks:
                self._marks.pop()
        elif operator in {b"Tj", b"TJ"} and operands:
            self._mind_soft_hyphen(operands, cm, tm)
        else:
            self._drawings.see(operator, operands, cm)

    def _mark(self, tag: str, properties: Any) -> "_Mark":
        if isinstance(properties, str):
            properties = self._properties.get(properties)
            properties = properties.get_object() if properties is not None else None
        if not hasattr(properties, "get"):
            return _Mark(tag, None, is_soft=False)
        mcid, actual = properties.get("/MCID"), properties.get("/ActualText")
        is_soft = actual in {BREAK, b"\xfe\xff\x00\xad"}
        return _Mark(tag, int(mcid) if mcid is not None else None, is_soft=is_soft)

    def _mind_soft_hyphen(self, operands: Any, cm: list[float], tm: list[float]) -> None:
        """Take out what stands for a soft hyphen, and note the line that is broken there.

        Chromium shows a blank for one within a line; pypdf does not know «ActualText».
        """
        place = self._place(cm, tm)
        if any(mark.is_soft for mark in self._marks):
            operands[0] = type(operands[0])()
            self._soft = place
        elif self._soft is not None:
            if abs(self._soft[1] - place[1]) > 1:
                self._breaks.append(self._soft)
            self._soft = None

    def _place(self, cm: list[float], tm: list[float]) -> tuple[float, float]:
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4] - self._left
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5] - self._bottom
        return x, y

    def text(self, text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        """Keep a piece of text with its place on the page and its style."""
        self._room -= len(text)
        if self._room < 0:
            raise ValueError("too many characters on one page")
        up_x = tm[2] * cm[0] + tm[3] * cm[2]
        up_y = tm[2] * cm[1] + tm[3] * cm[3]
        x, y = self._place(cm, tm)
        points = round(abs(size) * float(up_x**2 + up_y**2) ** 0.5, 1)
        name = str(font.get("/BaseFont", "")) if font else ""
        mcid = next((mark.mcid for mark in reversed(self._marks) if mark.mcid is not None), None)
        is_artifact = any(mark.tag == "/Artifact" for mark in self._marks)
        ahead = (abs(tm[0] * cm[0] + tm[1] * cm[2]), abs(tm[0] * cm[1] + tm[1] * cm[3]))
        is_stamp = min(ahead) > _SLANT * max(ahead)  # runs aslant over the page
        self._items.append((text, x, y, (points, name), mcid, is_artifact or is_stamp, up_x, up_y))

    def lines(self) -> tuple[list[_Line], bool]:
        """Return the lines in reading order, and whether the text is turned a quarter."""
        upright: Counter[bool] = Counter()
        for text, *_, up_x, up_y in self._items:
            upright[abs(up_x) <= abs(up_y)] += len(text.strip())
        is_turned = upright[False] > upright[True]
        lines: list[_Line] = []
        line: _Line | None = None
        turn: _Turn = _as_stored
        for text, at_x, at_y, style, mcid, is_artifact, up_x, up_y in self._items:
            if text.strip():
                turn = _turn(up_x, up_y, is_turned=is_turned)
            x, y = turn(at_x, at_y)
            for piece in re.split(r"(\n)", text):
                if piece == "\n":
                    line = None
                    continue
                line = _placed(lines, line, piece, (x, y), style)
                if line is not None and piece.strip():
                    line.is_artifact |= is_artifact and line.mcid is None
                    line.mcid = mcid if line.mcid is None else line.mcid
        lines = [line for line in lines if line.text.strip()]
        for place in self._breaks:
            _break_line(lines, turn(*place))
        if all(line.mcid is None for line in lines):
            places = ((x - self._left, y - self._bottom) for x, y in self._drawings.dots)
            lines += _bullets(lines, [turn(*place) for place in places])
        return lines, is_turned


@dataclass(frozen=True, slots=True)
class _Mark:
    """Marked content that is open: its tag, its MCID, whether it stands for a soft hyphen."""

    tag: str
    mcid: int | None
    is_soft: bool


def _as_stored(x: float, y: float) -> tuple[float, float]:
    return x, y


def _turn(up_x: float, up_y: float, *, is_turned: bool) -> _Turn:
    """Return what turns a place on the page so that the text runs right, line below line."""
    if is_turned:
        return (lambda x, y: (y, -x)) if up_x < 0 else (lambda x, y: (-y, x))
    return (lambda x, y: (x, -y)) if up_y < 0 else _as_stored  # a mirrored page


def _break_line(lines: list[_Line], place: tuple[float, float]) -> None:
    x, y = place
    near = [line for line in lines if abs(line.y - y) < 1 and line.x <= x + 1]
    if near:
        line = max(near, key=lambda line: line.x)
        line.text = line.text.rstrip() + BREAK


def _bullets(lines: list[_Line], dots: list[tuple[float, float]]) -> Iterator[_Line]:
    """Yield a line «•» for each dot that stands alone in front of a line."""
    for x, y in dots:
        level = [line for line in lines if -1 < y - line.y < 0.5 * max(line.size, 6)]
        if any(line.x < x for line in level) or not level:
            continue
        owner = min(level, key=lambda line: line.x)
        in_a_row = sum(abs(other_y - y) < 1 for _, other_y in dots)
        if owner.x - x < _BULLET_GAP and in_a_row == 1:
            bullet = _Line(x=x, y=owner.y, size=owner.size)
            bullet.add("•", x, owner.style)
            yield bullet


_BULLET_GAP = 36.0


def _placed(
    lines: list[_Line],
    line: _Line | None,
    piece: str,
    place: tuple[float, float],
    style: tuple[float, str],
) -> _Line | None:
    """Put ``piece`` on the current line or on a new one; return the line it stands on."""
    x, y = place
    size = style[0]
    previous = line or (lines[-1] if lines else None)
    if previous is not None and _is_footnote_mark(previous, piece, y, size) and x > previous.x:
        return line
    if line is None and previous is not None and _is_behind_its_mark(previous, y, size):
        line = previous
    if line is not None and piece.strip() and line.text.strip():
        if _is_behind_its_mark(line, y, size):
            line.y, line.size = y, size
            line.text += " "
        elif abs(line.y - y) > max(2.0, 0.35 * max(size, 1.0)):
            line = None
    if line is None:
        if not piece.strip():
            return None
        line = _Line(x=x, y=y, size=size)
        lines.append(line)
    line.add(piece, x, style)
    return line


def _properties(page: Any) -> Any:
    resources = page.get("/Resources")
    resources = resources.get_object() if resources is not None else {}
    properties = resources.get("/Properties") if hasattr(resources, "get") else None
    return properties.get_object() if properties is not None else {}


def _pictures(owner: Any, depth: int = 3) -> list[Any]:
    """Return the images and forms of a page, also those within forms."""
    resources = owner.get("/Resources")
    resources = resources.get_object() if resources is not None else {}
    objects: Any = resources.get("/XObject") if hasattr(resources, "get") else None
    objects = objects.get_object() if objects is not None else {}
    found = [objects[name].get_object() for name in objects]
    found = [one for one in found if one.get("/Subtype") in {"/Image", "/Form"}]
    inner = [_pictures(one, depth - 1) for one in found if depth and one["/Subtype"] == "/Form"]
    return found + [one for each in inner for one in each]


def _mpixels(page: Any) -> float:
    """Return how large a picture text recognition would have to look at, in megapixels."""
    images = [float(one.get("/Width", 0)) * float(one.get("/Height", 0)) for one in _pictures(page)]
    drawn = float(page.mediabox.width) * float(page.mediabox.height) * (_OCR_DPI / 72) ** 2
    return max([drawn, *images]) / 1e6


# ---------------------------------------------------------------------------------------------
# Structure tree
# ---------------------------------------------------------------------------------------------

_BLOCK_ROLES = frozenset({"P", "Caption", "Note", "FENote", "TOCI", "BlockQuote", "Title", "H"}) | {
    f"H{level}" for level in range(1, 7)
}
_WHOLE_ROLES = frozenset({"LI", "TR"})
_MAX_NODES = 200_000


_Roles: TypeAlias = tuple[tuple[str, ...], int | None]
"""The path of structure roles from the root, and the number of the block."""
_NO_ROLES: _Roles = ((), None)


def _structure(reader: Any) -> dict[tuple[int, int], _Roles]:
    """Return, for each (page, MCID) of a tagged file, its roles and the block it belongs to.

    The block is the innermost list item or table row, else the innermost heading, paragraph …
    Two lines with the same block number are one block, also across a page break.
    """
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NumberObject

    root = reader.trailer["/Root"].get("/StructTreeRoot")
    if root is None:
        return {}
    root = root.get_object()
    role_map = _role_map(root)
    pages = {
        page.indirect_reference.idnum: number
        for number, page in enumerate(reader.pages, start=1)
        if page.indirect_reference
    }
    found: dict[tuple[int, int], _Roles] = {}
    stack = [_Node(root.raw_get("/K") if "/K" in root else None, (), 0, None)]
    seen: set[int] = set()
    visited = 0
    while stack and visited < _MAX_NODES:
        node = stack.pop()
        visited += 1
        kid = node.kid
        if isinstance(kid, IndirectObject):
            if kid.idnum in seen:  # trees may run in circles
                continue
            seen.add(kid.idnum)
            kid = kid.get_object()
        if isinstance(kid, ArrayObject):
            stack.extend(replace(node, kid=one) for one in reversed(kid))
        elif isinstance(kid, NumberObject):
            found[node.page, int(kid)] = (node.path, node.block)
        elif isinstance(kid, DictionaryObject):
            node = _on_own_page(node, kid, pages)
            mcid: Any = kid.get("/MCID")
            if mcid is not None:
                found[node.page, int(mcid)] = (node.path, node.block)
            elif "/K" in kid:
                stack.append(_element(node, kid, role_map, visited))
    return found


@dataclass(frozen=True, slots=True)
class _Node:
    """What is left to visit of the structure tree, and what it has inherited."""

    kid: Any
    path: tuple[str, ...]
    page: int
    block: int | None


def _on_own_page(node: _Node, kid: Any, pages: dict[int, int]) -> _Node:
    own = kid.raw_get("/Pg") if "/Pg" in kid else None
    return replace(node, page=pages.get(getattr(own, "idnum", -1), node.page))


def _element(node: _Node, kid: Any, role_map: dict[str, str], number: int) -> _Node:
    """Return the kids of a structure element, with its role and block."""
    role = _role(role_map, str(kid.get("/S", "/"))[1:])
    if role == "TR" and _is_single(kid["/K"]):
        role = "Div"  # a table of one cell is a frame around text
    is_block = role in _WHOLE_ROLES or (role in _BLOCK_ROLES and not _is_whole(node.path))
    return replace(
        node,
        kid=kid.raw_get("/K"),
        path=(*node.path, role)[-12:],
        block=number if is_block else node.block,
    )


def _is_single(kids: Any) -> bool:
    return not isinstance(kids, list) or len(kids) == 1


def _role_map(root: Any) -> dict[str, str]:
    role_map = root.get("/RoleMap")
    role_map = role_map.get_object() if role_map is not None else {}
    return {str(name)[1:]: str(role)[1:] for name, role in role_map.items()}


def _role(role_map: dict[str, str], name: str) -> str:
    for _ in range(8):  # role maps may point in circles
        if role_map.get(name, name) == name:
            break
        name = role_map[name]
    return name


def _is_whole(path: tuple[str, ...]) -> bool:
    return any(role in _WHOLE_ROLES for role in path)


# ---------------------------------------------------------------------------------------------
# The second opinion
# ---------------------------------------------------------------------------------------------


class _SecondReader:
    """pypdfium2 on the same bytes, opened when it is first needed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._document: Any = None

    def lines(self, index: int) -> list[_Line]:
        """Return the lines of the page with this 0-based index; [] when it cannot be read."""
        import pypdfium2

        if self._document is None:
            self._document = pypdfium2.PdfDocument(self._data)
        page = self._document[index]
        page.set_rotation(0)  # else turned pages lose a third of their text
        return list(_pdfium_lines(page.get_textpage()))


def _pdfium_lines(textpage: Any) -> Iterator[_Line]:
    import ctypes

    import pypdfium2.raw as pdfium

    x, y = ctypes.c_double(), ctypes.c_double()
    name = ctypes.create_string_buffer(256)
    flags, matrix = ctypes.c_int(), pdfium.FS_MATRIX()
    line: _Line | None = None
    for index in range(textpage.count_chars()):
        code = pdfium.FPDFText_GetUnicode(textpage, index)
        char = chr(code) if 0 < code < sys.maxunicode else ""
        if char in {"\r", "\n", ""}:
            if line is not None:
                yield line
            line = None
            continue
        if char in _BREAKS or pdfium.FPDFText_IsHyphen(textpage, index) == 1:
            char = BREAK
        pdfium.FPDFText_GetCharOrigin(textpage, index, x, y)
        is_drawn = not char.isspace() and pdfium.FPDFText_IsGenerated(textpage, index) != 1
        if line is not None and is_drawn and abs(y.value - line.y) > max(2.0, 0.5 * line.size):
            yield line  # it joins the halves of a broken word, and so two lines
            line = None
        size = pdfium.FPDFText_GetFontSize(textpage, index)
        if pdfium.FPDFText_GetMatrix(textpage, index, matrix):
            size *= (matrix.c**2 + matrix.d**2) ** 0.5
        size = round(size, 1)
        if line is None:
            line = _Line(x=x.value, y=y.value, size=size)
        pdfium.FPDFText_GetFontInfo(textpage, index, name, 256, flags)
        line.add(char, x.value, (size, name.value.decode("utf-8", "replace")))
    if line is not None:
        yield line


# ---------------------------------------------------------------------------------------------
# The file
# ---------------------------------------------------------------------------------------------


_KEPT_FONTS = 32


class _TooSlowError(Exception):
    """One page has used up its share of CPU time."""


def _configure(job: Json) -> None:
    import pypdf

    most = job["max_stream_bytes"]
    pypdf.overwrite_configuration(
        zlib_maximum_output_length=most,
        lzw_maximum_output_length=most,
        run_length_maximum_output_length=most,
        brotli_maximum_output_length=most,
        jbig2_maximum_output_length=most,
        array_based_stream_maximum_output_length=most,
        image_maximum_buffer_size=most,
        maximum_declared_stream_length=job["max_bytes"],
        stream_decoding_work_maximum_length=3 * most,
        stream_parsing_work_maximum_count=500_000,
        page_tree_maximum_entries=5_000,
        outline_maximum_entries=5_000,
        named_destinations_maximum_entries=5_000,
        xform_maximum_invocations_per_extraction=1_000,
        jbig2dec_binary=None,
    )


def _read_each_font_once() -> None:
    """Keep the fonts read last: pypdf reads them anew for every page.

    The font under recognised text maps 65 536 codes and takes it a quarter of a second: without
    this, a scan of two hundred pages would use up its CPU time. Private to pypdf, so a test looks.
    """
    from pypdf.generic._font import Font

    read_font = Font.from_font_resource
    known: dict[int, tuple[Any, Any]] = {}

    def read_once(resource: Any) -> Any:
        found = known.get(id(resource))
        if found is None or found[0] is not resource:
            if len(known) >= _KEPT_FONTS:
                known.pop(next(iter(known)))
            found = known[id(resource)] = (resource, read_font(resource))
        return found[1]

    Font.from_font_resource = read_once  # type: ignore[method-assign, assignment]


def _limit_process(job: Json) -> None:
    """Ask the kernel to hold us to the job's limits, where there is such a kernel."""
    try:
        import resource
    except ImportError:  # Windows: the parent's clock is the only limit there
        return
    memory = job["memory_mb"] << 20
    for kind, soft, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, job["cpu_s"], job["cpu_s"] + 2),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, 64, 64),
    ):
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):  # macOS has no RLIMIT_AS
            continue


def _start_page_clock(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def _too_slow(_signal: int, _frame: Any) -> None:
    raise _TooSlowError


def _line_json(line: _Line, text: str, roles: _Roles) -> list[Any]:
    size, font = line.style
    path, block = roles
    return [
        text,
        round(line.x, 1),
        round(line.y, 1),
        size,
        bool(_BOLD.search(font)),
        list(path),
        block,
        line.is_artifact,
        round(max(0.0, line.right - line.x), 1),
    ]


def _letters(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text).lower() if char.isalnum())


def _read_page(
    page: Any,
    number: int,
    structure: dict[tuple[int, int], _Roles],
    second: _SecondReader,
    lost: "_Lost",
    job: Json,
) -> Json:
    """Return one page as JSON; raises whatever pypdf raises."""
    lost.taken()
    reader = _PageReader(page, job["max_page_chars"])
    page.extract_text(visitor_operand_before=reader.before, visitor_text=reader.text)
    lines, is_turned = reader.lines()
    texts = [repaired(line.text) for line in lines]
    roles = [
        _NO_ROLES if line.mcid is None else structure.get((number, line.mcid), _NO_ROLES)
        for line in lines
    ]
    raw = "\n".join(line.text for line in lines)
    is_bad = is_garbled(raw, "\n".join(texts))
    if (is_bad or has_lost_spaces(texts)) and not is_turned:
        by_letters = {
            _letters(text): (line, role)
            for line, text, role in zip(lines, texts, roles, strict=True)
        }
        lines = second.lines(number - 1)
        texts = [repaired(line.text) for line in lines]
        known = [by_letters.get(_letters(text)) for text in texts]
        roles = [match[1] if match else _NO_ROLES for match in known]
        for line, match in zip(lines, known, strict=True):
            line.is_artifact = match[0].is_artifact if match else False
        is_bad = is_garbled("\n".join(line.text for line in lines), "\n".join(texts))
    width, height = float(page.mediabox.width), float(page.mediabox.height)
    if is_turned:
        width, height = height, width
    chars = sum(map(len, texts))
    problem = "garbled" if is_bad else None
    if problem is None and chars < _MIN_CHARS and (reader.is_drawn or _pictures(page)):
        problem = "no-text"
    if problem is None and lost.taken():
        problem = "unreadable"
    kept = [] if is_bad else zip(lines, texts, roles, strict=True)
    return {
        "width": width,
        "height": height,
        "problem": problem,
        "mpixels": _mpixels(page),
        "letters": sum(map(str.isalpha, "".join(texts))),
        "nordic": any(char in "æøå" for text in texts for char in text.lower()),
        "lines": [_line_json(line, text, role) for line, text, role in kept if text],
    }


def _read_pages(reader: Any, data: bytes, job: Json) -> Iterator[Json]:
    """Yield every page; one that cannot be read costs that page only."""
    from pypdf.errors import LimitReachedError

    second, lost = _SecondReader(data), _Lost()
    logging.getLogger("pypdf.filters").addFilter(lost)
    structure: dict[tuple[int, int], _Roles] = _optional(_structure, reader, {})
    for index in range(len(reader.pages)):
        _start_page_clock(job["page_cpu_s"])
        try:
            page = _read_page(reader.pages[index], index + 1, structure, second, lost, job)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 foreign bytes: pypdf also raises what is not its own
            is_limit = isinstance(error, LimitReachedError | _TooSlowError)
            page = _UNREADABLE | {"is_limit": is_limit}
        finally:
            _start_page_clock(0)
        yield page


_UNREADABLE: Json = {
    "width": 0, "height": 0, "lines": [], "problem": "unreadable", "mpixels": 0, "letters": 0,
    "nordic": False,
}  # fmt: skip


class _Lost:
    """Hears of streams that broke off: pypdf goes on with what it has, and says so in its log."""

    def __init__(self) -> None:
        self._has_lost = False

    def __call__(self, record: logging.LogRecord) -> bool:
        """Take note; a wrong checksum or a missing end alone costs nothing."""
        self._has_lost |= "while decompressing data: invalid" in str(record.msg)
        return False

    def taken(self) -> bool:
        """Say whether something was lost since the last call."""
        has_lost, self._has_lost = self._has_lost, False
        return has_lost


def _doubt_short_pages(pages: list[Json]) -> None:
    """Where most full pages are garbled, short pages without æ, ø and å are so too: the cover."""
    full = [page for page in pages if page["letters"] >= _ENOUGH_LETTERS]
    garbled = sum(page["problem"] == "garbled" for page in full)
    if 2 * garbled <= len(full):
        return
    for page in pages:
        if page["problem"] is None and page["lines"] and not page["nordic"]:
            page["problem"], page["lines"] = "garbled", []


def _labels(reader: Any) -> list[str | None]:
    if "/PageLabels" not in reader.trailer["/Root"]:
        return [None] * len(reader.pages)
    return [label.strip() or None for label in reader.page_labels]


def _title(reader: Any) -> str | None:
    metadata = reader.metadata
    title = metadata.title if metadata else None
    return repaired(str(title))[:300] or None if title else None


def _optional(read: Any, reader: Any, default: Any) -> Any:
    try:
        return read(reader)
    except Exception:  # noqa: BLE001 foreign bytes: a broken title, label or tag tree is no reason to stop
        return default


def read(data: bytes, job: Json) -> Json:
    """Return ``{"status": …}`` and, when that is ``ok``, the title and the pages."""
    from pypdf import PdfReader
    from pypdf.errors import LimitReachedError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"status": "encrypted"}
        count = len(reader.pages)
        if count > job["max_pages"]:
            return {"status": "limit", "detail": f"{count} pages"}
        pages = list(_read_pages(reader, data, job))
        _doubt_short_pages(pages)
    except (LimitReachedError, _TooSlowError, MemoryError) as error:
        return {"status": "limit", "detail": type(error).__name__}
    except Exception as error:  # noqa: BLE001 foreign bytes: pypdf also raises what is not its own
        return {"status": "damaged", "detail": f"{type(error).__name__}: {error}"[:200]}
    labels = _optional(_labels, reader, [None] * count)
    for page, label in zip(pages, labels, strict=False):
        page["label"] = label
    return {"status": "ok", "title": _optional(_title, reader, None), "pages": pages}


def main() -> None:
    """Read the job from standard input, the PDF it names, and print the answer."""
    job: Json = json.load(sys.stdin)
    sys.path[:] = job["sys_path"]
    logging.getLogger("pypdf").addHandler(logging.NullHandler())
    logging.getLogger("pypdf").propagate = False
    if hasattr(signal, "SIGVTALRM"):
        signal.signal(signal.SIGVTALRM, _too_slow)
    with open(job["path"], "rb") as file:  # noqa: PTH123 the child imports as little as it can
        data = file.read(job["max_bytes"] + 1)
    import pypdf  # noqa: F401 loaded before the limits, so that they are spent on the file

    _limit_process(job)
    try:
        _configure(job)
        _read_each_font_once()
        answer = read(data, job)
    except MemoryError:
        answer = {"status": "limit", "detail": "memory"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
