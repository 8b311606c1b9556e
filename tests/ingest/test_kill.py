"""`kill -9` at random instants of `kb ingest`: what is in the base in the end is what would be.

Reports in two formats come in, a person decides, a corrected edition follows, the person decides
again. The commands are killed and given anew until they are done, as staff would do. Everything
known is then compared with a run that nobody disturbed. `python -m tests.ingest.test_kill 20` does
it with as many kills as it is told to.
"""

import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kb.desk import Desk, Edit
from kb.domain import Status
from kb.store import Store
from tests.fakes import WordHashEncoder

ROOT = Path(__file__).resolve().parents[2]
KILLS = 6
"""In the test suite; twenty take a minute."""
SEED = 20_260

TEXT = """Sluttrapport fra Nye Tenkevik 2016–2021

1. Erfaringer

Det viktigste vi lærte, er at styret bør møtes oftere enn fire ganger i året. Styret møttes for
sjelden, og derfor ble mange saker liggende.

Programmet burde ha ansatt programleder tidligere, for det første året gikk uten framdrift.

Det var en styrke at næringslivet hadde flertall i styret, fordi bedriftene da kjente seg igjen.

2. Råd

Vi anbefaler at neste program avtaler rollene med næringshagen før det første prosjektet starter.

Kommunen bør sette av en fast stilling til utvikling før programmet er slutt.

Det lønner seg å si nei til prosjekter som ingen bedrift vil bruke egne timer på.
"""
CORRECTED = TEXT.replace("fire ganger", "fem ganger").replace("fast stilling", "hel stilling")

STABLE = """
import json, os, sys, time

import alembic.command, faiss, ingest.work, kb.desk, kb.search  # once, before the forks
import kb.embed
from ingest.work import Worker
from kb.__main__ import main
from tests.fakes import WordHashEncoder

kb.embed.open_encoder = lambda model, cache: WordHashEncoder()
Worker.__init__.__kwdefaults__["lease_s"] = 0.4

for line in sys.stdin:
    task = json.loads(line)
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.environ["KB_HOME"] = task["home"]
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0), os.dup2(null, 1)
            main(task["arguments"], standalone_mode=False)
            code = 0
        except SystemExit as leaving:
            code = leaving.code or 0
        finally:
            os._exit(code)
    code = None
    while code is None:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
        elif task["kill_at"] is not None and time.monotonic() - started > task["kill_at"]:
            os.kill(child, 9)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        else:
            time.sleep(0.002)
    print(json.dumps([code, time.monotonic() - started]), flush=True)
"""


class Stable:
    """Runs `kb` commands in forks of one process that has imported everything already."""

    def __init__(self, folder: Path) -> None:
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", STABLE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,  # so that a process it leaves behind can be told from others
            env=environ,
        )

    def run(self, home: Path, *arguments: str, kill_at: float | None = None) -> tuple[int, float]:
        """Return the exit code of the command (-9: killed) and the seconds it took."""
        task = {"home": str(home), "arguments": arguments, "kill_at": kill_at}
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        code, seconds = json.loads(self._process.stdout.readline())
        return code, seconds

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Story:
    """What staff do, step by step; commands may be killed, decisions may not."""

    def __init__(self, folder: Path, stable: Stable) -> None:
        self._stable = stable
        (folder / "in").mkdir()
        self._files = folder / "in"
        (self._files / "tenkevik.txt").write_text(TEXT, encoding="utf-8")
        (self._files / "tenkevik2.txt").write_text(CORRECTED, encoding="utf-8")
        for name in ("granvika", "nordlia"):
            shutil.copy(ROOT / "corpus" / "reports" / name / f"{name}.pdf", self._files)
        self.seconds: list[float] = []
        self.kills = 0

    def tell(self, home: Path, dice: random.Random | None = None, *, most: int = 0) -> None:
        """Let it happen in ``home``; with ``dice``, kill each command at instants they choose."""
        text, pdf = self._files / "tenkevik.txt", self._files / "granvika.pdf"
        self._command(0, home, dice, most, "ingest", "--skip-existing", str(text), str(pdf))
        old = _report_of(home, "tenkevik.txt")
        _decide(home, old)
        self._command(
            1, home, dice, most, "ingest", "--edition-of", old, str(self._files / "tenkevik2.txt")
        )
        _decide_again(home, _report_of(home, "tenkevik2.txt"))
        last = self._files / "nordlia.pdf"
        self._command(2, home, dice, most, "ingest", "--skip-existing", "--publish", str(last))

    def _command(
        self, step: int, home: Path, dice: random.Random | None, most: int, *arguments: str
    ) -> None:
        while dice and self.kills < most:
            kill_at = dice.uniform(0, self.seconds[step])
            code, _ = self._stable.run(home, *arguments, kill_at=kill_at)
            if code != -9:
                assert code == 0
                break
            self.kills += 1
            _check_nothing_is_torn(home)
            if dice.random() < 0.4:
                break
        code, seconds = self._stable.run(home, *arguments)
        assert code == 0, arguments
        if dice is None:
            self.seconds.append(seconds)


def _check_nothing_is_torn(home: Path) -> None:
    if (home / "erfaringsbanken.db").exists():
        with Store.open(home) as store:
            assert store.check() == ()


def _report_of(home: Path, file: str) -> str:
    with Store.open(home) as store:
        [found] = [each.report.id for each in store.reports() if each.report.file == file]
    return found


def _decide(home: Path, report: str) -> None:
    with Store.open(home) as store:
        desk = Desk(store, WordHashEncoder, "kari")
        first, second, third, *_ = store.lessons(store.lesson_ids(report_id=report)).values()
        desk.approve({first.id: first.version})
        desk.reject({second.id: second.version}, "for generelt")
        desk.edit(third.id, third.version, Edit(statement="Ansett programleder tidlig."))
        desk.approve_and_publish(report)


def _decide_again(home: Path, report: str) -> None:
    with Store.open(home) as store:
        desk = Desk(store, WordHashEncoder, "ola")
        lessons = store.lessons(store.lesson_ids(report_id=report, status=Status.CANDIDATE))
        assert lessons, "the corrected passages wait for a person"
        last = list(lessons.values())[-1]
        desk.reject({last.id: last.version}, "endret mening")
        desk.approve_and_publish(report)


CONTENT = {
    "programme": "*",
    "report": "id, programme, programme_name, file, sha256, title, report_type, client, contractor,"
    " year, language, pages, note, status, sources, edition_of, text_key",
    "page": "*",
    "lesson": "id, report_id, position, statement, is_edited, kind, phase, status, language,"
    " reason, kind_reason, phase_reason, confidence, merged_into, previous, has_changed",
    "lesson_theme": "*",
    "evidence": "*",
    "evidence_span": "*",
    "vector": "*",
    "relation": "*",
    "change": 'id, "by", action, report_id, reason, undoes',
    "change_item": "*",
    "job": "sha256, file, state, report_id, error_code",
}


def content(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that is known but generations and times; jobs by how they ended, a done one once."""
    with closing(sqlite3.connect(home / "erfaringsbanken.db")) as connection:
        return {
            table: sorted(set(connection.execute(f"SELECT {columns} FROM {table}")), key=repr)
            for table, columns in CONTENT.items()
        }


def digest(home: Path) -> str:
    return hashlib.sha256(repr(content(home)).encode()).hexdigest()


def left_behind(folder: Path) -> list[int]:
    """Processes that still live in ``folder``: only `kb` commands and what they started do."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def kill_and_compare(folder: Path, kills: int, seed: int = SEED) -> tuple[int, int]:
    """Return how many kills there were, in how many tellings of the story; each ended the same."""
    stable = Stable(folder)
    try:
        story = Story(folder, stable)
        story.tell(folder / "undisturbed")
        wanted = content(folder / "undisturbed")
        dice = random.Random(seed)
        tellings = 0
        while story.kills < kills:
            home = folder / f"killed{tellings}"
            story.tell(home, dice, most=kills)
            tellings += 1
            found = content(home)
            for table, rows in wanted.items():
                assert found[table] == rows, table
            assert digest(home) == digest(folder / "undisturbed")
            with Store.open(home) as store:
                assert store.check() == ()
                assert {change.by for change in store.changes.history()} >= {"kari", "ola"}
                assert store.jobs.unfinished() == frozenset()
            assert list(home.glob("work/*")) == []
    finally:
        stable.close()
    deadline = time.monotonic() + 5
    while left_behind(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind(folder) == []
    return story.kills, tellings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path.resolve()


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks for processes in /proc")
def test_killed_at_random_instants_the_base_ends_as_if_nothing_had_happened(folder: Path) -> None:
    kills, _ = kill_and_compare(folder, KILLS)

    assert kills == KILLS


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        kills, tellings = kill_and_compare(folder, wanted)
        told = digest(folder / "undisturbed")[:16]
    took = time.monotonic() - started
    print(f"{kills} kills in {tellings} tellings, content {told} each time, {took:.0f} s")


if __name__ == "__main__":
    main()
