"""A program kept beside another: started again when it falls, gone when the other is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.attend import attended

ROOT = Path(__file__).resolve().parents[2]
NOTING = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); "
OBEDIENT = NOTING + "sys.stdin.read()"
STUBBORN = (
    NOTING
    + "import threading; from kb.attend import leave_with_parent; "
    + "leave_with_parent(threading.Event()); threading.Event().wait()"
)
FALLING = NOTING + "sys.exit(3)"


def pids(notes: Path) -> list[int]:
    return [int(line) for line in notes.read_text().split()] if notes.exists() else []


def wait_for(is_so: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().split(") ")[1][0] != "Z"


def test_it_runs_while_the_block_does_and_ends_with_it(tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    with attended([sys.executable, "-c", OBEDIENT, str(notes)]):
        wait_for(lambda: pids(notes))
        [pid] = pids(notes)
        assert lives(pid)

    assert not lives(pid)


def test_what_falls_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kb.attend._FIRST_PAUSE_S", 0.05)
    notes = tmp_path / "notes"

    with attended([sys.executable, "-c", FALLING, str(notes)]):
        wait_for(lambda: len(pids(notes)) >= 2)

    assert "ended with 3" in caplog.text


@pytest.mark.parametrize("program", [OBEDIENT, STUBBORN], ids=["obedient", "stubborn"])
def test_it_does_not_outlive_a_parent_that_is_killed(tmp_path: Path, program: str) -> None:
    notes = tmp_path / "notes"
    parent = (
        "import sys, time; from kb.attend import attended\n"
        f"with attended([sys.executable, '-c', {program!r}, {str(notes)!r}]): time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT) as process:
        wait_for(lambda: pids(notes))
        process.send_signal(signal.SIGKILL)

    wait_for(lambda: not lives(pids(notes)[0]))


@pytest.mark.model
def test_the_site_reads_what_is_queued_and_leaves_no_process_behind(tmp_path: Path) -> None:
    import hashlib

    from kb.store import JobState, Store

    text = "Sluttrapport\n\n1. Erfaringer\n\nStyret burde ha møttes oftere.\n".encode()
    home = tmp_path.resolve() / "home"
    with Store.open(home) as store:
        sha256 = hashlib.sha256(text).hexdigest()
        job = store.jobs.put(sha256=sha256, file="rapport.txt", original=text, by="kari")
    cache = os.environ.get("TEST_MODEL_CACHE", str(ROOT / ".kb" / "test-models"))
    (home / "models").symlink_to(Path(cache) / "models")
    command = [sys.executable, "-m", "kb", "serve", "--port", "0"]
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "KB_HOME": str(home),
        "PYTHONPATH": str(ROOT),
    }
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as site:
        assert site.stdout is not None
        site.stdout.readline()  # it tells its address: requests are answered, whatever is read
        with Store.open(home) as store:
            wait_for(lambda: store.jobs.get(job.id).state.is_over, 60)
            ended = store.jobs.get(job.id)
        site.send_signal(signal.SIGKILL)

    assert (ended.state, ended.error_code) == (JobState.DONE, None)
    wait_for(lambda: not _living_in(tmp_path.resolve()))


def _living_in(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append(process.name)
        except OSError:
            continue
    return found
