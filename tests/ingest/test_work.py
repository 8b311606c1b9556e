"""The worker: each job ends, whatever its file does, and nothing is done twice or lost."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import limits_of, read_bytes
from ingest import pipeline as pipeline_module
from ingest.types import RawDocument, RawLine
from ingest.work import Worker, progress_of
from kb.config import Config
from kb.desk import Desk
from kb.domain import ReportStatus, Status
from kb.embed import Vectors
from kb.errors import OcrUnavailableError, TaxonomyError
from kb.search import Searcher, SearchQuery
from kb.store import Job, Jobs, JobState, Store
from tests.fakes import BrokenEncoder, WordHashEncoder
from tests.ingest.conftest import Text, write_pdf

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
TENKEVIK = """Sluttrapport fra Nye Tenkevik 2016–2021

1. Erfaringer

Det viktigste vi lærte, er at styret bør møtes oftere enn fire ganger i året. Styret møttes for
sjelden, og derfor ble mange saker liggende.

2. Råd

Vi anbefaler at neste program avtaler rollene med næringshagen før det første prosjektet starter.

Programmet burde ha ansatt programleder tidligere, for det første året gikk uten framdrift.
"""
CORRECTED = TENKEVIK.replace("fire ganger", "fem ganger")
OTHER = "Sluttrapport fra Nye Skodde 2012–2018\n\n1. Læring\n\nVi burde ha valgt færre satsinger.\n"

Put = Callable[..., Job]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened


@pytest.fixture
def config(home: Path) -> Config:
    return Config(home=home, corpus=CORPUS)


@pytest.fixture
def worker(config: Config) -> Worker:
    return Worker(config, WordHashEncoder)


@pytest.fixture
def put(store: Store, config: Config, tmp_path: Path) -> Put:
    def write(text: str | bytes = TENKEVIK, file: str = "rapport.txt", **wishes: object) -> Job:
        path = tmp_path / file
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        original, sha256 = read_bytes(path, limits_of(config))
        return store.jobs.put(sha256=sha256, file=file, original=original, by="kari", **wishes)

    return write


def content(store: Store) -> object:
    """All that is known, without generations."""
    reports = [each.report for each in reversed(store.reports())]
    lessons = store.lessons(store.lesson_ids())
    return reports, [store.pages(one.id) for one in reports], lessons


# ---- a job to its end


def test_a_job_becomes_a_report_of_candidates(store: Store, worker: Worker, put: Put) -> None:
    job = put()

    ended = worker.run_once(store)

    [summary] = store.reports()
    assert (ended.id, ended.state, ended.report_id) == (job.id, JobState.DONE, summary.report.id)
    assert (ended.progress, ended.error_code, ended.attempts) == (1.0, None, 1)
    assert list(ended.took_ms)[:2] == ["read", "layout"]
    assert summary.report.status is ReportStatus.CANDIDATE
    assert summary.report.text_key is not None
    assert summary.lessons.keys() == {Status.CANDIDATE}
    assert store.check() == ()
    assert worker.run_once(store) is None


def test_what_is_published_is_found_at_once(
    store: Store, worker: Worker, put: Put, config: Config
) -> None:
    put(publish=True)

    worker.run_once(store)

    assert {each.report.status for each in store.reports()} == {ReportStatus.PUBLISHED}
    searcher = Searcher(WordHashEncoder(), config.home)
    assert searcher.problems(store) == ()
    assert searcher.search(store, SearchQuery(text="hvor ofte bør styret møtes")).hits


def test_a_watcher_hears_of_every_stage_and_progress_never_falls(
    config: Config, store: Store, put: Put
) -> None:
    heard: list[tuple[str, float]] = []
    worker = Worker(config, WordHashEncoder, watch=lambda *told: heard.append(told))
    put()

    worker.run_once(store)

    assert heard[0][0] == "read"
    assert [progress for _, progress in heard] == sorted(progress for _, progress in heard)
    assert all(0 <= progress <= 1 for _, progress in heard)


def test_text_recognition_is_most_of_a_job_that_needs_it() -> None:
    told = [
        progress_of(stage, share, with_ocr=True)
        for stage in ("read", "layout", "embed", "index")
        for share in (0.0, 0.5, 1.0)
    ]

    assert told == sorted(told)
    assert told[1] == pytest.approx(0.4)
    assert told[-1] == pytest.approx(1.0)
    assert progress_of("read", 0.5, with_ocr=False) < 0.2


def test_all_artefacts_are_gone_when_the_job_is_over(
    store: Store, worker: Worker, put: Put, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    seen: list[set[str]] = []
    whole = pipeline_module.merge_repeats

    def look(*arguments: object) -> object:
        seen.append({path.name.partition("-")[0] for path in config.home.glob("work/*/*")})
        return whole(*arguments)

    monkeypatch.setattr(pipeline_module, "merge_repeats", look)

    worker.run_once(store)

    assert seen == [{"read", "vectors"}]
    assert list(config.home.glob("work/*")) == []


# ---- one bad file


BAD = {
    "damaged": (write_pdf([[Text("En linje.", 70, 700)]])[:300], "unreadable-report.damaged"),
    "without text": (write_pdf([[]]), "unreadable-report.empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_fails_with_its_code_and_the_next_job_runs(
    store: Store, worker: Worker, put: Put, name: str
) -> None:
    data, code = BAD[name]
    bad, good = put(data, "bad.pdf"), put()

    ended = [worker.run_once(store), worker.run_once(store)]

    assert [(one.id, one.state) for one in ended] == [
        (bad.id, JobState.FAILED),
        (good.id, JobState.DONE),
    ]
    assert ended[0].error_code == code
    assert len(store.reports()) == 1


RAISED = {
    "internal": ZeroDivisionError("nobody thought of this"),
    "ocr-unavailable": OcrUnavailableError("no tesseract"),
    "taxonomy": TaxonomyError("themes is no list"),
}


@pytest.mark.parametrize("code", RAISED)
def test_whatever_is_raised_ends_the_job_with_a_code(
    store: Store,
    worker: Worker,
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    def fail(*_: object) -> None:
        raise RAISED[code]

    monkeypatch.setattr(pipeline_module, "clean_lines", fail)
    put()

    ended = worker.run_once(store)

    assert (ended.state, ended.error_code) == (JobState.FAILED, code)
    assert str(RAISED[code]) in (ended.error_detail or "")
    assert ("Traceback" in caplog.text) == (code == "internal")
    assert store.check() == ()


def test_without_a_model_the_job_fails_and_can_be_tried_again(
    store: Store, config: Config, worker: Worker, put: Put
) -> None:
    job = put()

    failed = Worker(config, BrokenEncoder).run_once(store)

    assert failed.error_code == "model-unavailable"
    store.jobs.retry(job.id)
    assert worker.run_once(store).state is JobState.DONE


def test_an_original_that_is_gone_is_told(store: Store, worker: Worker, put: Put) -> None:
    store.jobs.original_path(put()).unlink()

    assert worker.run_once(store).error_code == "unreadable-report.missing"


# ---- duplicates


def test_the_same_bytes_are_told_with_the_report_that_has_them(
    store: Store, worker: Worker, put: Put
) -> None:
    put()
    first = worker.run_once(store)
    put()

    again = worker.run_once(store)

    assert (again.state, again.error_code) == (JobState.FAILED, "already-ingested")
    assert again.report_id == first.report_id
    assert len(store.reports()) == 1


def test_the_same_bytes_as_in_the_trash_are_told_too(
    store: Store, worker: Worker, put: Put
) -> None:
    put()
    first = worker.run_once(store)
    desk(store).trash(first.report_id, store.report(first.report_id).version)
    put()

    again = worker.run_once(store)

    assert (again.error_code, again.report_id) == ("already-ingested", first.report_id)


def test_the_same_words_are_told_and_can_be_read_as_a_new_edition(
    store: Store, worker: Worker, put: Put
) -> None:
    put()
    first = worker.run_once(store)
    job = put(TENKEVIK.replace("\n\n", "\n\n\n"), "kopi.txt")

    again = worker.run_once(store)

    assert (again.error_code, again.report_id) == ("already-ingested", first.report_id)
    assert "words" in again.error_detail
    store.jobs.retry(job.id, edition_of=first.report_id)
    linked = worker.run_once(store)
    assert linked.state is JobState.DONE
    assert store.report(linked.report_id).edition_of == first.report_id


def test_a_report_much_like_another_is_likely_its_edition(
    store: Store, worker: Worker, put: Put
) -> None:
    put()
    first = worker.run_once(store)
    put(CORRECTED, "ny.txt")
    second = worker.run_once(store)
    put(OTHER, "annen.txt")
    other = worker.run_once(store)

    assert store.likely_edition_of(second.report_id) == first.report_id
    assert store.likely_edition_of(other.report_id) is None
    desk(store).link_edition(second.report_id, first.report_id)
    assert store.likely_edition_of(second.report_id) is None


# ---- editions


def desk(store: Store) -> Desk:
    return Desk(store, WordHashEncoder, "kari")


@pytest.fixture
def decided(store: Store, worker: Worker, put: Put) -> str:
    """A published report of which a person has edited one lesson and rejected another."""
    put()
    report = worker.run_once(store).report_id
    first, second, *_ = store.lessons(store.lesson_ids(report_id=report)).values()
    desk(store).approve({first.id: first.version})
    desk(store).reject({second.id: second.version}, "bare historie")
    desk(store).approve_and_publish(report)
    return report


def test_an_edition_keeps_what_was_decided(
    store: Store, worker: Worker, put: Put, decided: str
) -> None:
    put(CORRECTED, "ny.txt", edition_of=decided)

    ended = worker.run_once(store)

    assert ended.state is JobState.DONE
    assert "edition" in ended.took_ms
    new = store.report(ended.report_id)
    assert (new.edition_of, new.status) == (decided, ReportStatus.CANDIDATE)
    statuses = {one.status for one in store.lessons(store.lesson_ids(report_id=new.id)).values()}
    assert Status.REJECTED in statuses
    assert store.report(decided).status is ReportStatus.PUBLISHED
    assert store.jobs.get(ended.id).error_code is None
    assert {one.by for one in store.changes.history()} == {"kari"}


def test_a_published_edition_takes_the_place_of_the_one_before(
    store: Store, worker: Worker, put: Put, decided: str
) -> None:
    put(CORRECTED, "ny.txt", edition_of=decided, publish=True)

    ended = worker.run_once(store)

    assert store.report(ended.report_id).status is ReportStatus.PUBLISHED
    assert store.report(decided).status is ReportStatus.SUPERSEDED
    assert store.check() == ()


def test_an_edition_of_nothing_is_refused_before_it_is_read(
    store: Store, worker: Worker, put: Put, decided: str
) -> None:
    put(CORRECTED, "ny.txt", edition_of="0" * 12)
    assert worker.run_once(store).error_code == "not-found"

    put(CORRECTED, "ny.txt", edition_of=decided)
    assert worker.run_once(store).state is JobState.DONE
    put(CORRECTED + "\nMer.\n", "nyest.txt", edition_of=decided)
    refused = worker.run_once(store)
    assert refused.error_code == "edition"
    assert len(store.reports()) == 2


def test_a_report_is_no_edition_of_itself_or_of_its_own_newer_one(
    store: Store, worker: Worker, put: Put, decided: str
) -> None:
    put(edition_of=decided)
    assert worker.run_once(store).error_code == "edition"

    put(CORRECTED, "ny.txt", edition_of=decided)
    newer = worker.run_once(store).report_id
    put(edition_of=newer)
    assert worker.run_once(store).error_code == "edition"


# ---- read again, with OCR


@pytest.fixture
def mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second page of every file is a picture, of which OCR reads one sentence."""
    whole = pipeline_module.read_document

    def read(path: Path, *given: object, ocr: bool = False, **more: object) -> RawDocument:
        document = whole(path, *given, ocr=False, **more)
        said = RawLine(text="Vi burde ha ansatt programleder før det første møtet i styret.")
        lines, problem = ((said,), None) if ocr else ((), "no-text")
        scan = replace(document.pages[0], number=2, lines=lines, problem=problem)
        return RawDocument(pages=(*document.pages, scan))

    monkeypatch.setattr(pipeline_module, "read_document", read)


@pytest.mark.usefixtures("mixed")
def test_pages_without_text_are_read_with_ocr_in_place_of_what_was_there(
    store: Store, worker: Worker, put: Put
) -> None:
    put()
    first = worker.run_once(store)
    assert [page.problem for page in store.pages(first.report_id)] == [None, "no-text"]
    put(with_ocr=True)

    again = worker.run_once(store)

    assert (again.state, again.report_id) == (JobState.DONE, first.report_id)
    assert [page.problem for page in store.pages(first.report_id)] == [None, None]
    statements = [one.statement for one in store.lessons(store.lesson_ids()).values()]
    assert any("ansatt programleder" in one for one in statements)
    assert len(store.reports()) == 1
    assert store.check() == ()
    put(with_ocr=True)
    assert worker.run_once(store).error_code == "already-ingested"


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("act", ["approve", "publish", "trash"])
def test_what_somebody_has_worked_on_is_not_read_again(
    store: Store, worker: Worker, put: Put, act: str
) -> None:
    put()
    report = store.report(worker.run_once(store).report_id)
    first = next(iter(store.lessons(store.lesson_ids()).values()))
    if act == "approve":
        desk(store).approve({first.id: first.version})
    elif act == "publish":
        desk(store).approve_and_publish(report.id)
    else:
        desk(store).trash(report.id, report.version)
    before = content(store)
    put(with_ocr=True)

    again = worker.run_once(store)

    assert again.error_code == ("already-ingested" if act == "trash" else "decided")
    assert content(store) == before


@pytest.mark.usefixtures("mixed")
def test_a_decision_made_while_ocr_runs_stands(
    store: Store, worker: Worker, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    worker.run_once(store)
    put(with_ocr=True)
    whole = pipeline_module.merge_repeats

    def decide(*given: object) -> object:
        first = next(iter(store.lessons(store.lesson_ids()).values()))
        desk(store).approve({first.id: first.version})
        return whole(*given)

    monkeypatch.setattr(pipeline_module, "merge_repeats", decide)

    assert worker.run_once(store).error_code == "decided"
    assert Status.APPROVED in store.reports()[0].lessons


@pytest.mark.usefixtures("mixed")
def test_a_decision_made_at_the_last_moment_stands(
    store: Store, worker: Worker, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    worker.run_once(store)
    put(with_ocr=True)
    add_to = pipeline_module.Draft.add_to

    def decide(*given: object, **more: object) -> None:
        first = next(iter(store.lessons(store.lesson_ids()).values()))
        desk(store).approve({first.id: first.version})
        add_to(*given, **more)

    monkeypatch.setattr(pipeline_module.Draft, "add_to", decide)

    assert worker.run_once(store).error_code == "decided"
    assert Status.APPROVED in store.reports()[0].lessons


@pytest.mark.usefixtures("mixed")
def test_killed_between_the_old_reading_and_the_new_nothing_is_lost(
    config: Config, store: Store, worker: Worker, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    worker.run_once(store)
    before = content(store)
    job = put(with_ocr=True)

    def killed(*_: object) -> None:
        assert store.reports()[0].report.version > 0, "the new reading is written by now"
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Jobs, "stored", killed)  # the last step of the transaction
        with pytest.raises(SystemExit):
            worker.run_once(store)
    assert content(store) == before

    ended = Worker(config, WordHashEncoder).run_once(store)

    assert (ended.id, ended.state) == (job.id, JobState.DONE)
    assert [page.problem for page in store.pages(ended.report_id)] == [None, None]


def test_a_job_that_failed_tells_how_long_it_was_worked_on(
    store: Store, worker: Worker, put: Put
) -> None:
    put(b"%PDF-1.7 cut", "cut.pdf")

    failed = worker.run_once(store)

    assert failed.state is JobState.FAILED
    assert list(failed.took_ms) == ["read"]
    assert failed.took_ms["read"] > 0


def test_a_report_that_is_there_can_still_be_linked(
    store: Store, worker: Worker, put: Put, decided: str
) -> None:
    put(CORRECTED, "ny.txt")
    stored = worker.run_once(store)
    put(CORRECTED, "ny.txt", edition_of=decided)

    linked = worker.run_once(store)

    assert (linked.state, linked.report_id) == (JobState.DONE, stored.report_id)
    assert store.report(linked.report_id).edition_of == decided


STEPS_OF_AN_EDITION = ["read", "lessons", "embed", "merge", "store", "edition", "publish"]


@pytest.mark.parametrize("stage", STEPS_OF_AN_EDITION)
def test_a_worker_that_dies_at_any_stage_leaves_the_rest_to_the_next(
    config: Config, store: Store, put: Put, tmp_path: Path, stage: str
) -> None:
    """As after a kill: nothing is cleaned up, the lease runs out, another worker takes over."""
    undisturbed = undisturbed_content(tmp_path)
    old = publish_first(config, store, put)
    put(CORRECTED, "ny.txt", edition_of=old, publish=True)

    def die(reached: str, _progress: float) -> None:
        if reached == stage:
            raise SystemExit

    dying = Worker(config, WordHashEncoder, watch=die, lease_s=0.2)
    dying._give_back = lambda *_: None  # a dead process gives nothing back
    with pytest.raises(SystemExit):
        dying.run_once(store)
    assert store.jobs.is_waiting() is False
    time.sleep(0.25)

    ended = Worker(config, WordHashEncoder).run_once(store)

    assert (ended.state, ended.attempts) == (JobState.DONE, 2)
    assert content(store) == undisturbed
    assert store.check() == ()


def publish_first(config: Config, store: Store, put: Put) -> str:
    put()
    report = Worker(config, WordHashEncoder).run_once(store).report_id
    first, second, *_ = store.lessons(store.lesson_ids()).values()
    desk(store).reject({second.id: second.version}, "bare historie")
    desk(store).approve({first.id: first.version})
    desk(store).approve_and_publish(report)
    return report


def undisturbed_content(tmp_path: Path) -> object:
    home = tmp_path / "undisturbed"
    config = Config(home=home, corpus=CORPUS)
    with Store.open(home) as store:

        def put(text: str = TENKEVIK, file: str = "rapport.txt", **wishes: object) -> Job:
            path = tmp_path / file
            path.write_text(text, encoding="utf-8")
            original, sha256 = read_bytes(path, limits_of(config))
            return store.jobs.put(sha256=sha256, file=file, original=original, by="kari", **wishes)

        old = publish_first(config, store, put)
        put(CORRECTED, "ny.txt", edition_of=old, publish=True)
        Worker(config, WordHashEncoder).run_once(store)
        return content(store)


# ---- taking up again


class Counting(WordHashEncoder):
    def __init__(self) -> None:
        self.batches: list[int] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(len(texts))
        return super().embed_passages(texts)


def test_what_took_long_is_not_done_again(
    config: Config, store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    reads: list[Path] = []
    read = pipeline_module.read_document
    monkeypatch.setattr(
        pipeline_module,
        "read_document",
        lambda path, *a, **k: reads.append(path) or read(path, *a, **k),
    )
    first, second = Counting(), Counting()
    stop = threading.Event()

    def halt(stage: str, _progress: float) -> None:
        if stage == "merge":
            stop.set()

    halted = Worker(config, lambda: first, watch=halt, stop=stop).run_once(store)
    assert halted.state is JobState.RUNNING or halted.state is JobState.QUEUED

    ended = Worker(config, lambda: second).run_once(store)

    assert ended.state is JobState.DONE
    assert len(reads) == 1
    assert first.batches[:1] == second.batches  # only the themes: all else was kept
    assert len(first.batches) > 1


@pytest.mark.parametrize("damage", [b"", b"{", b"[1, 2]", b'{"title": 1, "pages": [[1]]}'])
def test_a_damaged_artefact_is_made_again(
    config: Config, store: Store, put: Put, worker: Worker, damage: bytes
) -> None:
    put()
    stop = threading.Event()
    halt = Worker(
        config,
        WordHashEncoder,
        watch=lambda stage, _: stop.set() if stage == "merge" else None,
        stop=stop,
    )
    halt.run_once(store)
    kept = list(config.home.glob("work/*/*"))
    assert kept
    for path in kept:
        path.write_bytes(damage)

    assert worker.run_once(store).state is JobState.DONE
    assert store.check() == ()


def test_artefacts_of_nobody_are_swept_away(
    config: Config, store: Store, put: Put, worker: Worker
) -> None:
    (config.home / "work" / "0123").mkdir(parents=True)
    put()
    old, new = (config.home / "files" / name for name in ("old.part", "new.part"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))

    worker.run_once(store)

    assert list((config.home / "work").iterdir()) == []
    assert (old.exists(), new.exists()) == (False, True)


# ---- leases and stopping


def test_a_heart_beats_through_a_long_stage(
    config: Config, store: Store, put: Put, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    tried: list[Job | None] = []
    whole = pipeline_module.clean_lines

    def slow(document: object) -> object:
        time.sleep(0.9)
        with Store.open(home) as other:
            tried.append(other.jobs.claim("another", 10.0))
        return whole(document)

    monkeypatch.setattr(pipeline_module, "clean_lines", slow)
    put()

    ended = Worker(config, WordHashEncoder, lease_s=0.4).run_once(store)

    assert tried == [None]
    assert (ended.state, ended.attempts) == (JobState.DONE, 1)


def test_a_worker_that_lost_its_job_writes_nothing(
    config: Config, store: Store, put: Put, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    whole = pipeline_module.merge_repeats

    def lose(*arguments: object) -> object:
        with Store.open(home) as other:
            [job] = other.jobs.list()
            other.jobs.cancel(job.id)
            other.jobs.retry(job.id)
            other.jobs.claim("another", 10.0)
        return whole(*arguments)

    monkeypatch.setattr(pipeline_module, "merge_repeats", lose)
    put()

    ended = Worker(config, WordHashEncoder).run_once(store)

    assert (ended.state, ended.worker) == (JobState.RUNNING, "another")
    assert store.reports() == ()
    assert store.check() == ()


def test_a_cancelled_job_stops_at_the_next_stage(
    config: Config, store: Store, put: Put, home: Path
) -> None:
    job = put()
    heard: list[str] = []

    def cancel(stage: str, _progress: float) -> None:
        heard.append(stage)
        if stage == "layout":
            with Store.open(home) as other:
                other.jobs.cancel(job.id)
            time.sleep(0.3)

    ended = Worker(config, WordHashEncoder, watch=cancel, lease_s=0.4).run_once(store)

    assert ended.state is JobState.CANCELLED
    assert heard[-1] == "layout"
    assert store.reports() == ()


def test_a_stopped_worker_gives_its_job_back(config: Config, store: Store, put: Put) -> None:
    put()
    stop = threading.Event()
    worker = Worker(
        config,
        WordHashEncoder,
        watch=lambda stage, _: stop.set() if stage == "layout" else None,
        stop=stop,
    )

    given_back = worker.run_once(store)

    assert (given_back.state, given_back.attempts) == (JobState.QUEUED, 0)


def test_ctrl_c_gives_the_job_back(config: Config, store: Store, put: Put) -> None:
    put()

    def interrupt(stage: str, _progress: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Worker(config, WordHashEncoder, watch=interrupt).run_once(store)

    [job] = store.jobs.list()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


def test_who_waits_for_another_worker_sees_the_job_end(
    config: Config, store: Store, put: Put, home: Path
) -> None:
    job = put()
    theirs = store.jobs.claim("another", 60.0)
    seen: list[tuple[str, float]] = []

    def end() -> None:
        with Store.open(home) as other:
            other.jobs.beat(theirs, "another", stage="embed", progress=0.5, lease_s=60.0)
            time.sleep(0.8)
            other.jobs.fail(theirs, "another", "internal", "")

    thread = threading.Thread(target=end)
    thread.start()
    ended = Worker(config, WordHashEncoder, watch=lambda *told: seen.append(told)).finish(
        store, job.id
    )
    thread.join()

    assert (ended.state, ended.worker) == (JobState.FAILED, None)
    assert ("embed", 0.5) in seen


def test_workers_side_by_side_bring_in_everything_once(
    config: Config, store: Store, put: Put
) -> None:
    texts = {f"r{n}.txt": TENKEVIK.replace("Tenkevik", f"Tenkevik{n}") for n in range(6)}
    jobs = [put(text, file) for file, text in texts.items()]
    stop = threading.Event()
    workers = [Worker(config, WordHashEncoder, stop=stop) for _ in range(3)]
    threads = [threading.Thread(target=one.run_forever) for one in workers]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while store.jobs.unfinished() and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()

    assert {store.jobs.get(job.id).state for job in jobs} == {JobState.DONE}
    assert sorted(each.report.file for each in store.reports()) == sorted(texts)
    assert store.check() == ()


def test_a_worker_outlives_a_store_that_cannot_be_written(
    config: Config, store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb.errors import StoreUnavailableError

    job = put()
    whole, refused = Store.open.__func__, []

    def fail_once(cls: type[Store], home: Path) -> Store:
        if not refused:
            refused.append(home)
            raise StoreUnavailableError("locked (on purpose)")
        return whole(cls, home)

    monkeypatch.setattr(Store, "open", classmethod(fail_once))
    monkeypatch.setattr("ingest.work._PAUSE_S", 0.05)
    stop = threading.Event()
    thread = threading.Thread(target=Worker(config, WordHashEncoder, stop=stop).run_forever)
    thread.start()
    deadline = time.monotonic() + 10
    while not store.jobs.get(job.id).state.is_over and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join()

    assert refused
    assert store.jobs.get(job.id).state is JobState.DONE
