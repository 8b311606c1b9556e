"""The job table: nothing put is lost, one worker holds a job, and a silent one loses it."""

import hashlib
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from kb.errors import (
    AlreadyIngestedError,
    ConflictError,
    JobHeldError,
    JobStateError,
    LeaseLostError,
    NotFoundError,
)
from kb.store import Holding, Job, Jobs, JobState, Store, files
from kb.store.jobs import MAX_ATTEMPTS
from tests.make import a_filing

LEASE = 10.0


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(store: Store, clock: Clock) -> Jobs:
    return Jobs(store._connection, store._home, clock)


def put(jobs: Jobs, original: bytes = b"%PDF original", **wishes: object) -> Job:
    sha256 = hashlib.sha256(original).hexdigest()
    known = {"file": "rapport.pdf", "by": "kari"} | wishes
    return jobs.put(sha256=sha256, original=original, **known)


def test_what_is_put_is_kept_with_its_file(jobs: Jobs, home: Path) -> None:
    job = put(jobs, with_ocr=True, edition_of="abc")

    assert jobs.get(job.id) == job
    assert jobs.original_path(job).read_bytes() == b"%PDF original"
    assert (job.state, job.stage, job.progress, job.attempts) == (JobState.QUEUED, None, 0.0, 0)
    assert (job.with_ocr, job.publish, job.edition_of, job.by) == (True, False, "abc", "kari")
    assert job.took_ms == {}
    with Store.open(home) as other:
        assert other.jobs.list() == (job,)


def test_the_file_is_on_disk_before_its_row_is(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, data: bytes) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("kb.store.files.keep", fail)
    with pytest.raises(OSError, match="full"):
        put(jobs)

    assert jobs.list() == ()


def test_the_same_bytes_are_one_unfinished_job(jobs: Jobs) -> None:
    first = put(jobs)
    again = put(jobs, file="another.pdf", publish=True)

    assert again.id == first.id
    assert (again.file, again.publish) == ("rapport.pdf", True)
    assert len(jobs.list()) == 1


def test_a_job_in_work_is_not_changed_by_the_same_bytes(jobs: Jobs, clock: Clock) -> None:
    put(jobs)
    taken = jobs.claim("a", LEASE)

    assert put(jobs) == taken
    with pytest.raises(JobHeldError):
        put(jobs, publish=True)
    assert jobs.get(taken.id) == taken
    clock.now += LEASE + 1
    again = put(jobs, publish=True)
    assert (again.publish, again.attempts) == (True, 0)


def test_a_file_dropped_with_an_older_job_meanwhile_is_written_again(
    jobs: Jobs, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process drops the older job between the writing of the file and the lock."""
    older = put(jobs)
    jobs.cancel(older.id)
    keep = files.keep

    def kept(path: Path, data: bytes) -> None:
        keep(path, data)
        monkeypatch.setattr("kb.store.files.keep", keep)
        with Store.open(home) as other:
            other.jobs.forget(older.id)
        assert not path.exists()

    monkeypatch.setattr("kb.store.files.keep", kept)

    job = put(jobs)

    assert jobs.original_path(job).read_bytes() == b"%PDF original"


def test_no_number_is_too_large_to_ask_for(jobs: Jobs) -> None:
    assert jobs.get(10**20) is None
    with pytest.raises(NotFoundError):
        jobs.cancel(10**20)


def test_a_job_can_be_tried_again_as_no_edition(jobs: Jobs) -> None:
    job = put(jobs, edition_of="abc")
    jobs.cancel(job.id)

    assert jobs.retry(job.id, is_edition=False).edition_of is None


def test_what_is_done_without_ocr_can_be_asked_for_it(jobs: Jobs) -> None:
    job = put(jobs)
    jobs.done(jobs.claim("a", LEASE), "a", "r", {"read": 5.0})
    with pytest.raises(JobStateError):
        jobs.retry(job.id)

    again = jobs.retry(job.id, with_ocr=True)

    assert (again.state, again.with_ocr, again.report_id) == (JobState.QUEUED, True, None)
    assert again.took_ms == {}
    jobs.done(jobs.claim("a", LEASE), "a", "r", {})
    with pytest.raises(JobStateError):
        jobs.retry(job.id, with_ocr=True)


def test_failed_and_cancelled_jobs_give_way_to_the_same_bytes(jobs: Jobs) -> None:
    put(jobs)
    jobs.fail(jobs.claim("a", LEASE), "a", "internal", "")
    second = put(jobs)
    jobs.cancel(second.id)
    third = put(jobs)

    assert jobs.list() == (third,)
    assert (third.state, third.error_code) == (JobState.QUEUED, None)


# ---- leases


def test_jobs_are_taken_in_the_order_they_came(jobs: Jobs) -> None:
    put_ids = [put(jobs, bytes([n])).id for n in range(3)]

    assert [jobs.claim("a", LEASE).id for _ in range(3)] == put_ids
    assert jobs.claim("a", LEASE) is None


def test_one_job_can_be_asked_for(jobs: Jobs) -> None:
    first, second = put(jobs, b"1"), put(jobs, b"2")

    assert jobs.claim("a", LEASE, only=second.id).id == second.id
    assert jobs.claim("b", LEASE, only=second.id) is None
    assert jobs.claim("b", LEASE).id == first.id


def test_a_held_job_is_nobody_elses_until_its_holder_falls_silent(jobs: Jobs, clock: Clock) -> None:
    put(jobs)
    mine = jobs.claim("a", LEASE)
    clock.now += LEASE - 1
    assert (jobs.claim("b", LEASE), jobs.is_waiting()) == (None, False)

    jobs.beat(mine, "a", stage="read", progress=0.25, lease_s=LEASE)
    clock.now += LEASE - 1
    assert jobs.claim("b", LEASE) is None
    assert (jobs.get(mine.id).stage, jobs.get(mine.id).progress) == ("read", 0.25)

    clock.now += 2
    assert jobs.is_waiting()
    theirs = jobs.claim("b", LEASE)
    assert (theirs.id, theirs.worker, theirs.attempts) == (mine.id, "b", 2)


ENDINGS = {
    "beat": lambda jobs, job: jobs.beat(job, "a", stage=None, progress=1.0, lease_s=LEASE),
    "done": lambda jobs, job: jobs.done(job, "a", "report", {}),
    "fail": lambda jobs, job: jobs.fail(job, "a", "internal", ""),
    "release": lambda jobs, job: jobs.release(job, "a"),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("loss", ["taken", "cancelled", "ended"])
def test_who_has_lost_a_job_changes_nothing_of_it(
    jobs: Jobs, clock: Clock, ending: str, loss: str
) -> None:
    put(jobs)
    mine = jobs.claim("a", LEASE)
    clock.now += LEASE + 1
    if loss == "taken":
        jobs.claim("b", LEASE)
    elif loss == "cancelled":
        jobs.cancel(mine.id)
    else:
        jobs.done(mine, "a", "report", {"read": 1.0})
    before = jobs.get(mine.id)

    with pytest.raises(LeaseLostError):
        ENDINGS[ending](jobs, mine)

    assert jobs.get(mine.id) == before


def test_a_late_beat_keeps_a_job_that_nobody_took(jobs: Jobs, clock: Clock) -> None:
    put(jobs)
    mine = jobs.claim("a", LEASE)
    clock.now += 5 * LEASE

    jobs.beat(mine, "a", stage="embed", progress=0.5, lease_s=LEASE)

    assert jobs.claim("b", LEASE) is None


def test_a_file_that_ends_its_worker_is_given_up(jobs: Jobs, clock: Clock) -> None:
    job = put(jobs)
    for _ in range(MAX_ATTEMPTS):
        assert jobs.claim("a", LEASE) is not None
        clock.now += LEASE + 1

    assert jobs.claim("a", LEASE) is None

    given_up = jobs.get(job.id)
    assert (given_up.state, given_up.error_code) == (JobState.FAILED, "job-attempts")
    assert given_up.worker is None
    assert jobs.claim("a", LEASE, only=jobs.retry(job.id).id).attempts == 1


def test_a_job_given_back_counts_as_not_begun(jobs: Jobs) -> None:
    put(jobs)
    jobs.release(jobs.claim("a", LEASE), "a")

    again = jobs.claim("b", LEASE)
    assert (again.attempts, again.worker) == (1, "b")


def test_many_workers_take_each_job_once(jobs: Jobs, home: Path) -> None:
    ids = {put(jobs, bytes([n])).id for n in range(12)}
    taken: list[tuple[str, int]] = []

    def work(name: str) -> None:
        with Store.open(home) as store:
            while (job := store.jobs.claim(name, LEASE)) is not None:
                taken.append((name, job.id))
                store.jobs.done(job, name, "report", {})

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(job for _, job in taken) == sorted(ids)
    assert {job.state for job in jobs.list()} == {JobState.DONE}


# ---- ends


def test_a_job_that_is_over_can_be_tried_again_with_other_wishes(jobs: Jobs) -> None:
    job = put(jobs)
    jobs.fail(jobs.claim("a", LEASE), "a", "unreadable-report.needs-ocr", "9 pages")
    failed = jobs.get(job.id)
    assert (failed.error_code, failed.error_detail) == ("unreadable-report.needs-ocr", "9 pages")

    again = jobs.retry(job.id, with_ocr=True, edition_of="abc")

    assert (again.state, again.with_ocr, again.edition_of) == (JobState.QUEUED, True, "abc")
    assert (again.error_code, again.error_detail, again.attempts) == (None, None, 0)
    with pytest.raises(ConflictError):
        jobs.retry(job.id)


def test_only_what_is_not_over_can_be_cancelled(jobs: Jobs) -> None:
    job = put(jobs)
    assert jobs.cancel(job.id).state is JobState.CANCELLED

    with pytest.raises(ConflictError):
        jobs.cancel(job.id)
    with pytest.raises(NotFoundError):
        jobs.cancel(99)
    with pytest.raises(NotFoundError):
        jobs.retry(99)


def test_a_dropped_job_takes_its_file_along_unless_a_report_has_it(
    jobs: Jobs, store: Store
) -> None:
    filing = a_filing().add_to(store)
    known, strange = put(jobs, filing.original), put(jobs, b"%PDF strange")
    with pytest.raises(ConflictError):
        jobs.forget(strange.id)
    for job in (known, strange):
        jobs.cancel(job.id)
        jobs.forget(job.id)

    assert jobs.list() == ()
    assert jobs.original_path(known).exists()
    assert not jobs.original_path(strange).exists()
    assert store.check() == ()


def test_done_jobs_are_cleared_and_the_others_stay(jobs: Jobs) -> None:
    put(jobs, b"1")
    jobs.done(jobs.claim("a", LEASE), "a", "report", {"read": 12.5})
    assert jobs.list()[0].took_ms == {"read": 12.5}
    failed, queued = put(jobs, b"2"), put(jobs, b"3")
    jobs.fail(jobs.claim("a", LEASE), "a", "internal", "")

    assert jobs.clear_done() == 1

    assert [job.id for job in jobs.list()] == [queued.id, failed.id]
    assert jobs.unfinished() == {queued.sha256}


# ---- with the report


def held(job: Job, worker: str) -> Holding:
    return Holding(job_id=job.id, worker=worker, took_ms={"read": 3.0})


def test_a_report_and_the_end_of_its_job_are_one(store: Store) -> None:
    filing = a_filing()
    put(store.jobs, filing.original)
    job = store.jobs.claim("a", LEASE)

    store.add_report(*filing_parts(filing), job=held(job, "a"))

    ended = store.jobs.get(job.id)
    assert (ended.state, ended.report_id) == (JobState.DONE, filing.report.id)
    assert (ended.progress, ended.took_ms, ended.worker) == (1.0, {"read": 3.0}, None)


def test_without_the_lease_nothing_of_the_report_is_stored(store: Store) -> None:
    filing = a_filing()
    put(store.jobs, filing.original)
    job = store.jobs.claim("a", LEASE)
    store.jobs.cancel(job.id)

    with pytest.raises(LeaseLostError):
        store.add_report(*filing_parts(filing), job=held(job, "a"))

    assert (store.reports(), store.lesson_ids(), store.generation()) == ((), (), 0)
    assert store.check() == ()


def test_an_edition_is_held_until_it_is_linked(store: Store) -> None:
    filing = a_filing()
    put(store.jobs, filing.original, edition_of="older")
    job = store.jobs.claim("a", LEASE)

    store.add_report(*filing_parts(filing), job=held(job, "a"))

    stored = store.jobs.get(job.id)
    assert (stored.state, stored.worker) == (JobState.RUNNING, "a")
    assert stored.report_id == filing.report.id


def test_the_same_report_is_not_stored_by_a_second_job(store: Store) -> None:
    filing = a_filing().add_to(store)
    put(store.jobs, filing.original)
    job = store.jobs.claim("a", LEASE)

    with pytest.raises(AlreadyIngestedError):
        store.add_report(*filing_parts(filing), job=held(job, "a"))

    assert store.jobs.get(job.id) == job


def filing_parts(filing: object) -> tuple[object, ...]:
    names = [name for name in filing.__slots__ if name != "tokens"]
    return tuple(getattr(filing, name) for name in names)


# ---- any history


class Histories(RuleBasedStateMachine):
    """Whatever workers and people do, a job is held by one and only its holder ends it."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(Path(self.folder.name))
        self.clock = Clock()
        self.jobs = Jobs(self.store._connection, Path(self.folder.name), self.clock)
        self.holder: dict[int, tuple[str, float]] = {}
        self.names = 0

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(original=st.sampled_from([b"1", b"2"]))
    def put(self, original: bytes) -> None:
        put(self.jobs, original)

    @rule(seconds=st.sampled_from([1.0, 6.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(target=claims)
    def claim(self) -> object:
        self.names += 1
        name = f"w{self.names}"
        job = self.jobs.claim(name, LEASE)
        if job is None:
            return None
        if job.id in self.holder:
            assert self.holder[job.id][1] < self.clock.now
        self.holder[job.id] = (name, self.clock.now + LEASE)
        return job, name

    @rule(claim=claims)
    def beat(self, claim: object) -> None:
        self._try(claim, "beat")

    @rule(claim=consumes(claims), ending=st.sampled_from(["done", "fail", "release"]))
    def end(self, claim: object, ending: str) -> None:
        self._try(claim, ending)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        listed = self.jobs.list()
        if listed:
            job = data.draw(st.sampled_from(listed))
            if job.state.is_over:
                return
            self.jobs.cancel(job.id)
            self.holder.pop(job.id, None)

    def _try(self, claim: object, verb: str) -> None:
        if claim is None:
            return
        job, name = claim
        mine = self.holder.get(job.id, ("", 0.0))[0] == name
        calls = {
            "beat": lambda: self.jobs.beat(job, name, stage="x", progress=0.5, lease_s=LEASE),
            "done": lambda: self.jobs.done(job, name, "r", {}),
            "fail": lambda: self.jobs.fail(job, name, "internal", ""),
            "release": lambda: self.jobs.release(job, name),
        }
        if not mine:
            with pytest.raises(LeaseLostError):
                calls[verb]()
            return
        calls[verb]()
        if verb == "beat":
            self.holder[job.id] = (name, self.clock.now + LEASE)
        else:
            del self.holder[job.id]

    @invariant()
    def the_table_knows_the_holders(self) -> None:
        listed = self.jobs.list()
        running = {job.id: job.worker for job in listed if job.state is JobState.RUNNING}
        given_up = {job.id for job in listed if job.error_code == "job-attempts"}
        for one in given_up:
            self.holder.pop(one, None)
        assert running == {one: name for one, (name, _) in self.holder.items()}
        unfinished = [job.sha256 for job in listed if not job.state.is_over]
        assert len(unfinished) == len(set(unfinished))
        assert all(job.attempts <= MAX_ATTEMPTS for job in listed)
        assert all(self.jobs.original_path(job).exists() for job in listed)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
