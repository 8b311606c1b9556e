"""Text recognition: which pages, how the result is merged, and what a program may do to us."""

import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter

from ingest.layout import clean_lines
from ingest.ocr import OcrLimits, ocr_state, recognise
from ingest.pdf import Limits, derived_name, read_document
from ingest.types import RawDocument, RawLine, RawPage, Role
from kb.errors import OcrUnavailableError, Unreadable, UnreadableReportError
from tests.ingest.conftest import Text, a_column, write_pdf
from tests.ingest.test_pdf import children

SENTENCE = "Styret i Tenkevik møttes hver måned, og det ga programmet fart og ro."
PRINTED = [Text(SENTENCE, 70, 730 - 15 * line) for line in range(4)]
RECOGNISED = [Text(f"Lest {SENTENCE}", 70, 730 - 15 * line) for line in range(4)]

needs_programs = pytest.mark.skipif(
    not ocr_state().is_ready, reason=f"text recognition is not installed: {ocr_state().problem}"
)


# ---- the files and the programs of these tests


def a_picture(path: Path, text: str = "") -> Path:
    """Write a PDF of one page that is nothing but a picture of ``text``, at 150 dpi."""
    picture = Image.new("L", (1240, 1754), "white")
    ImageDraw.Draw(picture).text((150, 200), text, font=ImageFont.load_default(size=30))
    picture.save(path, "PDF", resolution=150)
    return path


def joined(target: Path, *parts: Path) -> Path:
    writer = PdfWriter()
    for part in parts:
        writer.append(PdfReader(part))
    writer.write(target)
    return target


@pytest.fixture
def printed(tmp_path: Path) -> Path:
    path = tmp_path / "printed.pdf"
    path.write_bytes(write_pdf([PRINTED]))
    return path


@pytest.fixture
def mixed(tmp_path: Path, printed: Path) -> Path:
    """Two printed pages, a scanned one between them."""
    return joined(tmp_path / "mixed.pdf", printed, a_picture(tmp_path / "p.pdf"), printed)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Put programs of our own in the place of ocrmypdf and tesseract; return the folder's log."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "calls.txt"

    def install(body: str, languages: str = "eng\\nnor\\nosd") -> Path:
        write_program(
            folder / "ocrmypdf",
            f"if '--version' in sys.argv: print('14.0'); sys.exit()\n"
            f"open({str(log)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n{body}",
        )
        write_program(folder / "tesseract", f"print('{languages}')")
        monkeypatch.setenv("PATH", str(folder))
        return log

    return install


def write_program(path: Path, body: str) -> None:
    path.write_text(f"#!{sys.executable} -I\nimport os, sys, time, shutil\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def that_writes(tmp_path: Path, pages: int) -> str:
    """Return the body of a program that answers with a PDF of so many recognised pages."""
    answer = tmp_path / "answer.pdf"
    answer.write_bytes(write_pdf([RECOGNISED] * pages))
    return f"shutil.copy({str(answer)!r}, sys.argv[-1])"


def reason_of(path: Path, **options: object) -> Unreadable:
    with pytest.raises(UnreadableReportError) as caught:
        read_document(path, Limits(), ocr=True, **options)  # type: ignore[arg-type]
    return caught.value.reason


# ---- what is asked for, and what is merged


def test_only_the_pages_that_are_pictures_are_recognised(tmp_path, programs, mixed):
    log = programs(that_writes(tmp_path, pages=3))

    document = read_document(mixed, Limits(), ocr=True)

    assert "--skip-text --pages 2 " in log.read_text()
    assert [page.is_ocr for page in document.pages] == [False, True, False]
    assert [page.lines[0].text[:4] for page in document.pages] == ["Styr", "Lest", "Styr"]
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert document.derived == (tmp_path / "answer.pdf").read_bytes()


def test_a_page_with_text_that_is_no_language_is_drawn_anew(tmp_path, programs, printed):
    garbled = tmp_path / "garbled.pdf"
    garbled.write_bytes(
        write_pdf([[Text("Tcpwvt qhh gpkvuu " * 5, 70, 760 - 15 * line) for line in range(30)]])
    )
    log = programs(that_writes(tmp_path, pages=3))

    document = read_document(
        joined(tmp_path / "r.pdf", printed, garbled, printed), Limits(), ocr=True
    )

    assert "--force-ocr --pages 2 " in log.read_text()
    assert [page.problem for page in document.pages] == [None, None, None]


def test_without_ocr_the_page_keeps_its_problem_and_a_scanned_file_is_refused(tmp_path, mixed):
    scanned = a_picture(tmp_path / "scan.pdf")

    document = read_document(mixed, Limits())

    assert [page.problem for page in document.pages] == [None, "no-text", None]
    assert document.derived is None
    with pytest.raises(UnreadableReportError) as caught:
        read_document(scanned, Limits())
    assert caught.value.reason is Unreadable.NEEDS_OCR


def test_a_file_without_pictures_needs_no_programs(monkeypatch, printed):
    monkeypatch.setenv("PATH", "/nowhere")

    assert read_document(printed, Limits(), ocr=True).derived is None


def test_the_recognised_form_is_kept_and_found_again(tmp_path, programs, mixed):
    kept = tmp_path / "derived"
    log = programs(that_writes(tmp_path, pages=3))

    first = read_document(mixed, Limits(), ocr=True, kept=kept)
    again = read_document(mixed, Limits(), ocr=True, kept=kept)

    assert again == first
    assert [path.name for path in kept.iterdir()] == [derived_name(mixed)]
    assert len(log.read_text().splitlines()) == 1


def test_a_kept_form_that_is_damaged_is_made_anew(tmp_path, programs, mixed):
    kept = tmp_path / "derived"
    kept.mkdir()
    (kept / derived_name(mixed)).write_bytes(b"%PDF-1.7 half a file")
    programs(that_writes(tmp_path, pages=3))

    assert read_document(mixed, Limits(), ocr=True, kept=kept).pages[1].is_ocr


def test_progress_is_told_and_may_stop_the_work(programs, mixed):
    programs("time.sleep(60)")
    before, started = children(), time.monotonic()

    def lost_the_job(done: int, of: int) -> None:
        assert (done, of) == (0, 1)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        read_document(mixed, Limits(), ocr=True, progress=lost_the_job)

    assert time.monotonic() - started < 10
    assert children() <= before


def test_progress_counts_the_pages_that_ocrmypdf_reports(tmp_path, programs, mixed):
    seen: list[tuple[int, int]] = []
    programs(f"print('    2 Grafting', flush=True)\n{that_writes(tmp_path, pages=3)}")

    read_document(mixed, Limits(), ocr=True, progress=lambda done, of: seen.append((done, of)))

    assert seen[-1] == (1, 1)


# ---- what is missing, and what goes wrong


def test_a_missing_program_has_a_code_of_its_own(monkeypatch, mixed):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(OcrUnavailableError, match="ocrmypdf") as caught:
        read_document(mixed, Limits(), ocr=True)

    assert caught.value.reason_code == "ocr-unavailable"


def test_a_missing_language_is_found_before_anything_is_run(tmp_path, programs, mixed):
    log = programs(that_writes(tmp_path, pages=3), languages="eng\\nosd")

    with pytest.raises(OcrUnavailableError, match="nor"):
        read_document(mixed, Limits(), ocr=True)

    assert not log.exists()
    assert not ocr_state().is_ready


def test_a_program_that_does_not_start_is_not_ready(programs):
    programs("")
    Path(os.environ["PATH"], "ocrmypdf").write_text("#!/nowhere/python\n")

    assert ocr_state().problem == "ocrmypdf does not start"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("sys.exit('no such font')", Unreadable.OCR_FAILED, id="it gives up"),
        pytest.param("os.kill(os.getpid(), 11)", Unreadable.OCR_FAILED, id="it crashes"),
        pytest.param("pass", Unreadable.OCR_FAILED, id="it writes nothing"),
        pytest.param(
            "open(sys.argv[-1], 'w').write('<html>')", Unreadable.OCR_FAILED, id="rubbish"
        ),
        pytest.param("sys.exit(8)", Unreadable.ENCRYPTED, id="the file is encrypted"),
        pytest.param("bytearray(3 << 30)", Unreadable.OCR_FAILED, id="it wants too much memory"),
        pytest.param("print('x' * 9_000_000); sys.exit(1)", Unreadable.OCR_FAILED, id="it babbles"),
    ],
)
def test_what_the_program_does_wrong_has_a_name(programs, mixed, body, reason):
    programs(body)

    assert reason_of(mixed) is reason


def test_another_number_of_pages_is_refused(tmp_path, programs, mixed):
    programs(that_writes(tmp_path, pages=2))

    assert reason_of(mixed) is Unreadable.OCR_FAILED


def test_a_program_that_never_ends_is_stopped_with_all_it_has_started(programs, mixed):
    programs("os.fork()\ntime.sleep(60)")
    before, started = children(), time.monotonic()

    assert reason_of(mixed, ocr_limits=OcrLimits(wall_s=1.5)) is Unreadable.LIMIT

    assert time.monotonic() - started < 15
    assert children() <= before
    assert not sleeping_programs()


def sleeping_programs() -> list[str]:
    """Return the processes that still run the program of these tests."""
    folder = os.environ["PATH"]
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_text())
        except OSError:
            continue
    return [line for line in lines if folder in line]


def test_a_picture_that_is_too_large_is_never_handed_over(tmp_path, programs, mixed):
    log = programs(that_writes(tmp_path, pages=3))

    assert reason_of(mixed, ocr_limits=OcrLimits(page_mpixels=1)) is Unreadable.LIMIT
    assert not log.exists()


def test_a_scan_in_which_nothing_is_found_is_refused(tmp_path, programs):
    scanned = a_picture(tmp_path / "scan.pdf")
    programs("shutil.copy(sys.argv[-2], sys.argv[-1])")

    assert reason_of(scanned) is Unreadable.OCR_FAILED


# ---- the real programs


@needs_programs
def test_a_scanned_page_is_read_by_the_real_programs(tmp_path):
    text = "Programmet hadde to ledere.\nDet ga kontinuitet og mer fart.\nStyret var fornøyd."
    scanned = a_picture(tmp_path / "scan.pdf", text)

    data = recognise(scanned, pictures=[1], redrawn=[], limits=OcrLimits())
    document = read_document(scanned, Limits(), ocr=True)

    assert data.startswith(b"%PDF-")
    assert "to ledere" in " ".join(line.text for line in document.pages[0].lines)


@needs_programs
def test_a_file_that_is_no_pdf_is_refused_by_the_real_programs(tmp_path):
    path = tmp_path / "r.pdf"
    path.write_bytes(b"%PDF-1.7 and nothing more")

    with pytest.raises(UnreadableReportError) as caught:
        recognise(path, pictures=[1], redrawn=[], limits=OcrLimits())

    assert caught.value.reason is Unreadable.OCR_FAILED


# ---- what is mended on a recognised page


def a_scan(*lines: RawLine) -> RawDocument:
    page = RawPage(number=1, label=None, width=595, height=842, lines=lines, is_ocr=True)
    return RawDocument(pages=(page,))


BODY = a_column(*[f"{SENTENCE} Og så videre." for _ in range(4)], top=700)


@pytest.mark.parametrize("glyph", ["*", "e", "e —", "¢", "* —", "«", "*»", "•"])
def test_a_bullet_read_as_a_letter_is_a_bullet(glyph):
    items = a_column(f"{glyph} Hold styret lite.", f"{glyph} Vær to.", x=86, top=600)

    lines = clean_lines(a_scan(*BODY, *items)).lines

    assert [line.text for line in lines if line.role is Role.BULLET] == [
        "Hold styret lite.",
        "Vær to.",
    ]


def test_bullets_that_were_not_seen_are_told_by_the_indent():
    items = a_column(
        "Hold styret lite.", "Vær to fra den første dagen, og skriv ned", x=100, top=600
    )
    rest = a_column("hva som er avtalt.", x=100, top=570)

    lines = clean_lines(a_scan(*BODY, *items, *rest)).lines
    found = [(line.text, line.starts_block) for line in lines if line.role is Role.BULLET]

    assert found == [
        ("Hold styret lite.", True),
        ("Vær to fra den første dagen, og skriv ned", True),
        ("hva som er avtalt.", False),
    ]


def test_a_printed_page_keeps_its_stars_and_letters():
    page = RawPage(
        number=1, label=None, width=595, height=842,
        lines=(*BODY, *a_column("* Hold styret lite.", "e Vær to.", x=86, top=600)),
    )  # fmt: skip

    lines = clean_lines(RawDocument(pages=(page,))).lines

    assert not [line for line in lines if line.role is Role.BULLET]


def test_sizes_that_waver_do_not_make_a_heading_or_a_note():
    wavering = [RawLine(text=line.text, x=70, y=line.y, size=11 + n % 3 - 1, width=400)
                for n, line in enumerate(a_column(*[SENTENCE] * 6, top=700))]  # fmt: skip

    roles = {line.role for line in clean_lines(a_scan(*wavering)).lines}

    assert roles == {Role.PARAGRAPH}
