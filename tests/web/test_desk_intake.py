"""Bringing files in: what is taken, what is refused and why, and the row of each file."""

import hashlib
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from ingest import OcrState
from ingest.work import Worker
from kb.config import Config
from kb.desk import Desk, Edit
from kb.domain import Phase, ReportStatus
from kb.store import Job, JobState, Store
from tests.web.conftest import site_over
from tests.web.staff import send, token
from tests.web.tiny_pdf import tiny_pdf
from tests.web.world import CORPUS, World
from web.views import intake as view
from web.views.intake import file_name

REPORT = tiny_pdf(
    [
        ["Sluttrapport for Nye Tenkevik 2016-2021", "Oppdiktet eksempel"],
        [
            "1 Erfaringer",
            "Vi anbefaler at neste program avtaler rollene med næringshagen før oppstart.",
            "Styret burde ha møttes oftere enn fire ganger i året, for mange saker ble liggende.",
        ],
    ]
)
Put = Callable[..., Job]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    home = tmp_path_factory.mktemp("intake") / "home"
    return Config(home=home, corpus=CORPUS, max_file_mb=1)


@pytest.fixture(scope="module")
def site(config: Config, world: World) -> Flask:
    return site_over(config, world.encoder)


@pytest.fixture
def app(site: Flask, config: Config, staffed: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Return the site over a base that no test has touched."""
    monkeypatch.setattr(view, "_ocr", lambda _period: OcrState())
    secret = (config.home / "secret").read_text("ascii")
    shutil.rmtree(config.home)
    shutil.copytree(staffed, config.home)
    (config.home / "secret").write_text(secret, "ascii")
    return site


@pytest.fixture
def home(app: Flask, config: Config) -> Path:
    return config.home


@pytest.fixture
def put(store: Store) -> Put:
    """Return a way to queue a file as if it had been sent."""

    def queue(original: bytes = REPORT, file: str = "rapport.pdf", **wishes: object) -> Job:
        sha256 = hashlib.sha256(original).hexdigest()
        return store.jobs.put(sha256=sha256, file=file, original=original, by="kari", **wishes)

    return queue


def upload(client: FlaskClient, *files: tuple[str, bytes], **form: str) -> TestResponse:
    """Send files as the form does."""
    sent = [FileStorage(io.BytesIO(data), filename=name) for name, data in files]
    form = {"csrf_token": token(client, "/desk/inn"), "filer": sent, **form}
    boundary, data = encode_multipart(form)  # all in memory: the client's own way leaves files open
    return client.post(
        "/desk/inn", data=data, content_type=f"multipart/form-data; boundary={boundary}"
    )


def row(client: FlaskClient, job: Job) -> str:
    """Return the row of a file as the page shows it."""
    page = client.get("/desk/inn").text
    return page.split(f'id="job-{job.id}">')[1].split("</li>")[0]


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def buttons(html: str) -> list[str]:
    """Return what the buttons of a row do, without the file name that only screen readers hear."""
    return [
        words(re.sub(r'<span class="ds-sr-only">.*?</span>', "", inner))
        for inner in re.findall(r"<button[^>]*>(.*?)</button>", html, re.S)
    ]


# ---- sending


def test_each_file_becomes_a_job_of_the_one_who_sent_it(editor: FlaskClient, store: Store):
    answer = upload(editor, ("a.pdf", REPORT), ("b.pdf", REPORT + b"\n"))

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/desk/inn#jobber"
    jobs = store.jobs.list()
    assert {(job.file, job.state, job.by, job.with_ocr) for job in jobs} == {
        ("a.pdf", JobState.QUEUED, "kari", False),
        ("b.pdf", JobState.QUEUED, "kari", False),
    }
    assert [store.jobs.original_path(job).read_bytes() for job in jobs if job.file == "a.pdf"] == [
        REPORT
    ]


def test_the_same_file_twice_waits_once(editor: FlaskClient, store: Store):
    upload(editor, ("a.pdf", REPORT))
    upload(editor, ("a kopi.pdf", REPORT))

    assert len(store.jobs.list()) == 1


def test_wishes_go_with_the_file(editor: FlaskClient, store: Store, world: World):
    upload(editor, ("a.pdf", REPORT), ocr="1", utgave=world.reports["fjellvik"])

    [job] = store.jobs.list()
    assert job.with_ocr
    assert job.edition_of == world.reports["fjellvik"]
    assert not job.publish, "a person decides"


@pytest.mark.parametrize(
    ("files", "utgave", "told"),
    [
        pytest.param([], "", "Velg minst én fil.", id="nothing chosen"),
        pytest.param([("", b"")], "", "Velg minst én fil.", id="an empty field"),
        pytest.param(
            [("a.pdf", REPORT), ("b.pdf", b"%PDF")], "fjellvik", "Velg bare én fil", id="two"
        ),
        pytest.param([("a.pdf", REPORT)], "000000000000", "kan ikke få en ny", id="unknown"),
        pytest.param([("a.pdf", REPORT)], "' OR 1=1", "kan ikke få en ny", id="nonsense"),
    ],
)
def test_what_cannot_be_taken_is_said_at_the_field(
    editor: FlaskClient,
    store: Store,
    world: World,
    files: list[tuple[str, bytes]],
    utgave: str,
    told: str,
):
    answer = upload(editor, *files, utgave=world.reports.get(utgave, utgave))

    assert answer.status_code == 422
    assert told in words(answer.text.split('id="files-problem">')[1].split("</p>")[0])
    assert 'aria-invalid="true"' in answer.text
    assert store.jobs.list() == ()


def test_a_file_that_is_too_large_is_named_and_the_others_are_taken(
    editor: FlaskClient, store: Store
):
    answer = upload(editor, ("stor.pdf", b"%PDF" + b"x" * 1_000_000), ("liten.pdf", REPORT))

    assert answer.status_code == 422
    alert = words(answer.text.split('role="alert">')[1].split("</div>")[0])
    assert alert.startswith(
        "1 fil ble ikke lagt inn stor.pdf : Filen er større enn det vi tar imot"
    )
    assert [job.file for job in store.jobs.list()] == ["liten.pdf"]


def test_more_than_can_be_taken_at_once_is_refused_with_its_own_sentence(
    editor: FlaskClient, store: Store
):
    answer = upload(editor, *((f"{n}.pdf", b"%PDF" + b"x" * 999_000) for n in range(11)))

    assert answer.status_code == 413
    assert "Filene er til sammen større enn 10 MB." in answer.text
    assert "Ingen er lagt inn." in answer.text
    assert store.jobs.list() == ()


@pytest.mark.parametrize("path", ["/inn", "/desk/jobber/rydd", "/ut"])
def test_other_forms_stay_small(editor: FlaskClient, path: str):
    answer = editor.post(path, data={"csrf_token": "x" * 20_000})

    assert answer.status_code == 413
    assert "Skjemaet er større enn vi tar imot" in answer.text


def test_a_stranger_cannot_send_files(app: Flask, store: Store):
    client = app.test_client()
    data = {"csrf_token": token(client), "filer": (io.BytesIO(REPORT), "a.pdf")}

    answer = client.post("/desk/inn", data=data, content_type="multipart/form-data")

    assert answer.status_code == 401
    assert store.jobs.list() == ()


# ---- names

HOSTILE = [
    "../../../etc/passwd",
    "..\\..\\windows\\system32\\a.pdf",
    "/etc/shadow",
    "C:\\Users\\kari\\rapport.pdf",
    "....//....//a.pdf",
    "a/../../b.pdf",
    "..",
    ".",
    "...",
    "/",
    "\\",
    "   ",
    ".pdf",
    ".htaccess",
    "a\0.pdf",
    "a\n\r.pdf",
    "a\x1b[31m.pdf",
    "fdp.\u202eexe.pdf",
    "\u200b\u200e.pdf",
    "<script>alert(1)</script>.pdf",
    '"><img src=x onerror=alert(1)>.pdf',
    "' onmouseover='alert(1).pdf",
    "{{ 7*7 }}.pdf",
    "%2e%2e%2fa.pdf",
    "%s%n%(x)s.pdf",
    "CON.pdf",
    "a.pdf:stream",
    "a" * 5_000 + ".pdf",
    "å" * 300 + ".pdf",
    "a." + "b" * 300,
    "rapport.pdf.exe",
    "-rf.pdf",
    "$(id).pdf",
    "a\u0308rlig.pdf",
]


def test_a_hostile_name_is_only_a_word_on_the_page(editor: FlaskClient, store: Store, home: Path):
    """Sent as a malicious program would, with nothing escaped but the quote that ends the name."""
    sent, field = 0, token(editor, "/desk/inn")
    before = {path for path in home.parent.rglob("*") if path.is_file()}
    for name in HOSTILE:
        answer = editor.post(
            "/desk/inn",
            data=body(name.replace('"', "%22"), REPORT, field),
            content_type="multipart/form-data; boundary=b",
        )
        assert answer.status_code in {303, 422}, name
        jobs = store.jobs.list()
        sent += len(jobs)
        assert all(job.file == file_name(job.file) for job in jobs), name
        page = editor.get("/desk/inn").text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49.pdf" not in page
        assert not re.search(r"<[^>]*\son\w+=", page), name
        for job in jobs:
            store.jobs.cancel(job.id)
            store.jobs.forget(job.id)

    left = {path for path in home.parent.rglob("*") if path.is_file()} - before
    assert sent > 25, "most of them are taken, under a tamed name"
    assert {path.name for path in left} <= {f"erfaringsbanken.db-{kind}" for kind in ("wal", "shm")}


def body(name: str, data: bytes, field: str) -> bytes:
    """Return a form of one file as it travels."""
    head = f'--b\r\nContent-Disposition: form-data; name="filer"; filename="{name}"\r\n\r\n'
    rest = f'\r\n--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{field}\r\n--b--'
    return head.encode() + data + rest.encode()


@given(st.text(max_size=400))
def test_a_name_is_short_printable_and_of_no_folder(name: str):
    shown = file_name(name)

    assert 0 < len(shown) <= 120
    assert shown.isprintable()
    assert not set(shown) & set("/\\")
    assert shown not in {".", ".."}
    assert file_name(shown) == shown


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Sluttrapport Å 2021.pdf", "Sluttrapport Å 2021.pdf"),
        ("C:\\fakepath\\rapport.pdf", "rapport.pdf"),
        ("A\u030a.pdf", "Å.pdf"),
        ("x" * 200 + ".pdf", "x" * 116 + ".pdf"),
        ("", "rapport"),
    ],
)
def test_a_name_is_kept_as_people_know_it(sent: str, shown: str):
    assert file_name(sent) == shown


# ---- the row of a file


def test_a_file_that_waits_can_be_cancelled(editor: FlaskClient, store: Store, put: Put):
    job = put()

    shown = row(editor, job)
    assert "Står i kø" in shown
    assert buttons(shown) == ["Avbryt"]
    answer = send(editor, f"/desk/jobb/{job.id}/avbryt")

    assert answer.headers["Location"] == "/desk/inn#jobber"
    assert store.jobs.get(job.id).state is JobState.CANCELLED
    assert buttons(row(editor, job)) == ["Prøv igjen", "Fjern fra lista"]


def test_a_file_under_way_tells_step_and_percent_in_words(
    editor: FlaskClient, store: Store, put: Put
):
    job = put()
    store.jobs.claim("w", 60)
    store.jobs.beat(job, "w", stage="embed", progress=0.62, lease_s=60)

    shown = row(editor, job)

    assert '<progress max="100" value="62"' in shown
    assert "Gjør teksten søkbar, 62 prosent" in words(shown)


def test_every_step_of_the_way_has_words(editor: FlaskClient, store: Store, put: Put):
    from ingest.pipeline import STAGES

    job = put()
    store.jobs.claim("w", 60)
    told = set()
    for stage in STAGES:
        store.jobs.beat(job, "w", stage=stage, progress=0.5, lease_s=60)
        told.add(re.search(r"<span>(.*?), 50 prosent</span>", row(editor, job))[1])

    assert len(told) == len(STAGES)
    assert "Begynner" not in told


@pytest.mark.parametrize("with_ocr", [True, False])
def test_a_scan_can_be_read_again_with_text_recognition_where_it_is_installed(
    editor: FlaskClient,
    store: Store,
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
    *,
    with_ocr: bool,
):
    state = OcrState() if with_ocr else OcrState(problem="tesseract is not installed")
    monkeypatch.setattr(view, "_ocr", lambda _period: state)
    job = put()
    store.jobs.claim("w", 60)
    store.jobs.fail(job, "w", "unreadable-report.needs-ocr", "2 of 2 pages")

    shown, page = row(editor, job), editor.get("/desk/inn").text

    assert "PDF-en er skannet og mangler tekst." in shown
    assert "unreadable-report.needs-ocr" in shown
    assert ("Prøv igjen med tekstgjenkjenning" in buttons(shown)) == with_ocr
    assert ('name="ocr"' in page.split('id="jobber"')[0]) == with_ocr
    assert ("ocrmypdf, tesseract-ocr-nor" in page) != with_ocr
    send(editor, f"/desk/jobb/{job.id}/igjen", ocr="1")
    again = store.jobs.get(job.id)
    assert (again.state, again.with_ocr) == (JobState.QUEUED, True)


@pytest.mark.parametrize("code", ["unreadable-report.damaged", "internal", "job-attempts", "gone"])
def test_an_error_stays_in_words_until_somebody_acts(
    editor: FlaskClient, store: Store, put: Put, code: str
):
    job = put()
    store.jobs.claim("w", 60)
    store.jobs.fail(job, "w", code, "Traceback /srv/secret")

    shown = row(editor, job)

    assert "Stoppet" in shown
    assert code in shown
    assert "/srv/secret" not in shown
    assert buttons(shown) == ["Prøv igjen", "Fjern fra lista"]
    assert "1 fil stoppet" in editor.get("/desk").text
    send(editor, f"/desk/jobb/{job.id}/fjern")
    assert store.jobs.list() == ()


def test_the_same_bytes_lead_to_the_report_that_is_there(
    editor: FlaskClient, store: Store, put: Put, world: World
):
    fjellvik = world.reports["fjellvik"]
    job = put(store.original_path(fjellvik).read_bytes())
    store.jobs.claim("w", 60)
    store.jobs.fail(job, "w", "already-ingested", "x", report_id=fjellvik)

    shown = row(editor, job)

    assert "Ligger her fra før" in shown
    assert f'href="/desk/rapport/{fjellvik}"' in shown
    assert buttons(shown) == ["Fjern fra lista"]
    assert "stoppet" not in editor.get("/desk").text


def test_the_same_words_in_another_file_can_be_a_new_edition(
    editor: FlaskClient, store: Store, put: Put, world: World
):
    fjellvik = world.reports["fjellvik"]
    job = put()
    store.jobs.claim("w", 60)
    store.jobs.fail(job, "w", "already-ingested", "x", report_id=fjellvik)

    shown = row(editor, job)

    assert "med de samme ordene" in shown
    assert "Legg inn som ny utgave" in buttons(shown)
    send(editor, f"/desk/jobb/{job.id}/igjen", utgave=fjellvik)
    again = store.jobs.get(job.id)
    assert (again.state, again.edition_of) == (JobState.QUEUED, fjellvik)


def test_a_report_in_the_trash_is_restored_from_the_row_of_its_duplicate(
    editor: FlaskClient, store: Store, put: Put, world: World
):
    fjellvik = world.reports["fjellvik"]
    Desk(store, lambda: world.encoder, "kari").trash(fjellvik, store.report(fjellvik).version)
    job = put()
    store.jobs.claim("w", 60)
    store.jobs.fail(job, "w", "already-ingested", "x", report_id=fjellvik)

    shown = row(editor, job)

    assert "i papirkurven" in shown
    assert f'href="/desk/rapport/{fjellvik}"' in shown
    assert buttons(shown) == ["Gjenopprett", "Fjern fra lista"]
    version = re.search(r'name="versjon" value="(\d+)"', shown)[1]
    send(editor, f"/desk/rapport/{fjellvik}/gjenopprett", versjon=version)
    assert store.report(fjellvik).status is ReportStatus.CANDIDATE
    assert buttons(row(editor, job)) == ["Legg inn som ny utgave", "Fjern fra lista"]


def test_a_file_is_read_in_to_its_end(
    editor: FlaskClient, store: Store, config: Config, world: World
):
    upload(editor, ("tenkevik.pdf", REPORT))
    [job] = store.jobs.list()
    Worker(config, lambda: world.encoder).run_once(store)

    done = store.jobs.get(job.id)
    shown = row(editor, job)
    assert done.state is JobState.DONE, done.error_code
    proposals = len(store.lesson_ids(report_id=done.report_id))
    assert proposals > 0
    assert f"{proposals} forslag å ta stilling til" in words(shown)
    assert f'href="/desk/rapport/{done.report_id}"' in shown
    assert "Gå gjennom forslagene" in words(shown)
    assert store.report(done.report_id).status is ReportStatus.CANDIDATE
    assert editor.get(f"/desk/rapport/{done.report_id}").status_code == 200


def test_pages_with_problems_are_listed(
    editor: FlaskClient,
    store: Store,
    put: Put,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
):
    job = put()
    store.jobs.claim("w", 60)
    store.jobs.done(job, "w", world.reports["kladd"], {"read": 61_500.0})
    monkeypatch.setattr("web.intake._problems", lambda *_: ((3, "no-text"), (9, "unreadable")))

    shown = words(row(editor, job))

    assert "2 sider ble ikke lest som de skulle: side 3 har ingen tekst, trolig skannet;" in shown
    assert "side 9 kan ikke leses" in shown
    assert "1 min 2 sek" in shown


def test_scanned_pages_of_a_report_nobody_has_decided_about_can_be_read_with_ocr(
    editor: FlaskClient,
    store: Store,
    put: Put,
    world: World,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
):
    put()
    job = Worker(config, lambda: world.encoder).run_once(store)
    monkeypatch.setattr("web.intake._problems", lambda *_: ((2, "no-text"),))
    asked = "Les skannede sider med OCR"
    monkeypatch.setattr(view, "_ocr", lambda _period: OcrState(problem="not installed"))
    assert asked not in buttons(row(editor, job))
    monkeypatch.setattr(view, "_ocr", lambda _period: OcrState())
    assert asked in buttons(row(editor, job))

    first = next(iter(store.lessons(store.lesson_ids(report_id=job.report_id)).values()))
    desk = Desk(store, lambda: world.encoder, "kari")
    change = desk.edit(first.id, first.version, Edit(phase=Phase.AVSLUTNING))
    send(editor, f"/desk/jobb/{job.id}/igjen", ocr="1")
    assert store.jobs.get(job.id).state is JobState.DONE
    assert "Noen har alt arbeidet med rapporten." in editor.get("/desk/inn").text

    desk.undo(change)
    send(editor, f"/desk/jobb/{job.id}/igjen", ocr="1")

    again = store.jobs.get(job.id)
    assert (again.state, again.with_ocr) == (JobState.QUEUED, True)


def test_what_can_be_no_edition_is_refused_and_can_be_read_as_a_report_of_its_own(
    editor: FlaskClient, store: Store, put: Put
):
    job = put(edition_of="0" * 12)
    store.jobs.claim("w", 60)
    store.jobs.fail(job, "w", "not-found", "no report", took_ms={"read": 2_000.0})
    shown = row(editor, job)
    assert "Prøv igjen uten utgave" in buttons(shown)
    assert "2 sek" in words(shown)

    send(editor, f"/desk/jobb/{job.id}/igjen", utgave="1" * 12)
    assert store.jobs.get(job.id).state is JobState.FAILED
    send(editor, f"/desk/jobb/{job.id}/igjen", uten_utgave="1")

    again = store.jobs.get(job.id)
    assert (again.state, again.edition_of) == (JobState.QUEUED, None)


def test_a_wish_too_late_for_the_worker_is_told(editor: FlaskClient, store: Store, put: Put):
    put()
    store.jobs.claim("w", 60)

    answer = upload(editor, ("rapport.pdf", REPORT), ocr="1")

    assert answer.status_code == 422
    assert "Filen leses inn nå, uten det du ba om." in words(answer.text)


def test_a_report_much_like_another_can_be_linked_as_its_new_edition(
    editor: FlaskClient, store: Store, config: Config, world: World
):
    lines = [
        "Vi anbefaler at neste program avtaler rollene med næringshagen før oppstart.",
        "Styret burde ha møttes oftere enn fire ganger i året, for mange saker ble liggende.",
        "Programleder burde vært ansatt tidligere, for det første året gikk uten framdrift.",
    ]
    older = tiny_pdf([["Sluttrapport for Nye Tenkevik", *lines]])
    newer = tiny_pdf([["Sluttrapport for Nye Tenkevik, rettet", *lines, "Rettet på side 1."]])
    worker = Worker(config, lambda: world.encoder)
    for name, data in (("eldre.pdf", older), ("nyere.pdf", newer)):
        upload(editor, (name, data))
        worker.run_once(store)
    job, other = sorted(store.jobs.list(), key=lambda job: job.file, reverse=True)
    shown = row(editor, job)

    assert "Har mange av de samme ordene som" in words(shown)
    assert "Er ny utgave av den" in buttons(shown)
    send(editor, f"/desk/jobb/{job.id}/utgave", utgave=other.report_id)

    assert store.report(job.report_id).edition_of == other.report_id
    assert "Er ny utgave av den" not in buttons(row(editor, job))
    listed = words(editor.get("/desk/rapporter").text)
    assert "Ny utgave av" in listed
    assert "Har en nyere utgave" in listed


@pytest.mark.parametrize("act", ["igjen", "avbryt", "fjern", "utgave"])
def test_what_is_gone_or_has_gone_on_is_said_on_the_page(
    editor: FlaskClient, store: Store, put: Put, act: str
):
    """Two people at once, or a worker that was faster than the button."""
    job = put()
    store.jobs.claim("w", 60)
    if act == "avbryt":
        store.jobs.fail(job, "w", "internal", "x")

    for number in (job.id, 999):
        answer = send(editor, f"/desk/jobb/{number}/{act}")
        if act == "utgave":
            assert answer.status_code == 404
            continue
        assert answer.status_code == 303
        assert 'role="status"><p>' in editor.get("/desk/inn").text
    assert store.jobs.get(job.id) is not None


def test_all_that_is_done_is_taken_off_the_list_at_once(
    editor: FlaskClient, store: Store, put: Put, world: World
):
    for number in range(2):
        job = put(b"%%PDF %d" % number)
        store.jobs.claim("w", 60)
        store.jobs.done(job, "w", world.reports["fjellvik"], {})
    waiting = put()

    send(editor, "/desk/jobber/rydd", page="/desk/inn")

    assert [job.id for job in store.jobs.list()] == [waiting.id]
    assert store.report(world.reports["fjellvik"]) is not None


# ---- while it goes on


def test_the_page_asks_again_while_something_is_under_way_and_then_stops(
    editor: FlaskClient, store: Store, put: Put
):
    assert "data-hx-trigger" not in editor.get("/desk/inn").text
    job = put()
    busy = editor.get("/desk/inn", headers={"HX-Request": "true"})
    store.jobs.cancel(job.id)
    over = editor.get("/desk/inn", headers={"HX-Request": "true"})

    assert 'data-hx-trigger="every 2s"' in busy.text
    assert busy.text.lstrip().startswith("<section")
    assert "<html" not in busy.text
    assert "data-hx-trigger" not in over.text
    assert re.search(r'role="status" id="jobs-summary">1 fil er på vei inn<', busy.text)


def test_the_summary_tells_all_there_is(editor: FlaskClient, store: Store, put: Put, world: World):
    codes = ("internal", "unreadable-report.damaged", "already-ingested")
    for number, code in enumerate(codes):
        job = put(b"%%PDF %d" % number)
        store.jobs.claim("w", 60)
        store.jobs.fail(job, "w", code, "x", report_id=world.reports["fjellvik"])
    put()

    page = words(editor.get("/desk/inn").text)
    assert "1 fil er på vei inn, 2 stoppet med feil, 1 ligger her fra før" in page
