"""Killed at any point of a write, the store has all of it or nothing, and what was said is there.

The child forks once per point; each fork lays its trap into SQLAlchemy and the file writer, and
dies there by SIGKILL. The product knows nothing of it.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kb.domain import Status
from kb.store import Store
from tests.make import a_filing, set_status

FIRST = a_filing("Styret møttes for sjelden.", "Små steg først.", original=b"first")
SECOND = a_filing("Næringshagen ga hjelp.", original=b"second")

ADD_POINTS = [
    "file: before",
    "file: half written",
    "file: whole",
    "BEGIN IMMEDIATE",
    "UPDATE state",
    "INSERT INTO report",
    "INSERT INTO page",
    "INSERT INTO lesson ",
    "INSERT INTO evidence_span",
    "INSERT INTO vector",
    "INSERT INTO lesson_grams",
    "COMMIT",
]
REMOVE_POINTS = ["DELETE FROM lesson_grams", "INSERT INTO gone", "DELETE FROM report", "COMMIT"]
STATUS_POINTS = ["UPDATE lesson ", "DELETE FROM lesson_grams", "COMMIT"]
CASES = [
    *(("add", point) for point in ADD_POINTS),
    *(("remove", point) for point in REMOVE_POINTS),
    *(("status", point) for point in STATUS_POINTS),
]

CHILD = """
import json, os, signal, sys
from pathlib import Path

import alembic.command  # once, before the forks
from sqlalchemy import Engine, event

from kb.domain import Status
from kb.store import Store, files
from tests.make import a_filing, set_status

FIRST = a_filing("Styret møttes for sjelden.", "Små steg først.", original=b"first")
SECOND = a_filing("Næringshagen ga hjelp.", original=b"second")


def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)


def lay_trap(point):
    whole = files.keep
    if point == "file: before":
        files.keep = die
    elif point == "file: half written":
        os.fsync = die
    elif point == "file: whole":
        files.keep = lambda *args: (whole(*args), die())
    elif point == "COMMIT":
        event.listen(Engine, "commit", die)
    else:
        event.listen(
            Engine,
            "after_cursor_execute",
            lambda conn, cursor, statement, *rest: statement.startswith(point) and die(),
        )


def run(home, verb, point):
    store = Store.open(Path(home))
    FIRST.add_to(store)
    lay_trap(point)
    if verb == "add":
        SECOND.add_to(store)
    elif verb == "remove":
        store.remove_report(FIRST.report.id)
    else:
        set_status(store, store.lesson_ids(), Status.RETIRED)


ends = []
for home, verb, point in json.load(sys.stdin):
    child = os.fork()
    if child == 0:
        try:
            run(home, verb, point)
        finally:
            os._exit(0)
    ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(ends))
"""


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], tuple[Path, int]]:
    """Home and exit code of a child killed at each point."""
    homes = [tmp_path_factory.mktemp("crash") / "home" for _ in CASES]
    tasks = [[str(home), *case] for home, case in zip(homes, CASES, strict=True)]
    out = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(tasks),
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(zip(CASES, zip(homes, json.loads(out.stdout), strict=True), strict=True))


@pytest.mark.parametrize(("verb", "point"), CASES)
def test_a_killed_write_leaves_all_as_it_was(
    crashed: dict[tuple[str, str], tuple[Path, int]], verb: str, point: str
) -> None:
    home, code = crashed[verb, point]

    assert code == -signal.SIGKILL, f"{point!r} was never reached"
    with Store.open(home) as store:
        assert store.generation() == 1
        assert [each.report for each in store.reports()] == [FIRST.report]
        assert store.pages(FIRST.report.id) == FIRST.pages
        ids = [lesson.id for lesson in FIRST.lessons]
        assert store.lessons(ids) == dict(zip(ids, FIRST.lessons, strict=True))
        assert store.changed_since(1) == frozenset()
        assert store.check() == ()

        if verb == "add":
            SECOND.add_to(store)
        elif verb == "remove":
            store.remove_report(FIRST.report.id)
        else:
            assert set_status(store, ids, Status.RETIRED) == 2
        assert store.generation() == 2
        assert store.check() == ()


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Store.open(home).close()
    reader, writer = os.pipe()
    code = (
        "import os, sys; from itertools import count; from pathlib import Path\n"
        "from kb.store import Store; from tests.make import a_filing\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "for n in count():\n"
        "    filing = a_filing(f'Råd {n}.', f'Svar {n}.', original=str(n).encode()).add_to(store)\n"
        "    os.write(int(sys.argv[2]), filing.report.id.encode())\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(home), str(writer)], pass_fds=[writer]
    )
    os.close(writer)
    acknowledged = [os.read(reader, 12).decode() for _ in range(20)]
    child.kill()
    child.wait()
    while said := os.read(reader, 12):
        acknowledged.append(said.decode())
    os.close(reader)

    with Store.open(home) as store:
        kept = [each.report.id for each in reversed(store.reports())]
        assert kept[: len(acknowledged)] == acknowledged
        assert len(kept) <= len(acknowledged) + 1
        assert store.generation() == len(kept)
        assert len(store.lesson_ids()) == 2 * len(kept)
        assert store.check() == ()
