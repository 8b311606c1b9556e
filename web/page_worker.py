"""Render one page of a PDF: ``python page_worker.py FILE NUMBER IMAGE PLACES``.

The only place that opens a PDF for its looks (pypdfium2). Runs as a process of its own, limited in
time, memory and output, because the file is foreign and the parser is C++. Exits with 0 when both
files are written; anything else means that there is no image.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pypdfium2

from kb.text import key

_PIXELS_PER_POINT = 2.0
_MAX_SIDE_PIXELS = 2_400
_MAX_MEMORY_BYTES = 1_500_000_000
_MAX_CPU_S = 25
_MAX_OUTPUT_BYTES = 20_000_000
_MAX_CHARS = 60_000


def main(arguments: list[str]) -> int:
    """Write the image and the places of the letters; both appear whole or not at all."""
    _limit()
    source, number, image, places = arguments
    document = pypdfium2.PdfDocument(source)
    page = document[int(number) - 1]
    width, height = page.get_size()
    scale = min(_PIXELS_PER_POINT, _MAX_SIDE_PIXELS / max(width, height))
    bitmap = page.render(scale=scale)
    picture = bitmap.to_pil().convert("RGB")
    part = Path(image + f".{os.getpid()}.part")
    picture.save(part, "WEBP", lossless=True, method=3)
    part.replace(image)
    letters, boxes = _letters(page, bitmap.get_posconv(page), scale)
    answer = {"width": width, "height": height, "letters": letters, "boxes": boxes}
    part = Path(places + f".{os.getpid()}.part")
    part.write_text(json.dumps(answer, separators=(",", ":")), encoding="utf-8")
    part.replace(places)
    return 0


def _letters(page: Any, place: Any, scale: float) -> tuple[str, list[list[float]]]:
    """Return the folded text and a box for each of its characters, as the picture shows them.

    ``place`` translates for us: a page may be turned, or its corner may not be at zero.
    """
    text = page.get_textpage()
    letters: list[str] = []
    boxes: list[list[float]] = []
    for index in range(min(text.count_chars(), _MAX_CHARS)):
        folded = key(text.get_text_range(index, 1))
        if folded:
            left, bottom, right, top = text.get_charbox(index, loose=True)
            corners = (place.to_bitmap(left, bottom), place.to_bitmap(right, top))
            xs, ys = ([point[axis] / scale for point in corners] for axis in (0, 1))
            box = [round(value, 1) for value in (min(xs), min(ys), max(xs), max(ys))]
            letters.append(folded)
            boxes += [box] * len(folded)
    return "".join(letters), boxes


def _limit() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - Windows has no such module, and no such limits

        for limit, most in (
            (resource.RLIMIT_AS, _MAX_MEMORY_BYTES),
            (resource.RLIMIT_CPU, _MAX_CPU_S),
            (resource.RLIMIT_FSIZE, _MAX_OUTPUT_BYTES),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
