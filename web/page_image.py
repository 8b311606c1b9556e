"""A page of a PDF as an image, and where on it a quote stands.

The bytes are foreign and the parser is C++, so a child process with limits does the reading
(``page_worker.py``); whatever goes wrong there, this process only sees that no image came. Both
results are kept under ``home/pages/<sha256>/`` and can be deleted at any time.
"""

import json
import os
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kb.text import key, sentences

_WORKER = Path(__file__).resolve().parent / "page_worker.py"
_TIMEOUT_S = 30
_PDF_MARK, _MARK_WITHIN = b"%PDF-", 1024
_slots = threading.BoundedSemaphore(2)
"""At most two children at a time: each may take a gigabyte."""
_PAD = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A piece of the page in PDF points from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PageImage:
    """A rendered page: its size in PDF points and the place of every letter and digit.

    ``letters`` is the page's text as :func:`kb.text.key` folds it; ``boxes`` has (left, top, right,
    bottom) for each character of it, from the upper left corner.
    """

    file: Path
    width: float
    height: float
    letters: str
    boxes: tuple[tuple[float, float, float, float], ...]


def page_image(original: Path, sha256: str, number: int, home: Path) -> PageImage | None:
    """Return page ``number`` (1-based) of a PDF, rendered now or earlier; None if it cannot be."""
    folder = home / "pages" / sha256
    image, places = folder / f"{number}.webp", folder / f"{number}.json"
    if not (image.exists() and places.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        if not _render(original, number, image, places):
            return None
    page = json.loads(places.read_text(encoding="utf-8"))
    return PageImage(
        file=image,
        width=page["width"],
        height=page["height"],
        letters=page["letters"],
        boxes=tuple((box[0], box[1], box[2], box[3]) for box in page["boxes"]),
    )


def is_pdf(original: Path | None) -> bool:
    """Whether a file is a PDF, whatever it is called: readers of PDF look for its mark likewise."""
    if original is None:
        return False
    try:
        with original.open("rb") as file:
            return _PDF_MARK in file.read(_MARK_WITHIN)
    except OSError:
        return False


def rectangles(page: PageImage, passage: str, before: str) -> tuple[Rectangle, ...]:
    """Return what to mark so that ``passage`` stands out on ``page``, one rectangle per line.

    ``before`` is the page text in front of the passage: of several equal places the one that far
    down the page is meant. Empty where the passage is not found.
    """
    letters, spot = _bare(page.letters), len(key(before))
    spans = _places(letters, [passage], spot) or _places(letters, sentences(passage), spot)
    return tuple(line for start, end in spans for line in _lines(page.boxes[start:end]))


def _places(letters: str, passages: Sequence[str], spot: int) -> list[tuple[int, int]]:
    found = []
    for passage in passages:
        wanted = _bare(key(passage))
        starts = _starts(letters, wanted)
        if wanted and starts:
            start = min(starts, key=lambda at: abs(at - spot))
            found.append((start, start + len(wanted)))
            spot = start + len(wanted)
    return found


def _bare(letters: str) -> str:
    """Return ``letters`` without accents, one for one: å → a.

    Some files draw the ring of å as a character of its own, and then there is an a and a ring.
    """
    return "".join(unicodedata.normalize("NFKD", letter)[0] for letter in letters)


def _starts(letters: str, wanted: str) -> list[int]:
    starts, at = [], letters.find(wanted)
    while at >= 0:
        starts.append(at)
        at = letters.find(wanted, at + 1)
    return starts


def _lines(boxes: Sequence[tuple[float, float, float, float]]) -> list[Rectangle]:
    """Join the boxes of neighbouring characters; a new line begins where the text jumps back."""
    lines: list[list[float]] = []
    for left, top, right, bottom in boxes:
        line = lines[-1] if lines else None
        if line and left >= line[2] - (bottom - top) and top < line[3] and bottom > line[1]:
            line[1], line[3] = min(line[1], top), max(line[3], bottom)
            line[2] = max(line[2], right)
        else:
            lines.append([left, top, right, bottom])
    return [
        Rectangle(
            x=round(left - _PAD, 1),
            y=round(top - _PAD, 1),
            width=round(right - left + 2 * _PAD, 1),
            height=round(bottom - top + 2 * _PAD, 1),
        )
        for left, top, right, bottom in lines
    ]


def _render(original: Path, number: int, image: Path, places: Path) -> bool:
    # Run by path and with -P: the worker needs kb.text, not the website that it belongs to.
    command = [sys.executable, "-P", str(_WORKER), str(original), str(number)]
    command += [str(image), str(places)]
    environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environment["PYTHONPATH"] = str(_WORKER.parent.parent)
    with _slots:
        if image.exists() and places.exists():
            return True
        try:
            subprocess.run(  # noqa: S603 - our own module, and paths that we made
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=True,
            )
        except (subprocess.SubprocessError, OSError):
            return False
    return image.exists() and places.exists()
