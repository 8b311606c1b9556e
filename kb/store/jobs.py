"""Files on their way in: the table that is the truth about them, and who works on which.

A worker holds a job for as long as it renews its lease; a job whose lease has run out is anybody's.
So a worker that is killed loses nothing but time, and of two that believe they hold the same job
only one can end it: each statement here asks for the holder's name. Times are seconds since 1970.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, delete, insert, or_, select
from sqlalchemy import update as update_table

from kb.domain import ReportId
from kb.errors import (
    JobAttemptsError,
    JobHeldError,
    JobStateError,
    LeaseLostError,
    NotFoundError,
)
from kb.store import files, sqlite
from kb.store.schema import job as table
from kb.store.schema import report

MAX_ATTEMPTS = 3
"""So often a job is begun before it is given up: a file that kills its worker must not do so for
ever."""
_MOST_JOBS = 2**63 - 1
"""A number above is no job's, and SQLite cannot be asked for it."""


class JobState(StrEnum):
    """How far a job has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in _UNFINISHED


_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)
_WISHES = ("with_ocr", "publish", "edition_of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file on its way in.

    ``stage`` is what is being done, ``progress`` 0-1 of the whole job. ``worker`` holds the job
    until ``lease_until``. ``error_code`` is the ``reason_code`` of a :class:`kb.errors.KbError`.
    ``report_id`` is the report that came of it, or for ``already-ingested`` the one that is there.
    """

    id: int
    sha256: str
    file: str
    with_ocr: bool
    publish: bool
    edition_of: ReportId | None
    by: str
    state: JobState
    stage: str | None
    progress: float
    attempts: int
    worker: str | None
    lease_until: float | None
    error_code: str | None
    error_detail: str | None
    report_id: ReportId | None
    created: float
    updated: float
    took_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The claim under which a report is stored; ``took_ms`` is noted with it."""

    job_id: int
    worker: str
    took_ms: Mapping[str, float] = field(default_factory=dict)


class Jobs:
    """The jobs of a store. Every verb that writes is one transaction."""

    def __init__(
        self, connection: Connection, home: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._connection, self._home, self._clock = connection, home, clock

    # --- for those who bring files --------------------------------------------------------------

    def put(
        self,
        *,
        sha256: str,
        file: str,
        original: bytes,
        by: str,
        with_ocr: bool = False,
        publish: bool = False,
        edition_of: ReportId | None = None,
    ) -> Job:
        """Keep the file and queue it; when this returns, neither can be lost.

        The file is written before the lock is taken, which a large one would hold for long; under
        the lock it is written again if another process has dropped it with an older job or report.

        An unfinished job for the same bytes is returned instead of a second one; unless a worker
        holds it, what is asked for here is asked of it too, and its attempts begin anew. Failed and
        cancelled jobs for the same bytes give way.

        Args:
            sha256: of ``original``, hex.
            file: its name, for people.
            original: the bytes.
            by: who brings it; signs what the job decides.
            with_ocr: recognise the text of pages that are pictures.
            publish: publish all that is found.
            edition_of: the report that this one is a newer edition of.

        Raises:
            JobHeldError: a worker reads the same bytes, without all that is asked for here.
        """
        files.keep(files.place(self._home, sha256, file), original)
        with self._writing():
            own = table.c.sha256 == sha256
            known = self._first(own & table.c.state.in_(_UNFINISHED))
            if known is not None:
                more = {
                    "with_ocr": int(with_ocr or known.with_ocr),
                    "publish": int(publish or known.publish),
                    "edition_of": edition_of or known.edition_of,
                    "attempts": 0,
                }
                is_taken = self._change((table.c.id == known.id) & self._is_free(), more)
                if not is_taken and any(getattr(known, name) != more[name] for name in _WISHES):
                    raise JobHeldError(f"job {known.id} is being worked on")
                return self._with_file(self._told(known.id), original)
            self._connection.execute(delete(table).where(own, table.c.state != JobState.DONE))
            now = self._clock()
            values = {
                "sha256": sha256,
                "file": file,
                "with_ocr": int(with_ocr),
                "publish": int(publish),
                "edition_of": edition_of,
                "by": by,
                "state": JobState.QUEUED,
                "progress": 0.0,
                "attempts": 0,
                "created": now,
                "updated": now,
            }
            key = self._connection.execute(insert(table).values(values)).inserted_primary_key
            assert key is not None  # noqa: S101 the database always tells the row it wrote
            return self._with_file(self._told(key[0]), original)

    def _with_file(self, job: Job, original: bytes) -> Job:
        path = self.original_path(job)
        if not path.exists():
            files.keep(path, original)
        return job

    def get(self, job_id: int) -> Job | None:
        """Return one job."""
        with self._reading():
            found = self._by_id(job_id)
        return None if found is None else _job_of(found)

    def list(self, *, unfinished_first: bool = True, limit: int = 200) -> tuple[Job, ...]:
        """Return jobs, those not over first (in the order they are taken), then last changed."""
        is_over = case((table.c.state.in_(_UNFINISHED), 0), else_=1)
        order = [is_over, case((is_over == 0, table.c.id))] if unfinished_first else []
        chosen = select(table).order_by(*order, table.c.updated.desc(), table.c.id.desc())
        with self._reading():
            return tuple(map(_job_of, self._connection.execute(chosen.limit(limit))))

    def retry(
        self,
        job_id: int,
        *,
        with_ocr: bool | None = None,
        edition_of: ReportId | None = None,
        is_edition: bool = True,
    ) -> Job:
        """Queue a failed or cancelled job again, with other wishes where they are given.

        Args:
            job_id: of the job; one that is done without OCR can be asked for it.
            with_ocr: as for :meth:`put`; None as before.
            edition_of: as for :meth:`put`; None as before.
            is_edition: False, if it is to be no edition of any report.

        Raises:
            NotFoundError: there is no such job.
            JobStateError: it is neither failed nor cancelled.
        """
        wanted: dict[str, Any] = {
            "state": JobState.QUEUED,
            "stage": None,
            "progress": 0.0,
            "attempts": 0,
            "error_code": None,
            "error_detail": None,
            "report_id": None,
            "took_ms": None,
        }
        if with_ocr is not None:
            wanted["with_ocr"] = int(with_ocr)
        if edition_of is not None or not is_edition:
            wanted["edition_of"] = edition_of
        may: ColumnElement[bool] = table.c.state.in_((JobState.FAILED, JobState.CANCELLED))
        if with_ocr:
            may |= (table.c.state == JobState.DONE) & (table.c.with_ocr == 0)
        return self._turn(job_id, may, wanted)

    def cancel(self, job_id: int) -> Job:
        """Stop a job that is not over; a worker that holds it finds out at its next beat.

        Raises:
            NotFoundError: there is no such job.
            JobStateError: it is over.
        """
        wanted = {"state": JobState.CANCELLED, "worker": None, "lease_until": None}
        return self._turn(job_id, table.c.state.in_(_UNFINISHED), wanted)

    def forget(self, job_id: int) -> None:
        """Drop a job that is over, and its file if no report has come of it.

        Raises:
            NotFoundError: there is no such job.
            JobStateError: it is not over.
        """
        with self._writing():
            known = self._told(job_id)
            if not known.state.is_over:
                raise JobStateError(f"job {job_id} is {known.state}")
            self._connection.execute(delete(table).where(table.c.id == job_id))
            self._drop_files(known)

    def clear_done(self) -> int:
        """Drop the jobs that are done; return how many."""
        with self._writing():
            is_done = table.c.state == JobState.DONE
            return self._connection.execute(delete(table).where(is_done)).rowcount

    def original_path(self, job: Job) -> Path:
        """Return where the file of a job stands."""
        return files.place(self._home, job.sha256, job.file)

    def _drop_files(self, known: Job) -> None:
        """Take the file away, under the lock: who puts the same bytes meanwhile writes it again."""
        in_use = [
            select(report.c.id).where(report.c.sha256 == known.sha256),
            select(table.c.id).where(table.c.sha256 == known.sha256),
        ]
        if any(self._connection.execute(chosen).first() for chosen in in_use):
            return
        for path in files.all_of(self._home, known.sha256):
            with suppress(OSError):  # one left behind takes room, no more
                path.unlink()

    # --- for workers ----------------------------------------------------------------------------

    def is_waiting(self) -> bool:
        """Whether there is a job to claim. Takes no lock, so it may be asked often."""
        with self._reading():
            return self._first(self._is_free() & table.c.state.in_(_UNFINISHED)) is not None

    def unfinished(self) -> frozenset[str]:
        """Return the SHA-256 of every file whose job is not over."""
        chosen = select(table.c.sha256).where(table.c.state.in_(_UNFINISHED))
        with self._reading():
            return frozenset(self._connection.scalars(chosen))

    def claim(self, worker: str, lease_s: float, *, only: int | None = None) -> Job | None:
        """Take the oldest job that is queued or whose lease has run out; None if there is none.

        A job that has been begun ``MAX_ATTEMPTS`` times fails instead.

        Args:
            worker: a name that no other worker has.
            lease_s: for how long, unless it is renewed.
            only: take this job or none.
        """
        free = self._is_free() & table.c.state.in_(_UNFINISHED)
        if only is not None:
            free &= table.c.id == only
        given_up = {
            "state": JobState.FAILED,
            "worker": None,
            "lease_until": None,
            "error_code": JobAttemptsError.code,
            "error_detail": f"begun {MAX_ATTEMPTS} times, ended by none",
        }
        now = self._clock()
        taken = {
            "state": JobState.RUNNING,
            "worker": worker,
            "lease_until": now + lease_s,
            "attempts": table.c.attempts + 1,
            "updated": now,
        }
        oldest = select(table.c.id).where(free).order_by(table.c.id).limit(1).scalar_subquery()
        with self._writing():
            self._change(free & (table.c.attempts >= MAX_ATTEMPTS), given_up)
            row = self._connection.execute(
                update_table(table).where(table.c.id == oldest).values(taken).returning(table)
            ).first()
        return None if row is None else _job_of(row)

    def beat(
        self, job: Job, worker: str, *, stage: str | None, progress: float, lease_s: float
    ) -> None:
        """Renew the lease and tell how far the job has come.

        Raises:
            LeaseLostError: another worker has taken it, or it was cancelled.
        """
        now = self._clock()
        values = {"stage": stage, "progress": progress, "lease_until": now + lease_s}
        with self._writing():
            self._change_held(job.id, worker, values)

    def done(
        self, job: Job, worker: str, report_id: ReportId, took_ms: Mapping[str, float]
    ) -> None:
        """End a job whose report is in the store; raises LeaseLostError like :meth:`beat`."""
        values = {
            "state": JobState.DONE,
            "stage": None,
            "progress": 1.0,
            "worker": None,
            "lease_until": None,
            "report_id": report_id,
            "took_ms": json.dumps(dict(took_ms)),
        }
        with self._writing():
            self._change_held(job.id, worker, values)

    def fail(
        self,
        job: Job,
        worker: str,
        code: str,
        detail: str,
        *,
        report_id: ReportId | None = None,
        took_ms: Mapping[str, float] | None = None,
    ) -> None:
        """End a job that gives no report; raises LeaseLostError like :meth:`beat`.

        ``took_ms`` has the stage that it stopped in as its last.
        """
        values = {
            "state": JobState.FAILED,
            "worker": None,
            "lease_until": None,
            "error_code": code,
            "error_detail": detail,
            "report_id": report_id or table.c.report_id,
            "took_ms": json.dumps(dict(took_ms)) if took_ms else None,
        }
        with self._writing():
            self._change_held(job.id, worker, values)

    def release(self, job: Job, worker: str) -> None:
        """Give a job back unfinished, as a worker does that is told to stop."""
        values = {
            "state": JobState.QUEUED,
            "worker": None,
            "lease_until": None,
            "attempts": table.c.attempts - 1,
        }
        with self._writing():
            self._change_held(job.id, worker, values)

    def stored(self, held: Holding, report_id: ReportId) -> None:
        """Note the report of a job, in the transaction that stores the report.

        Ends the job, unless the report is still to be linked to the edition before it.

        Raises:
            LeaseLostError: another worker has taken it, or it was cancelled.
        """
        is_last = table.c.edition_of.is_(None)
        values = {
            "report_id": report_id,
            "took_ms": json.dumps(dict(held.took_ms)),
            "state": case((is_last, JobState.DONE), else_=table.c.state),
            "stage": case((is_last, None), else_=table.c.stage),
            "progress": case((is_last, 1.0), else_=table.c.progress),
            "lease_until": case((is_last, None), else_=table.c.lease_until),
            "worker": case((is_last, None), else_=table.c.worker),
        }
        self._change_held(held.job_id, held.worker, values)

    # --- within ---------------------------------------------------------------------------------

    def _is_free(self) -> ColumnElement[bool]:
        """Whether no worker holds the job."""
        ran_out = and_(table.c.state == JobState.RUNNING, table.c.lease_until < self._clock())
        return or_(table.c.state == JobState.QUEUED, ran_out)

    def _turn(self, job_id: int, may: ColumnElement[bool], values: Mapping[str, Any]) -> Job:
        with self._writing():
            known = self._told(job_id)
            if not self._change((table.c.id == job_id) & may, values):
                raise JobStateError(f"job {job_id} is {known.state}")
            return self._told(job_id)

    def _change_held(self, job_id: int, worker: str, values: Mapping[str, Any]) -> None:
        held = and_(
            table.c.id == job_id, table.c.worker == worker, table.c.state == JobState.RUNNING
        )
        if not self._change(held, values):
            raise LeaseLostError(f"job {job_id} is no longer {worker}'s")

    def _change(self, which: ColumnElement[bool], values: Mapping[str, Any]) -> int:
        changed = {"updated": self._clock(), **values}
        return self._connection.execute(update_table(table).where(which).values(changed)).rowcount

    def _told(self, job_id: int) -> Job:
        found = self._by_id(job_id)
        if found is None:
            raise NotFoundError(f"no job {job_id}")
        return _job_of(found)

    def _by_id(self, job_id: int) -> Row[Any] | None:
        return self._first(table.c.id == job_id) if job_id <= _MOST_JOBS else None

    def _first(self, which: ColumnElement[bool]) -> Row[Any] | None:
        return self._connection.execute(select(table).where(which).order_by(table.c.id)).first()

    def _reading(self) -> Any:
        return sqlite.reading(self._connection)

    def _writing(self) -> Any:
        return sqlite.transaction(self._connection, sqlite.WRITE)


def _job_of(row: Row[Any]) -> Job:
    values = dict(row._mapping)  # noqa: SLF001 - that is what SQLAlchemy calls its public view
    values |= {
        "with_ocr": bool(row.with_ocr),
        "publish": bool(row.publish),
        "state": JobState(row.state),
        "took_ms": json.loads(row.took_ms or "{}"),
    }
    return Job(**values)
