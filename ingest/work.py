"""Works on the jobs of the store: one at a time, taken up again where a killed worker left off.

A job's report is stored, and the job ended, in one transaction. What comes before it is kept as
artefacts and changes nothing; what comes after (the link to an older edition, publishing) can be
done twice. So a worker may be killed at any instant. Several may run, also beside the website.
"""

import logging
import os
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ingest.again import lacks_text, refuse_decided
from ingest.artefacts import Artefacts
from ingest.pipeline import STAGES, Clock, Ingestor, Source, Watch, nobody, refuse_known_words
from kb.config import Config
from kb.desk import Desk, refuse_edition
from kb.domain import Report, ReportId, ReportStatus
from kb.embed import Encoder
from kb.errors import (
    AlreadyIngestedError,
    InternalError,
    KbError,
    LeaseLostError,
    NotFoundError,
    StateError,
    Unreadable,
    UnreadableReportError,
)
from kb.search import Searcher
from kb.store import Holding, Job, Store
from kb.store.files import derived_place, drop_halves

LEASE_S = 30.0
"""A worker that is silent for so long has lost its job. Long enough for a machine that swaps."""

_BEAT_S = 1.0
_POLL_S = 1.0
_WAIT_S = 0.5
_PAUSE_S = 10.0
_OCR_SHARE = 0.8
"""Where text is recognised, that is most of the job: 2-3 processor seconds a page."""

_log = logging.getLogger(__name__)


class Worker:
    """Takes jobs and ends them. For one thread; ``watch`` hears the stage and share of the job.

    Args:
        config: of the program.
        encoder: gives the encoder; called when the first job needs it.
        watch: is told how far the job has come, for whoever sits in front of it.
        stop: when it is set, the job under way is given back at the next stage.
        lease_s: for how long a job is held without a sign of life.
    """

    def __init__(
        self,
        config: Config,
        encoder: Callable[[], Encoder],
        *,
        watch: Watch = nobody,
        stop: threading.Event | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        self._config, self._open_encoder, self._watch = config, encoder, watch
        self._stop = stop or threading.Event()
        self._lease_s = lease_s
        self._encoder: Encoder | None = None
        self._ingestor: Ingestor | None = None
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    def run_forever(self) -> None:
        """Work on whatever job there is until ``stop`` is set."""
        while not self._stop.is_set():
            try:
                with Store.open(self._config.home) as store:
                    self._run(store)
            except StateError:  # a full disk or a locked file may be mended while we wait
                _log.exception("the worker pauses for %.0f s", _PAUSE_S)
                self._stop.wait(_PAUSE_S)

    def _run(self, store: Store) -> None:
        self._tidy(store)
        while not self._stop.is_set():
            if not store.jobs.is_waiting() or self.run_once(store) is None:
                self._stop.wait(_POLL_S)

    def finish(self, store: Store, job_id: int) -> Job:
        """Work on one job until it is over; while another worker holds it, wait and watch.

        Raises:
            NotFoundError: somebody has dropped the job.
        """
        while True:
            job = store.jobs.get(job_id)
            if job is None:
                raise NotFoundError(f"no job {job_id}")
            if job.state.is_over:
                return job
            if self.run_once(store, only=job_id) is None:
                self._watch(job.stage or "", job.progress)
                time.sleep(_WAIT_S)

    def run_once(self, store: Store, *, only: int | None = None) -> Job | None:
        """Take one job, or the job ``only``, and end it. None if there was none to take.

        The job that is returned has failed if its file gave no report. It is not over if it was
        lost to another worker, or given back because of ``stop``.
        """
        job = store.jobs.claim(self.name, self._lease_s, only=only)
        if job is None:
            return None
        timed = _Timed(job)
        try:
            with _Heart(self._config.home, job, self.name, self._lease_s, self._stop) as heart:
                clock = timed.clock(_Told(job, heart, self._watch).hear)
                publishes = self._work(store, job, clock)
            if publishes:
                Searcher(self._opened(), self._config.home).refresh(store)
        except LeaseLostError as error:
            _log.warning("%s", error)
        except _StoppedError:
            self._give_back(store, job)
        except KbError as error:
            self._fail(store, job, error, timed)
        except Exception as error:  # noqa: BLE001 - foreign bytes may raise anything
            _log.exception("job %d: %s", job.id, job.file)
            self._fail(store, job, InternalError(f"{type(error).__name__}: {error}"), timed)
        except BaseException:  # Ctrl-C
            self._give_back(store, job)
            raise
        self._tidy(store)
        ended = store.jobs.get(job.id)
        if ended is not None:
            _log.info("job %d: %s: %s", job.id, job.file, ended.state)
        return ended

    # --- one job --------------------------------------------------------------------------------

    def _work(self, store: Store, job: Job, clock: Clock) -> bool:
        """Bring the file in, link it, publish it; return whether readers see something new."""
        known = store.report_by_sha256(job.sha256)
        is_here = known is not None and not _is_read_again(store, known, job)
        if known is not None and is_here:
            _refuse_known(known, job)
        if job.edition_of is not None:
            refuse_edition(store, job.edition_of, job.sha256)
        report = known.id if known and is_here else self._bring_in(store, job, clock, known)
        if job.edition_of is None:
            return job.publish
        desk = Desk(store, self._opened, job.by)
        clock.run("edition", lambda: desk.link_edition(report, str(job.edition_of)))
        if job.publish:
            clock.run("publish", lambda: _publish_once(store, desk, report))
        store.jobs.done(job, self.name, report, {**job.took_ms, **clock.took_ms()})
        return True

    def _bring_in(self, store: Store, job: Job, clock: Clock, replaced: Report | None) -> ReportId:
        path = store.jobs.original_path(job)
        try:
            original = path.read_bytes()
        except OSError as error:
            raise UnreadableReportError(Unreadable.MISSING, str(error)) from error
        source = Source(
            path=path,
            file=job.file,
            sha256=job.sha256,
            with_ocr=job.with_ocr,
            derived=derived_place(self._config.home, job.sha256).parent,
            artefacts=Artefacts(self._folder / job.sha256),
        )
        draft = self._opened_ingestor().draft(store, source, clock)
        if job.edition_of is None:
            if replaced is None or replaced.text_key != draft.report.text_key:
                refuse_known_words(store, draft.report)
            draft = draft.published() if job.publish else draft
        held = Holding(job_id=job.id, worker=self.name, took_ms=clock.took_ms())

        def keep() -> None:
            now = None if replaced is None else store.report(replaced.id)
            # Asked again, for recognising text took minutes.
            old = None if now is None else refuse_decided(store, now)
            draft.add_to(store, original, held, replaces=old)

        clock.run("store", keep)
        return draft.report.id

    def _fail(self, store: Store, job: Job, error: KbError, timed: "_Timed") -> None:
        report = error.report_id if isinstance(error, AlreadyIngestedError) else None
        _log.info("job %d: [%s] %s", job.id, error.reason_code, error)
        with suppress(LeaseLostError):
            store.jobs.fail(
                job,
                self.name,
                error.reason_code,
                str(error),
                report_id=report,
                took_ms=timed.took_ms(),
            )

    def _give_back(self, store: Store, job: Job) -> None:
        with suppress(LeaseLostError):
            store.jobs.release(job, self.name)

    # --- within ---------------------------------------------------------------------------------

    @property
    def _folder(self) -> Path:
        return self._config.home / "work"

    def _tidy(self, store: Store) -> None:
        """Drop the artefacts of jobs that are over, and what killed processes left."""
        drop_halves(self._config.home, time.time())
        with suppress(FileNotFoundError):
            folders = list(self._folder.iterdir())  # before the jobs: a new one is not dropped
            unfinished = store.jobs.unfinished()
            for folder in folders:
                if folder.name not in unfinished:
                    shutil.rmtree(folder, ignore_errors=True)

    def _opened(self) -> Encoder:
        if self._encoder is None:
            self._encoder = self._open_encoder()
        return self._encoder

    def _opened_ingestor(self) -> Ingestor:
        if self._ingestor is None:
            self._ingestor = Ingestor(self._opened(), self._config)
        return self._ingestor


class _StoppedError(Exception):
    """The worker is to stop; the job is given back."""


class _Heart:
    """Renews the lease of a job from a thread of its own, with what is known of its progress."""

    def __init__(
        self, home: Path, job: Job, worker: str, lease_s: float, stop: threading.Event
    ) -> None:
        self._home, self._job, self._worker = home, job, worker
        self._lease_s, self._stop = lease_s, stop
        self._told: tuple[str | None, float] = (job.stage, job.progress)
        self._is_lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def __enter__(self) -> "_Heart":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def hear(self, stage: str, progress: float) -> None:
        """Note how far the job has come.

        Raises:
            LeaseLostError: the job is another's by now.
            _StoppedError: the worker is to stop.
        """
        self._told = stage, progress
        if self._is_lost:
            raise LeaseLostError(f"job {self._job.id} is no longer {self._worker}'s")
        if self._stop.is_set():
            raise _StoppedError

    def _run(self) -> None:
        said, at = None, 0.0
        try:
            with Store.open(self._home) as store:
                while not self._ended.wait(min(_BEAT_S, self._lease_s / 4)):
                    now = time.monotonic()
                    if self._told != said or now - at > self._lease_s / 4:
                        said, at = self._told, now
                        self._beat(store, *said)
        except LeaseLostError:
            self._is_lost = True
        except StateError:  # the lease runs out, and whoever can write takes the job
            _log.exception("job %d: no heartbeat", self._job.id)

    def _beat(self, store: Store, stage: str | None, progress: float) -> None:
        store.jobs.beat(
            self._job, self._worker, stage=stage, progress=progress, lease_s=self._lease_s
        )


class _Told:
    """Turns a stage and its share into the share of the whole job, for the heart and the watch."""

    def __init__(self, job: Job, heart: _Heart, watch: Watch) -> None:
        self._with_ocr, self._heart, self._watch = job.with_ocr, heart, watch

    def hear(self, stage: str, share: float) -> None:
        progress = progress_of(stage, share, with_ocr=self._with_ocr)
        self._heart.hear(stage, progress)
        self._watch(stage, progress)


class _Timed:
    """Times a job, the stage that it stops in included."""

    def __init__(self, job: Job) -> None:
        self._before = dict(job.took_ms)
        self._started = time.perf_counter()
        self._clock = Clock()
        self._stage = "read"

    def clock(self, watch: Watch) -> Clock:
        """Return the clock to work by."""

        def hear(stage: str, share: float) -> None:
            self._stage = stage
            watch(stage, share)

        self._clock = Clock(hear)
        return self._clock

    def took_ms(self) -> dict[str, float]:
        """Return the milliseconds of each stage until now."""
        took = self._clock.took_ms()
        whole = 1_000 * (time.perf_counter() - self._started)
        rest = round(max(0.0, whole - sum(took.values())), 1)
        return self._before | took | {self._stage: took.get(self._stage, 0.0) + rest}


def progress_of(stage: str, share: float, *, with_ocr: bool) -> float:
    """Return the share (0-1) of a job that is done when ``share`` of ``stage`` is."""
    ends = list(STAGES.values())
    place = list(STAGES).index(stage)
    begin = ends[place - 1] if place else 0.0
    done = begin + share * (ends[place] - begin)
    read = STAGES["read"]
    if not with_ocr:
        return done
    if done <= read:
        return done / read * _OCR_SHARE
    return _OCR_SHARE + (done - read) / (1 - read) * (1 - _OCR_SHARE)


def _is_read_again(store: Store, known: Report, job: Job) -> bool:
    """Whether the job asks for the text of pages that the report which is there lacks.

    Raises:
        DecidedError: it does, and somebody has worked on the report.
    """
    is_own = job.report_id == known.id
    if not job.with_ocr or is_own or known.status is ReportStatus.TRASHED:
        return False
    if not lacks_text(store, known.id):
        return False
    refuse_decided(store, known)
    return True


def _refuse_known(known: Report, job: Job) -> None:
    """Raise if the file's report is there and this job has nothing to do with it."""
    is_to_link = job.edition_of is not None and known.status is not ReportStatus.TRASHED
    if job.report_id != known.id and not is_to_link:
        raise AlreadyIngestedError(known.id)


def _publish_once(store: Store, desk: Desk, report: ReportId) -> None:
    stored = store.report(report)
    if stored is not None and stored.status is not ReportStatus.PUBLISHED:
        desk.approve_and_publish(report)
