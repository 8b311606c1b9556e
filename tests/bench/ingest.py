"""`make bench-ingest`: how well report files are read, measured against exact truth.

Reads every PDF of a folder with ``pdf/``, ``truth/`` (what stands in it, as JSON) and perhaps
``bad/`` (hostile files); the folder is the argument, or ``BENCH_PDF_DIR``, or our own small set.
Ends with 1 when a target is missed. Scans are measured where the programs for them are installed.
"""

import argparse
import json
import os
import platform
import re
import resource
import sys
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ingest.layout import clean_lines
from ingest.ocr import OcrState, ocr_state
from ingest.pdf import Limits, read_document
from ingest.sections import split_sections
from ingest.types import Block, Body, Role
from kb.errors import UnreadableReportError

OWN = Path(__file__).parents[1] / "ingest" / "pdfs"

MOST_CHARACTER_ERRORS = 0.005
LEAST_HEADINGS = 0.95
LEAST_HEADINGS_BY_FONT = 0.85
LEAST_BULLETS = 0.98
LEAST_UNITS = 0.95
LEAST_WORDS_OF_A_SCAN = 0.98
MOST_CPU_S = 60.0
MOST_MB = 512.0


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; nothing of nothing is all of it."""

    right: int
    of: int

    @property
    def value(self) -> float:
        return self.right / self.of if self.of else 1.0

    def __str__(self) -> str:
        return f"{self.right}/{self.of}"


@dataclass(slots=True)
class Cost:
    """What the processes started in a ``with measured()`` have used."""

    cpu_s: float = 0.0
    peak_mb: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one file was read. ``words`` is the recall of words, what counts for a scan."""

    cer: float
    words: Share
    headings: tuple[int, int, int]
    """Found and true, found, true."""
    bullets: Share
    rows: Share
    units: Share
    running_lines: int
    wrong: list[str] = field(default_factory=list)

    @property
    def heading_f1(self) -> float:
        both, found, true = self.headings
        return 2 * both / (found + true) if found + true else 1.0


# ---------------------------------------------------------------------------------------------
# Truth and score
# ---------------------------------------------------------------------------------------------


def read_body(path: Path, *, ocr: bool) -> Body:
    return split_sections(clean_lines(read_document(path, Limits(), ocr=ocr)))


def score(truth: dict[str, Any], body: Body) -> Score:
    """Compare a report as it was read with what stands in it."""
    pages = _true_pages(truth)
    read = {page.number: _same(page.text) for page in body.pages}
    wrong: list[str] = []
    words = Share(
        sum(len(_common(text, read.get(number, ""))) for number, text in pages.items()),
        sum(len(_words(text)) for text in pages.values()),
    )
    errors = 0
    for number, whole in pages.items():
        text = whole
        for aside in _asides(truth, number):  # may stand anywhere between two blocks of its page
            if aside in read.get(number, ""):
                read[number] = _same(read[number].replace(aside, "", 1))
                text = _same(text.replace(aside, "", 1))
        errors += _distance(read.get(number, ""), text)
    headings = _counted((h["page"], h["level"], _same(h["text"])) for h in truth["headings"])
    found = _found(body, Role.HEADING)
    bullets = _counted((b["page"], b["level"], _same(b["text"])) for b in truth["bullets"])
    rows = _counted(
        (table["page"], _same(" ".join(row))) for table in truth["tables"] for row in table["rows"]
    )
    found_rows = Counter((page, text) for page, _, text in _found(body, Role.TABLE_ROW).elements())
    units = _true_units(truth)
    found_units = _units_of(body.blocks)
    for name, missing in (
        ("heading missed", headings - found),
        ("heading invented", found - headings),
        ("bullet missed", bullets - _found(body, Role.BULLET)),
        ("row missed", rows - found_rows),
        ("unit missed", units - found_units),
    ):
        wrong += [f"{name}: {one}" for one in missing]
    running = _running_lines(truth, body)
    wrong += [f"running line: {text}" for text in running]
    return Score(
        cer=errors / max(1, sum(map(len, pages.values()))),
        words=words,
        headings=((headings & found).total(), found.total(), headings.total()),
        bullets=Share((bullets & _found(body, Role.BULLET)).total(), bullets.total()),
        rows=Share((rows & found_rows).total(), rows.total()),
        units=Share((units & found_units).total(), units.total()),
        running_lines=len(running),
        wrong=wrong,
    )


def _same(text: str) -> str:
    """Return ``text`` as it is compared: composed, blanks folded, hyphens and quotes alike."""
    text = unicodedata.normalize("NFC", text).replace("\u2010", "-").replace("\u00ad", "")
    return re.sub(r"\s+", " ", text).strip()


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _common(first: str, second: str) -> list[str]:
    return list((Counter(_words(first)) & Counter(_words(second))).elements())


def _counted(things: Iterable[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    return Counter(things)


def _found(body: Body, role: Role) -> Counter[tuple[Any, ...]]:
    return Counter(
        (block.spans[0].page, block.level, _same(block.text))
        for block in body.blocks
        if block.role is role
    )


def _true_pages(truth: dict[str, Any]) -> dict[int, str]:
    """Return each page's text as we keep it: no glyphs or footnote marks, footnotes last."""
    pages = {}
    for page in truth["pages"]:
        lines = iter(page["text"].split("\n"))
        body, notes = [], []
        for block in truth["blocks"]:
            if block["page"] != page["page"]:
                continue
            line = next(lines)
            if block["kind"] == "fn":
                notes.append(line)
            elif block["kind"] == "table":
                body.append(line)
                body += [next(lines) for _ in _rows_of(truth, page["page"], line)]
            elif block["kind"] == "rows":
                body += [line, *(next(lines) for _ in _rows_of(truth, page["page"], "")[1:])]
            elif block["kind"] == "box":
                body += [line, next(lines)]
            else:
                body.append(block["text"])
        pages[page["page"]] = _same(" ".join([*body, *notes]))
    return pages


def _asides(truth: dict[str, Any], page: int) -> list[str]:
    blocks = truth["blocks"]
    return [_same(b["text"]) for b in blocks if (b["kind"], b["page"]) == ("side", page)]


def _rows_of(truth: dict[str, Any], page: int, caption: str) -> list[list[str]]:
    tables = truth["tables"]
    return next(t["rows"] for t in tables if (t["page"], t["caption"]) == (page, caption))


def _true_units(truth: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    """Return paragraphs, items and boxes, whole, with the page they begin on."""
    texts: dict[str, list[str]] = {}
    places: dict[str, tuple[int, str]] = {}
    for block in truth["blocks"]:
        if block["kind"] not in {"p", "li", "box", "side"}:
            continue
        owner = block.get("cont_of") or block["id"]
        texts.setdefault(owner, []).append(block["text"])
        places.setdefault(owner, (block["page"], "li" if block["kind"] == "li" else "p"))
    return Counter((*places[one], _same(" ".join(text))) for one, text in texts.items())


def _units_of(blocks: Sequence[Block]) -> Counter[tuple[Any, ...]]:
    kinds = {Role.PARAGRAPH: "p", Role.BULLET: "li"}
    return Counter(
        (block.spans[0].page, kinds[block.role], _same(block.text))
        for block in blocks
        if block.role in kinds
    )


def _running_lines(truth: dict[str, Any], body: Body) -> list[str]:
    """Return the blocks that hold a running head, a running foot or a bare page number."""
    named = [_same(truth[name] or "") for name in ("header", "footer")]
    heads = [re.escape(name) for name in named if name and not name.startswith("Side N")]
    pattern = re.compile("|".join([*heads, r"\bSide \d+( av \d+)?\b", r"^\d{1,3}$"]))
    whole = " ".join(_true_pages(truth).values())
    first = truth["pages"][0]["page"]
    return [
        block.text
        for block in body.blocks
        if block.spans[0].page >= first and block.role is not Role.TABLE_ROW
        if any(match.group() not in whole for match in pattern.finditer(block.text))
    ]


def _distance(first: str, second: str) -> int:
    """Return the number of edits between two texts (Myers 1999, with Hyyrö's whole-text form)."""
    if not first or not second:
        return len(first) + len(second)
    places: dict[str, int] = {}
    for place, char in enumerate(first):
        places[char] = places.get(char, 0) | 1 << place
    full, last = (1 << len(first)) - 1, 1 << (len(first) - 1)
    plus, minus, edits = full, 0, len(first)
    for char in second:
        here = places.get(char, 0)
        same = here | minus
        carry = (((here & plus) + plus) ^ plus) | here
        up, down = minus | (full & ~(carry | plus)), plus & carry
        edits += bool(up & last) - bool(down & last)
        up, down = (up << 1 | 1) & full, down << 1 & full
        plus, minus = down | (full & ~(same | up)), up & same
    return edits


# ---------------------------------------------------------------------------------------------
# Cost
# ---------------------------------------------------------------------------------------------


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure the CPU time and the peak memory of the processes started in the block."""
    cost, stop = Cost(), threading.Event()
    peaks: dict[str, float] = {}
    watcher = threading.Thread(target=_watch, args=(peaks, stop))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    watcher.start()
    try:
        yield cost
    finally:
        stop.set()
        watcher.join()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cost.cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        cost.peak_mb = max(peaks.values(), default=0.0)


def _watch(peaks: dict[str, float], stop: threading.Event) -> None:
    """Note the high-water mark of each descendant's resident memory (Linux only)."""
    while not stop.wait(0.005):
        for process in _descendants("self"):
            try:
                status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
            except OSError:  # it has just ended
                continue
            mark = re.search(r"VmHWM:\s+(\d+) kB", status)
            if mark:
                peaks[process] = max(peaks.get(process, 0.0), int(mark[1]) / 1024)


def _descendants(process: str) -> Iterator[str]:
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = tasks.read_text(encoding="ascii").split()
        except OSError:
            continue
        for child in children:
            yield child
            yield from _descendants(child)


# ---------------------------------------------------------------------------------------------
# The table
# ---------------------------------------------------------------------------------------------

HEAD = (
    f"{'file':38} {'CER':>7} {'P':>5} {'R':>5} {'F1':>5} {'bullets':>8} {'rows':>6} {'units':>6} "
    f"{'running':>7} {'words':>6} {'CPU s':>6} {'MB':>4}"
)


def good_files(folder: Path, ocr: OcrState, *, verbose: bool) -> list[str]:
    """Print a row per readable file; return the targets that are missed."""
    print(HEAD)
    missed: list[str] = []
    totals: dict[str, list[Share]] = {"bullets": [], "units": []}
    for path in sorted(folder.glob("truth/*.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        file = folder / "pdf" / truth["pdf"]
        needs_ocr = bool(truth.get("scanned")) or "notounicode" in path.stem
        if needs_ocr and not ocr.is_ready:
            print(f"{path.stem:38} not measured: {ocr.problem}")
            continue
        try:
            with measured() as cost:
                result = score(truth, read_body(file, ocr=needs_ocr))
        except UnreadableReportError as error:
            print(f"{path.stem:38} {error}")
            missed.append(f"{path.stem}: {error.reason_code}")
            continue
        _print_row(path.stem, result, cost)
        if verbose:
            print(*(f"    {line}" for line in result.wrong), sep="\n")
        missed += [f"{path.stem}: {one}" for one in _missed(truth, result, is_ocr=needs_ocr)]
        if not needs_ocr:
            totals["bullets"].append(result.bullets)
            totals["units"].append(result.units)
    for name, least in (("bullets", LEAST_BULLETS), ("units", LEAST_UNITS)):
        total = Share(sum(s.right for s in totals[name]), sum(s.of for s in totals[name]))
        print(f"{name} of all files that need no OCR: {total} = {total.value:.3f}")
        if total.value < least:
            missed.append(f"{name} {total.value:.3f} < {least}")
    return missed


def _print_row(name: str, result: Score, cost: Cost) -> None:
    both, found, true = result.headings
    print(
        f"{name:38} {result.cer:7.4f} "
        f"{Share(both, found).value:5.2f} {Share(both, true).value:5.2f} "
        f"{result.heading_f1:5.2f} {result.bullets!s:>8} {result.rows!s:>6} {result.units!s:>6} "
        f"{result.running_lines:7} {result.words.value:6.3f} {cost.cpu_s:6.2f} {cost.peak_mb:4.0f}"
    )


def _missed(truth: dict[str, Any], result: Score, *, is_ocr: bool) -> Iterator[str]:
    if is_ocr:
        if result.words.value < LEAST_WORDS_OF_A_SCAN:
            yield f"word recall {result.words.value:.3f} < {LEAST_WORDS_OF_A_SCAN}"
        return
    least = LEAST_HEADINGS_BY_FONT if truth.get("font_only") else LEAST_HEADINGS
    if result.cer > MOST_CHARACTER_ERRORS:
        yield f"CER {result.cer:.4f} > {MOST_CHARACTER_ERRORS}"
    if result.heading_f1 < least:
        yield f"headings F1 {result.heading_f1:.2f} < {least}"
    if result.bullets.value < LEAST_BULLETS:
        yield f"bullets {result.bullets}"
    if result.units.value < LEAST_UNITS:
        yield f"units {result.units}"
    if result.running_lines:
        yield f"{result.running_lines} running lines left"


def hostile_files(folder: Path) -> list[str]:
    """Print what came of each hostile file; return the targets that are missed."""
    files = sorted(folder.glob("bad/*.pdf"))
    missed: list[str] = []
    if files:
        print(f"\n{'hostile file':38} {'status':38} {'CPU s':>6} {'s':>6} {'MB':>4}")
    for path in files:
        started = time.perf_counter()
        with measured() as cost:
            try:
                document = read_document(path, Limits())
                problems = sum(page.problem is not None for page in document.pages)
                status = f"read, {len(document.pages)} pages, {problems} with a problem"
            except UnreadableReportError as error:
                status = error.reason_code
        took = time.perf_counter() - started
        print(f"{path.stem:38} {status:38} {cost.cpu_s:6.2f} {took:6.2f} {cost.peak_mb:4.0f}")
        if cost.cpu_s > MOST_CPU_S or cost.peak_mb > MOST_MB:
            missed.append(f"{path.stem}: {cost.cpu_s:.0f} s CPU, {cost.peak_mb:.0f} MB")
    return missed


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path, help="a folder with pdf/ and truth/")
    arguments.add_argument("--verbose", action="store_true", help="name what was read wrongly")
    given = arguments.parse_args()
    folder = given.folder or Path(os.environ.get("BENCH_PDF_DIR") or OWN)
    if not any(folder.glob("truth/*.json")):
        sys.exit(f"{folder} holds no truth/*.json")
    ocr = ocr_state()
    print(f"machine: {os.cpu_count()} cores, {platform.machine()}, {platform.platform()}")
    packages = (f"{name} {version(name)}" for name in ("pypdf", "pypdfium2"))
    print("versions: python", platform.python_version(), *packages, f"OCR {ocr.version or 'none'}")
    missed = good_files(folder, ocr, verbose=given.verbose) + hostile_files(folder)
    print(*(["\nmissed:", *missed] if missed else ["\nall targets reached"]), sep="\n  ")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
