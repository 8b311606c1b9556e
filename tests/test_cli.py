"""The program ``kb`` as people and other programs meet it: words, exit codes and fixed JSON."""

import gc
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kb.__main__ import main
from kb.errors import ModelUnavailableError
from kb.store import Store
from kb.text import slugify
from tests.fakes import WordHashEncoder
from tests.ingest.conftest import Text, write_pdf

ROOT = Path(__file__).resolve().parents[1]

TENKEVIK = """Sluttrapport fra Nye Tenkevik 2016–2021

1. Erfaringer

Det viktigste vi lærte, er at styret bør møtes oftere enn fire ganger i året. Styret møttes for
sjelden, og derfor ble mange saker liggende.

2. Råd

Vi anbefaler at neste program avtaler rollene med næringshagen før det første prosjektet starter.
"""
SKODDE = TENKEVIK.replace("Tenkevik", "Skodde").replace("fire ganger", "tre ganger")

Kb = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def kb(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kb]:
    """Run a command in this process, with a base of its own and an encoder without a model."""
    monkeypatch.setattr("kb.embed.open_encoder", lambda model, cache: WordHashEncoder())
    monkeypatch.setenv("KB_HOME", str(home))
    runner = CliRunner()

    def run(*arguments: object, **options: object) -> Result:
        result = runner.invoke(main, [str(one) for one in arguments], **options)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    yield run
    gc.enable()  # `kb search` turns it off, as its process ends right after


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file to read in."""

    def write(name: str, data: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


@pytest.fixture
def tenkevik(kb: Kb, put: Callable[..., Path]) -> str:
    """Read in and publish the report of Tenkevik; return its id."""
    result = kb("ingest", "--publish", "--json", put("tenkevik.txt", TENKEVIK))
    return str(json.loads(result.stdout)["reports"][0]["id"])


# ---- ingest


def test_a_text_file_becomes_lessons_to_be_published(kb: Kb, put: Callable[..., Path]) -> None:
    result = kb("ingest", put("tenkevik.txt", TENKEVIK))

    assert result.exit_code == 0
    assert result.stderr == ""
    told = re.fullmatch(
        r"tenkevik\.txt: (\d+) lærdommer, 1 sider \(rapport ([0-9a-f]{12})\)\n", result.stdout
    )
    assert told
    assert int(told[1]) > 0
    listed = kb("lessons", "--status", "candidate", "--report", told[2], "--json")
    assert len(json.loads(listed.stdout)["lessons"]) == int(told[1])


def test_ingest_tells_the_counts_as_json(kb: Kb, put: Callable[..., Path]) -> None:
    result = kb("ingest", "--json", put("tenkevik.txt", TENKEVIK))

    data = json.loads(result.stdout)
    assert list(data) == ["reports"]
    [one] = data["reports"]
    assert list(one) == ["id", "file", "lessons", "pages", "problems", "took_ms"]
    assert (one["file"], one["pages"], one["problems"]) == ("tenkevik.txt", 1, [])
    stages = ["read", "layout", "sections", "frontmatter", "lessons", "embed", "tags", "merge"]
    stages.append("tokens")
    assert list(one["took_ms"]) == stages
    assert all(isinstance(took, float) and took >= 0 for took in one["took_ms"].values())


def test_the_same_file_again_is_refused_with_the_report_it_is(
    kb: Kb, put: Callable[..., Path], tenkevik: str, home: Path
) -> None:
    with Store.open(home) as store:
        before = store.generation()

    again = kb("ingest", put("another name.txt", TENKEVIK))

    assert again.exit_code == 3
    assert again.stdout == ""
    assert "another name.txt: Denne rapporten er allerede lest inn." in again.stderr
    assert f"[already-ingested] (rapport {tenkevik})" in again.stderr
    with Store.open(home) as store:
        assert store.generation() == before
        assert len(store.reports()) == 1
    assert len(list((home / "files").iterdir())) == 1


def test_the_same_file_twice_in_one_go_is_stored_once(kb: Kb, put: Callable[..., Path]) -> None:
    path = put("tenkevik.txt", TENKEVIK)

    assert kb("ingest", path, path).exit_code == 3
    assert len(json.loads(kb("reports", "--json").stdout)["reports"]) == 1


@pytest.mark.usefixtures("tenkevik")
def test_skip_existing_passes_by_in_silence(kb: Kb, put: Callable[..., Path]) -> None:
    known, new = put("tenkevik.txt", TENKEVIK), put("skodde.txt", SKODDE)

    alone = kb("ingest", "--skip-existing", known)
    both = kb("ingest", "--skip-existing", known, new)

    assert (alone.exit_code, alone.output) == (0, "")
    assert both.exit_code == 0
    assert both.output.startswith("skodde.txt: ")
    assert "tenkevik.txt" not in both.output


PDF = write_pdf([[Text(f"Linje nummer {n}.", 70, 760 - 15 * n) for n in range(20)]])
BAD_FILES = {  # with what the door lets in: only that can be tried again
    "empty.txt": (b"", "empty"),
    "empty.pdf": (b"", "empty"),
    "picture.pdf": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "not-a-report"),
    "cut.pdf": (PDF[: len(PDF) // 3], "damaged"),
    "missing.pdf": (None, "missing"),
    "folder.pdf": ("a folder", "missing"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_gives_no_report_is_refused_and_leaves_nothing(
    kb: Kb, tmp_path: Path, home: Path, name: str
) -> None:
    data, reason = BAD_FILES[name]
    if isinstance(data, bytes):
        (tmp_path / name).write_bytes(data)
    elif data:
        (tmp_path / name).mkdir()

    result = kb("ingest", tmp_path / name)

    assert result.exit_code == 3
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert re.fullmatch(rf"{re.escape(name)}: .+\. \[unreadable-report\.{reason}\]", line)
    assert kb("reports").exit_code == 1
    [*tried] = json.loads(kb("jobs", "--json").stdout)["jobs"]
    assert [one["error_code"] for one in tried] == (
        [f"unreadable-report.{reason}"] if reason == "damaged" else []
    )
    for one in tried:
        assert kb("jobs", "--drop", one["id"]).exit_code == 1
    assert [*home.glob("files/*")] == []


def test_a_file_over_the_limit_is_refused(
    kb: Kb, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KB_MAX_FILE_MB", "1")

    result = kb("ingest", put("large.txt", b"x" * 1_000_001))

    assert result.exit_code == 3
    assert "[unreadable-report.too-large]" in result.stderr


def test_a_file_with_too_much_to_compare_is_refused(
    kb: Kb, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.pipeline._MOST_CANDIDATES", 1)

    result = kb("ingest", put("tenkevik.txt", TENKEVIK))

    assert result.exit_code == 3
    assert "[unreadable-report.limit]" in result.stderr


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_bad_file_in_the_middle_does_not_stop_the_others(
    kb: Kb, put: Callable[..., Path], flags: tuple[str, ...]
) -> None:
    files = [put("a.txt", TENKEVIK), put("b.pdf", b"\x89PNG\r\n"), put("c.txt", SKODDE)]

    result = kb("ingest", *flags, *files)

    assert result.exit_code == 3
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["b.pdf"]
    stored = json.loads(kb("reports", "--json").stdout)["reports"]
    assert sorted(one["file"] for one in stored) == ["a.txt", "c.txt"]
    if flags:
        told = [one["file"] for one in json.loads(result.stdout)["reports"]]
        assert told == ["a.txt", "c.txt"]


# ---- search and lists

LESSON = {
    "id": str,
    "statement": str,
    "kind": str,
    "themes": list,
    "phase": (str, type(None)),
    "status": str,
    "programme": str,
    "report": str,
    "quotes": list,
}
HIT = {
    "id": str,
    "score": float,
    "rank": int,
    "statement": str,
    "kind": str,
    "themes": list,
    "phase": (str, type(None)),
    "programme": str,
    "report": str,
    "match": str,
    "quotes": list,
    "report_type": (str, type(None)),
    "year": (int, type(None)),
    "nearly_same": list,
}
RESULT = {
    "query": str,
    "no_match": bool,
    "total": int,
    "took_ms": float,
    "results": list,
    "state": str,
    "weak": list,
    "did_you_mean": (str, type(None)),
    "hints": list,
}
QUOTE = {"text": str, "page": int, "section": str}
REPORT = {
    "id": str,
    "file": str,
    "title": (str, type(None)),
    "programme": (str, type(None)),
    "place": (str, type(None)),
    "programme_type": (str, type(None)),
    "report_type": (str, type(None)),
    "period_from": (int, type(None)),
    "period_to": (int, type(None)),
    "year": (int, type(None)),
    "contractor": (str, type(None)),
    "language": str,
    "pages": (int, type(None)),
    "sha256": str,
    "lessons": int,
    "status": str,
    "counts": dict,
    "edition_of": (str, type(None)),
    "context": dict,
}


def assert_shape(data: dict[str, object], shape: dict[str, object]) -> None:
    """Exactly these names in this order, with values of these types."""
    assert list(data) == list(shape)
    for name, kinds in shape.items():
        assert isinstance(data[name], kinds), (name, data[name])
        assert isinstance(data[name], bool) == (kinds is bool), name


def test_search_tells_a_reader_where_it_stands(kb: Kb, tenkevik: str) -> None:
    result = kb("search", "Hvor ofte bør styret møtes?")

    assert result.exit_code == 0
    first, *rest = result.stdout.splitlines()
    assert re.fullmatch(r"\d+ lærdommer fra 1 av 1 programmer", first)
    assert rest[1].startswith("1. ")
    assert any(line.endswith("tenkevik.txt, side 1") for line in rest)


def test_search_prints_fixed_json(kb: Kb, tenkevik: str) -> None:
    result = kb("search", "Hvor ofte bør styret møtes?", "--json")

    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert_shape(data, RESULT)
    assert data["query"] == "Hvor ofte bør styret møtes?"
    assert data["total"] == len(data["results"]) > 0
    for rank, hit in enumerate(data["results"], start=1):
        assert_shape(hit, HIT)
        assert hit["rank"] == rank
        assert hit["match"] in {"words", "meaning", "both"}
        assert hit["quotes"]
        for quote in hit["quotes"]:
            assert_shape(quote, QUOTE)
            assert quote["text"] in " ".join(TENKEVIK.split())
    assert "styret bør møtes oftere" in data["results"][0]["quotes"][0]["text"]


def test_nothing_found_is_said_and_told_by_the_exit_code(kb: Kb, tenkevik: str) -> None:
    plain, data = kb("search", "zqxwv"), kb("search", "zqxwv", "--json")

    assert (plain.exit_code, data.exit_code) == (1, 1)
    assert plain.stdout.startswith("Ingen lærdommer passer")
    found = json.loads(data.stdout)
    assert_shape(found, RESULT)
    assert (found["no_match"], found["total"], found["results"]) == (True, 0, [])
    assert (found["state"], found["weak"]) == ("nothing", [])


def test_the_command_line_groups_orders_and_reads_the_syntax(kb: Kb, tenkevik: str) -> None:
    plain = json.loads(kb("search", "styret", "--json").stdout)
    grouped = json.loads(kb("search", "styret", "--json", "--group", "fase").stdout)
    narrow = kb("search", 'styret tema:finnesikke "styret bør møtes oftere"', "--sort", "nyest")

    assert (grouped["total"], grouped["results"]) == (plain["total"], [])
    firsts = [hit["id"] for group in grouped["groups"] for hit in group["results"]]
    assert plain["results"][0]["id"] == firsts[0]
    assert narrow.exit_code == 0
    assert narrow.stdout.startswith("«tema:finnesikke» finnes ikke")
    assert "1 lærdommer fra 1 av 1 programmer" in narrow.stdout


def test_k_and_filters_narrow_the_answer(kb: Kb, put: Callable[..., Path], tenkevik: str) -> None:
    kb("ingest", "--publish", put("skodde.txt", SKODDE))

    def found(*arguments: str) -> list[dict[str, object]]:
        data = json.loads(kb("search", "styret bør møtes oftere", "--json", *arguments).stdout)
        return list(data["results"])

    everything = found()
    assert {hit["report"] for hit in everything} == {"tenkevik.txt", "skodde.txt"}
    assert found("-k", "1") == everything[:1]
    by_kind = {hit["kind"] for hit in found("--kind", str(everything[0]["kind"]))}
    assert by_kind == {everything[0]["kind"]}
    assert found("--year", "1066") == []
    two = found("--kind", "success", "--kind", "warning", "--kind", "recommendation")
    assert {hit["kind"] for hit in two} <= {"success", "warning", "recommendation"}
    theme = next(theme for hit in everything for theme in hit["themes"])
    assert found("--theme", theme) == [
        {**hit, "rank": rank}
        for rank, hit in enumerate((x for x in everything if theme in x["themes"]), start=1)
    ]
    slug = slugify(str(everything[0]["programme"]))
    here = {hit["programme"] for hit in found("--programme", slug)}
    assert here == {everything[0]["programme"]} < {hit["programme"] for hit in everything}


@pytest.mark.parametrize(
    "arguments",
    [
        ("search",),
        ("search", "x", "-k", "0"),
        ("search", "x", "-k", "1001"),
        ("search", "x", "--year", "twenty"),
        ("search", "x", "y"),
        ("search", ""),
        ("search", " \n"),
        ("search", "\u200b"),
        ("search", "\0"),
        ("search", "x", "--phase", "nobody-has-this"),
        ("search", "x", "--kind", "nobody-has-this"),
        ("search", "x", "--programme-type", "nobody-has-this"),
        ("search", "x", "--report-type", "nobody-has-this"),
        ("ingest", "--name", "x.pdf", "a.pdf", "b.pdf"),
        ("ingest", "--edition-of", "x", "a.pdf", "b.pdf"),
        ("withdraw", "x"),
        ("undo", "x"),
        ("lessons", "--status", "nice"),
        ("ingest",),
        ("publish",),
        ("serve", "--port", "70000"),
        ("nosuch",),
        ("--nosuch",),
    ],
)
def test_wrong_use_is_told_by_the_exit_code(kb: Kb, arguments: tuple[str, ...]) -> None:
    assert kb(*arguments).exit_code == 2


@pytest.mark.parametrize("text", ["?!", "og i det", "🙂", "x" * 10_000, '" OR *'])
def test_no_question_breaks_the_command(kb: Kb, tenkevik: str, text: str) -> None:
    for flags in ((), ("--json",)):
        assert kb("search", text, *flags).exit_code in {0, 1}


def test_half_a_surrogate_pair_from_the_shell_is_refused(kb: Kb, tenkevik: str) -> None:
    """What the shell gives for bytes that are not UTF-8."""
    for text in ("styret \udcff", "\udcff"):
        for flags in ((), ("--json",)):
            result = kb("search", text, *flags)
            assert result.exit_code == 3
            assert "[invalid-query]" in result.stderr


def test_an_option_like_question_can_be_asked(kb: Kb, tenkevik: str) -> None:
    assert kb("search", "--", "--styret").exit_code in {0, 1}


def test_lessons_prints_fixed_json(kb: Kb, tenkevik: str) -> None:
    result = kb("lessons", "--json")

    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert list(data) == ["lessons"]
    assert data["lessons"]
    for one in data["lessons"]:
        assert_shape(one, LESSON)
        assert one["status"] == "published"
        assert all(isinstance(theme, str) for theme in one["themes"])
        for quote in one["quotes"]:
            assert_shape(quote, QUOTE)
    lines = kb("lessons").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [one["id"] for one in data["lessons"]]


def test_no_lessons_is_told_by_the_exit_code(kb: Kb, tenkevik: str) -> None:
    result = kb("lessons", "--json", "--status", "rejected")

    assert (result.exit_code, json.loads(result.stdout)) == (1, {"lessons": []})


def test_reports_prints_fixed_json(kb: Kb, tenkevik: str) -> None:
    result = kb("reports", "--json")

    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert list(data) == ["reports"]
    [one] = data["reports"]
    assert_shape(one, REPORT)
    assert (one["id"], one["file"], one["status"]) == (tenkevik, "tenkevik.txt", "published")
    assert one["pages"] is None
    assert one["lessons"] == len(json.loads(kb("lessons", "--json").stdout)["lessons"])
    assert kb("reports").stdout.startswith(f"{tenkevik}  ")


def test_an_empty_base_is_told_by_the_exit_code(kb: Kb) -> None:
    assert kb("search", "styret").exit_code == 1
    assert kb("lessons").exit_code == 1
    assert kb("reports").exit_code == 1
    assert kb("check").exit_code == 0
    assert kb("reindex").exit_code == 0


# ---- publish and remove


def test_candidates_are_found_once_published(kb: Kb, put: Callable[..., Path]) -> None:
    done = kb("ingest", "--json", put("tenkevik.txt", TENKEVIK))
    [one] = json.loads(done.stdout)["reports"]
    assert kb("search", "styret bør møtes oftere").exit_code == 1

    first, second = kb("publish", one["id"]), kb("publish", one["id"])

    assert (first.exit_code, second.exit_code) == (0, 3)
    assert first.stdout == f"{one['lessons']} lærdommer er publisert.\n"
    assert "Rapporten er allerede publisert" in second.stderr
    assert "[report-state.published]" in second.stderr
    assert kb("search", "styret bør møtes oftere").exit_code == 0


def test_a_step_that_the_report_is_not_ready_for_says_so(kb: Kb, put: Callable[..., Path]) -> None:
    [one] = json.loads(kb("ingest", "--json", put("tenkevik.txt", TENKEVIK)).stdout)["reports"]
    said = [kb("restore", one["id"]), kb("withdraw", one["id"], "--reason", "feil")]
    kb("remove", one["id"])
    said += [kb("publish", one["id"]), kb("remove", one["id"])]
    undone = json.loads(kb("history", "--json").stdout)["changes"][0]["id"]
    kb("undo", str(undone))
    said.append(kb("undo", str(undone)))

    assert [result.stderr.rpartition("[")[2].strip() for result in said] == [
        "report-state.not-trashed]",
        "report-state.not-published]",
        "report-state.trashed]",
        "report-state.trashed]",
        "undo.done]",
    ]
    assert {result.exit_code for result in said} == {3}


@pytest.mark.parametrize("flags", [(), ("--publish",)])
def test_a_removed_report_is_out_of_sight_until_the_undo_that_is_told(
    kb: Kb, put: Callable[..., Path], flags: tuple[str, ...]
) -> None:
    kb("ingest", *flags, put("tenkevik.txt", TENKEVIK))
    [before] = json.loads(kb("reports", "--json").stdout)["reports"]
    listed = json.loads(kb("lessons", "--json").stdout)["lessons"]

    result = kb("remove", before["id"])

    assert result.exit_code == 0
    [trashed] = json.loads(kb("reports", "--json").stdout)["reports"]
    assert trashed["status"] == "trashed"
    assert kb("search", "styret bør møtes oftere").exit_code == 1
    assert kb("lessons", "--status", "published").exit_code == 1
    assert kb("check").exit_code == 0
    assert kb("publish", before["id"]).exit_code == 3
    program, *command = shlex.split(result.stdout.partition("Angre: ")[2])
    assert program == "kb"
    assert kb(*command).exit_code == 0
    assert kb(*command).exit_code == 3
    assert kb("publish", before["id"]).exit_code == 0
    again = json.loads(kb("lessons", "--json").stdout)["lessons"]
    assert again == [{**one, "status": "published"} for one in listed]


def test_removed_for_good_nothing_is_left(kb: Kb, put: Callable[..., Path], home: Path) -> None:
    kb("ingest", put("skodde.txt", SKODDE))
    done = kb("ingest", "--json", put("tenkevik.txt", TENKEVIK))
    [one] = json.loads(done.stdout)["reports"]
    kb("publish", one["id"])
    (home / "pages" / one["id"]).mkdir(parents=True)

    assert kb("remove", "--for-good", one["id"], input="n\n").exit_code == 1
    assert len(json.loads(kb("reports", "--json").stdout)["reports"]) == 2
    assert kb("remove", "--for-good", one["id"], input="y\n").exit_code == 0

    [left] = json.loads(kb("reports", "--json").stdout)["reports"]
    assert left["file"] == "skodde.txt"
    assert kb("history").exit_code == 1
    assert [path.stem for path in (home / "files").iterdir()] == [left["sha256"]]
    assert len(json.loads(kb("jobs", "--json").stdout)["jobs"]) == 1
    assert kb("check").exit_code == 0
    assert kb("ingest", put("tenkevik.txt", TENKEVIK)).exit_code == 0


def test_remove_for_good_asks_unless_told_not_to(kb: Kb, tenkevik: str) -> None:
    assert kb("remove", "--for-good", "--yes", tenkevik).exit_code == 0
    assert kb("reports").exit_code == 1


def test_withdrawn_and_undone(kb: Kb, tenkevik: str) -> None:
    result = kb("withdraw", tenkevik, "--reason", "feil fil")

    assert kb("search", "styret bør møtes oftere").exit_code == 1
    [told] = json.loads(kb("history", tenkevik, "--json").stdout)["changes"]
    assert (told["action"], told["reason"]) == ("withdraw", "feil fil")
    assert told["by"].startswith("cli")
    assert "«feil fil»" in kb("history").stdout
    _, *command = shlex.split(result.stdout.partition("Angre: ")[2])
    assert kb(*command).exit_code == 0
    assert kb("search", "styret bør møtes oftere").exit_code == 0
    assert kb(*command).exit_code == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("publish", "0" * 12),
        ("remove", "--for-good", "--yes", "0" * 12),
        ("remove", "0" * 12),
        ("restore", "0" * 12),
        ("withdraw", "0" * 12, "--reason", "x"),
        ("undo", "99"),
        ("jobs", "--retry", "99"),
        ("jobs", "--cancel", "99"),
        ("jobs", "--drop", "99"),
        ("lessons", "--report", "0" * 12),
        ("search", "styret", "--theme", "nobody-has-this"),
        ("search", "styret", "--programme", "nobody-has-this"),
    ],
)
def test_what_is_not_there_is_refused(kb: Kb, arguments: tuple[str, ...]) -> None:
    result = kb(*arguments)

    assert result.exit_code == 3
    assert "[not-found]" in result.stderr
    assert result.stdout == ""


# ---- review


@pytest.fixture
def proposed(kb: Kb, put: Callable[..., Path]) -> str:
    """Read in the report of Tenkevik, to be reviewed; return its id."""
    done = kb("ingest", "--json", put("tenkevik.txt", TENKEVIK))
    return str(json.loads(done.stdout)["reports"][0]["id"])


def proposals(kb: Kb, report: str) -> list[dict[str, object]]:
    return list(json.loads(kb("review", report, "--json").stdout)["proposals"])


PROPOSAL = {
    "id": str,
    "version": int,
    "statement": str,
    "kind": str,
    "themes": list,
    "phase": (str, type(None)),
    "confidence": (float, type(None)),
    "reason": str,
    "kind_reason": str,
    "phase_reason": str,
    "has_changed": bool,
    "remarks": list,
    "quotes": list,
}


def test_review_lists_what_waits(kb: Kb, proposed: str) -> None:
    listed = json.loads(kb("review", "--json").stdout)["reports"]
    found = proposals(kb, proposed)

    assert listed == [{"id": proposed, "file": "tenkevik.txt", "waiting": len(found)}]
    assert kb("review").stdout == f"{proposed}  tenkevik.txt  {len(found)} forslag venter\n"
    for one in found:
        assert_shape(one, PROPOSAL)
    sure = [one["confidence"] for one in found]
    assert sure == sorted(sure, key=lambda one: -1 if one is None else one)


def test_decisions_can_be_given_at_once(kb: Kb, proposed: str) -> None:
    first, *_ = proposals(kb, proposed)

    early = kb("review", proposed, "--approve", first["id"], "--publish")
    done = kb(
        "review", proposed, "--reject", "all", "--reason", "for generelt", "--publish"
    )  # fmt: skip

    assert (early.exit_code, done.exit_code) == (3, 0)
    assert "[undecided]" in early.stderr
    assert done.stdout == "0 forslag venter.\n"
    statuses = {
        one["id"]: one["status"] for one in json.loads(kb("lessons", "--json").stdout)["lessons"]
    }
    assert statuses.pop(str(first["id"])) == "published"
    assert set(statuses.values()) == {"rejected"}
    assert kb("review").exit_code == 1
    assert kb("search", str(first["statement"])).exit_code == 0
    told = json.loads(kb("history", proposed, "--json").stdout)["changes"]
    assert [one["action"] for one in told] == ["publish", "reject", "approve"]


def test_a_person_goes_through_the_proposals_and_may_take_back(kb: Kb, proposed: str) -> None:
    found = proposals(kb, proposed)
    answers = ["r", "bare historie", "u", "e", "Møt oftere.", "a"]  # reject, undo, rewrite, approve
    answers += ["a"] * (len(found) - 1) + ["y"]

    result = kb("review", proposed, input="\n".join(answers) + "\n")

    assert result.exit_code == 0, result.output
    assert "«" in result.stdout
    assert result.stdout.endswith("Publisert.\n")
    lessons = json.loads(kb("lessons", "--json", "--status", "published").stdout)["lessons"]
    assert len(lessons) == len(found)
    assert {one["statement"] for one in lessons if one["id"] == found[0]["id"]} == {"Møt oftere."}


def test_a_person_may_skip_and_stop(kb: Kb, proposed: str) -> None:
    found = proposals(kb, proposed)

    result = kb("review", proposed, input="u\nj\nq\n")

    assert result.exit_code == 0
    assert "Ingenting å angre" in result.stdout
    assert result.stdout.endswith(f"{len(found)} forslag venter.\n")
    assert proposals(kb, proposed) == found


def test_a_proposal_is_shown_with_what_may_be_wrong_with_it(
    kb: Kb, put: Callable[..., Path]
) -> None:
    text = "Sluttrapport\n\n1. Råd\n\nVi anbefaler at Kari Nordmann blir spurt før møtet.\n"
    done = kb("ingest", "--json", put("r.txt", text))
    report = json.loads(done.stdout)["reports"][0]["id"]

    [one] = proposals(kb, report)
    shown = kb("review", report, input="q\n").stdout

    assert ["person-name", "Kari Nordmann"] in [[r["code"], r["words"]] for r in one["remarks"]]
    assert "Merk: Dette ligner et personnavn." in shown
    assert "(«Kari Nordmann»)" in shown


def test_all_of_nothing_is_no_error(kb: Kb, proposed: str) -> None:
    for _ in range(2):
        done = kb("review", proposed, "--reject", "all", "--reason", "nei")
        assert (done.exit_code, done.stdout) == (0, "0 forslag venter.\n")
    assert kb("review", proposed, "--approve", "all").exit_code == 0


def test_a_decision_made_elsewhere_meanwhile_is_not_overwritten(
    kb: Kb, proposed: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb.desk import Desk

    first, *_ = proposals(kb, proposed)
    whole, once = Desk.approve, []

    def approve(desk: Desk, seen: dict[str, int]) -> int:
        if not once:
            once.append(1)
            with Store.open(home) as store:
                Desk(store, WordHashEncoder, "kari").reject(seen, "for generelt")
        return whole(desk, seen)

    monkeypatch.setattr(Desk, "approve", approve)

    result = kb("review", proposed, input="a\nq\n")

    assert "[conflict]" in result.stderr
    status = {
        one["id"]: one["status"] for one in json.loads(kb("lessons", "--json").stdout)["lessons"]
    }
    assert status[str(first["id"])] == "rejected"


@pytest.mark.parametrize(
    "arguments",
    [("--approve", "x"), ("REPORT", "--reject", "all")],
)
def test_review_refuses_half_a_wish(kb: Kb, proposed: str, arguments: tuple[str, ...]) -> None:
    given = [proposed if one == "REPORT" else one for one in arguments]

    assert kb("review", *given).exit_code == 2
    assert kb("review", proposed, "--approve", "0" * 12).exit_code == 3


# ---- jobs


def test_an_interrupted_file_goes_on_where_it_was(
    kb: Kb, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ingest.pipeline

    whole = ingest.pipeline.merge_repeats

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest.pipeline, "merge_repeats", interrupt)
    assert kb("ingest", "--publish", put("tenkevik.txt", TENKEVIK)).exit_code == 1
    [job] = json.loads(kb("jobs", "--json").stdout)["jobs"]
    assert job["state"] == "queued"
    monkeypatch.setattr(ingest.pipeline, "merge_repeats", whole)
    monkeypatch.setattr(ingest.pipeline, "read_document", None)  # kept from the first time

    done = kb("ingest", put("tenkevik.txt", TENKEVIK))

    assert done.exit_code == 0
    assert kb("search", "styret bør møtes oftere").exit_code == 0  # --publish was not forgotten
    assert re.fullmatch(r"\d+  tenkevik\.txt  done  rapport \w+\n", kb("jobs").stdout)


def test_a_failed_job_can_be_tried_again_and_cancelled(kb: Kb, put: Callable[..., Path]) -> None:
    assert kb("ingest", put("cut.pdf", PDF[: len(PDF) // 3])).exit_code == 3
    [job] = json.loads(kb("jobs", "--json").stdout)["jobs"]
    assert kb("jobs").stdout == f"{job['id']}  cut.pdf  failed  [unreadable-report.damaged]\n"

    assert kb("jobs", "--retry", job["id"], "--ocr").exit_code == 0

    [again] = json.loads(kb("jobs", "--json").stdout)["jobs"]
    assert (again["state"], again["with_ocr"], again["error_code"]) == ("queued", True, None)
    assert kb("jobs", "--cancel", job["id"]).stdout.endswith("cancelled\n")
    over = kb("jobs", "--cancel", job["id"])
    assert over.exit_code == 3
    assert "[job-state]" in over.stderr
    assert "Noen andre" not in over.stderr
    assert kb("jobs", "--drop", job["id"]).exit_code == 1


@pytest.mark.parametrize(
    "arguments", [("undo",), ("jobs", "--cancel"), ("jobs", "--retry"), ("jobs", "--drop")]
)
def test_a_number_too_large_for_the_database_is_not_found(
    kb: Kb, tenkevik: str, arguments: tuple[str, ...]
) -> None:
    result = kb(*arguments, "9" * 20)

    assert result.exit_code == 3
    assert "[not-found]" in result.stderr


def test_pages_without_text_are_told_in_words_and_read_with_ocr_while_nothing_is_decided(
    kb: Kb, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ingest.pipeline
    from ingest.types import RawDocument, RawLine, RawPage

    def read(path: Path, *_: object, ocr: bool = False, **__: object) -> RawDocument:
        lines = [RawLine(text=line) for line in TENKEVIK.split("\n")]
        page = RawPage(number=1, label=None, width=0, height=0, lines=tuple(lines), is_plain=True)
        said = "Vi anbefaler at neste program ansetter programleder før det første møtet."
        scan = RawPage(
            number=2,
            label=None,
            width=0,
            height=0,
            lines=(RawLine(text=said),) if ocr else (),
            problem=None if ocr else "no-text",
            is_plain=True,
        )
        return RawDocument(pages=(page, scan))

    monkeypatch.setattr(ingest.pipeline, "read_document", read)
    path = put("blandet.pdf", PDF)
    first = kb("ingest", path)
    assert "side 2: har ingen tekst, trolig skannet\n" in first.stdout
    assert kb("ingest", "--ocr", "--skip-existing", path).stdout == ""

    again = kb("ingest", "--ocr", path)

    assert again.exit_code == 0, again.output
    assert "trolig skannet" not in again.stdout
    [report] = json.loads(kb("reports", "--json").stdout)["reports"]
    assert any("ansetter" in str(one["statement"]) for one in proposals(kb, report["id"]))
    assert kb("check").exit_code == 0
    known = kb("ingest", "--ocr", path)
    assert "[already-ingested]" in known.stderr


def test_the_same_words_in_another_file_tell_of_editions(
    kb: Kb, put: Callable[..., Path], tenkevik: str
) -> None:
    result = kb("ingest", put("kopi.txt", TENKEVIK.replace("\n\n", "\n\n\n")))

    assert result.exit_code == 3
    assert f"--edition-of {tenkevik}" in result.stderr
    assert "--edition-of" not in kb("ingest", put("same.txt", TENKEVIK)).stderr


def test_an_edition_of_what_has_a_newer_one_is_told_in_its_own_words(
    kb: Kb, put: Callable[..., Path], tenkevik: str
) -> None:
    newer = put("ny.txt", TENKEVIK.replace("saker liggende", "saker utsatt"))
    assert kb("ingest", "--edition-of", tenkevik, newer).exit_code == 0

    newest = put("nyest.txt", TENKEVIK.replace("saker liggende", "saker glemt"))
    refused = kb("ingest", "--edition-of", tenkevik, newest)

    assert refused.exit_code == 3
    assert "[edition]" in refused.stderr
    assert "Noen andre" not in refused.stderr
    assert len(json.loads(kb("jobs", "--json").stdout)["jobs"]) == 2


def test_withdrawing_needs_a_reason_with_words(kb: Kb, tenkevik: str) -> None:
    assert kb("withdraw", tenkevik, "--reason", " ").exit_code == 2
    assert json.loads(kb("history", "--json").stdout)["changes"] == []


def test_a_new_edition_is_linked_and_likely_ones_are_told(
    kb: Kb, put: Callable[..., Path], tenkevik: str
) -> None:
    corrected = TENKEVIK.replace("saker liggende", "saker utsatt")

    result = kb("ingest", put("ny.txt", corrected))

    assert f"--edition-of {tenkevik}" in result.stdout
    linked = kb("ingest", "--edition-of", tenkevik, "--json", put("ny.txt", corrected))
    assert linked.exit_code == 0
    new, old = json.loads(kb("reports", "--json").stdout)["reports"]
    assert (new["edition_of"], old["edition_of"]) == (tenkevik, None)
    assert new["lessons"] == new["counts"]["candidate"] + new["counts"]["approved"]
    assert f"utgave av {tenkevik}" in kb("reports").stdout
    assert kb("ingest", "--edition-of", "0" * 12, put("x.txt", SKODDE)).exit_code == 3


# ---- train


@pytest.fixture
def small_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus of which training takes a second: the first passages of four styles."""
    corpus = tmp_path / "corpus"
    (corpus / "training").mkdir(parents=True)
    for name in ("taxonomy.toml", "cues.toml"):
        shutil.copy(ROOT / "corpus" / name, corpus)
    for path in sorted((ROOT / "corpus" / "training").glob("*.jsonl"))[:4]:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[:40]
        (corpus / "training" / path.name).write_text("".join(lines), encoding="utf-8")
    monkeypatch.setenv("KB_CORPUS", str(corpus))
    return corpus


@pytest.mark.usefixtures("small_corpus")
def test_training_is_kept_compared_and_used(kb: Kb, proposed: str) -> None:
    first, second, *_ = proposals(kb, proposed)
    assert [one["confidence"] for one in (first, second)] == [None, None]
    one = json.loads(kb("train", "--json").stdout)
    kb("review", proposed, "--approve", first["id"], "--reject", second["id"], "--reason", "nei")

    two = json.loads(kb("train", "--json").stdout)

    assert (one["number"], one["is_used"], one["decided"], one["old"]) == (1, True, 0, None)
    assert (two["number"], two["decided"]) == (2, 2)
    assert two["passages"] == one["passages"] + 2
    assert two["is_used"] == (two["new"] >= two["old"] - 0.01)
    listed = json.loads(kb("train", "--list", "--json").stdout)["heads"]
    assert [(row["number"], row["is_used"]) for row in listed] == [
        (2, two["is_used"]),
        (1, not two["is_used"]),
    ]


@pytest.mark.usefixtures("small_corpus")
def test_the_head_in_use_judges_the_next_report(kb: Kb, put: Callable[..., Path]) -> None:
    assert kb("train").exit_code == 0
    done = kb("ingest", "--json", put("tenkevik.txt", TENKEVIK))
    [report] = json.loads(done.stdout)["reports"]
    found = proposals(kb, report["id"])
    assert all(isinstance(one["confidence"], float) for one in found)

    assert "0  følger med" in kb("train", "--use", "0").stdout
    assert kb("train", "--use", "9").exit_code == 3
    assert kb("train", "--use", "1").stdout.endswith("i bruk\n")


# ---- check and reindex


def test_a_sound_base_passes_its_check(kb: Kb, tenkevik: str) -> None:
    plain, data = kb("check"), kb("check", "--json")

    assert (plain.exit_code, data.exit_code) == (0, 0)
    assert re.fullmatch(r"\d+ sitater kontrollert, 0 feil\.\n", plain.stdout)
    told = json.loads(data.stdout)
    assert list(told) == ["ok", "quotes", "problems"]
    assert (told["ok"], told["problems"]) == (True, [])
    assert told["quotes"] > 0


def change_database(home: Path, statement: str) -> None:
    connection = sqlite3.connect(home / "erfaringsbanken.db")
    with connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


def change_original(home: Path) -> None:
    [path] = (home / "files").iterdir()
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)


ONE = "(SELECT min(rowid) FROM evidence)"
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a byte of a quote": (
        lambda home: change_database(
            home, f"UPDATE evidence SET quote = 'X' || substr(quote, 2) WHERE rowid = {ONE}"
        ),
        "the quote does not stand on page 1",
    ),
    "a byte of a page": (
        lambda home: change_database(home, "UPDATE page SET text = 'X' || substr(text, 2)"),
        "the text does not have its SHA-256",
    ),
    "a byte of the original": (change_original, "the original file does not have its SHA-256"),
    "the original": (lambda home: shutil.rmtree(home / "files"), "cannot be read"),
    "the index": (lambda home: shutil.rmtree(home / "index"), "index g"),
    "the vectors": (lambda home: change_database(home, "DELETE FROM vector"), "lack vectors"),
    "an empty quote": (
        lambda home: change_database(home, f"UPDATE evidence SET quote = ' ' WHERE rowid = {ONE}"),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_check_finds_what_is_damaged(kb: Kb, tenkevik: str, home: Path, damage: str) -> None:
    make, wanted = DAMAGES[damage]
    make(home)

    plain, data = kb("check"), kb("check", "--json")

    assert (plain.exit_code, data.exit_code) == (1, 1)
    assert wanted in plain.stderr
    told = json.loads(data.stdout)
    assert told["ok"] is False
    assert any(wanted in problem for problem in told["problems"])
    assert f"{len(told['problems'])} feil." in plain.stdout


def test_a_file_that_is_no_database_is_told(kb: Kb, home: Path) -> None:
    home.mkdir()
    (home / "erfaringsbanken.db").write_bytes(b"not a database, but long enough " * 200)

    for command in (("check",), ("reports",), ("search", "styret")):
        result = kb(*command)
        assert result.exit_code == 1
        assert "[store-damaged]" in result.stderr


def test_with_another_model_search_asks_for_reindex_which_mends_it(
    kb: Kb, tenkevik: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WordHashEncoder, "model_id", "another-64")

    stale = kb("search", "styret bør møtes oftere")
    assert stale.exit_code == 1
    assert "[stale-index]" in stale.stderr
    assert kb("check").exit_code == 1

    done = kb("reindex")

    assert done.exit_code == 0
    assert re.search(r"\d+ lærdommer er indeksert med another-64\.", done.stdout)
    assert kb("search", "styret bør møtes oftere").exit_code == 0
    assert kb("check").exit_code == 0


def test_reindex_brings_candidates_too(kb: Kb, put: Callable[..., Path]) -> None:
    done = kb("ingest", "--json", put("tenkevik.txt", TENKEVIK))
    [one] = json.loads(done.stdout)["reports"]

    result = kb("reindex")

    assert f"{one['lessons']} lærdommer er indeksert" in result.stdout


# ---- settings, model, the rest


def test_config_tells_each_value_and_its_source(kb: Kb, home: Path) -> None:
    plain, data = kb("config"), kb("config", "--json")

    told = json.loads(data.stdout)
    assert told["home"] == {"value": str(home), "source": "KB_HOME"}
    assert told["port"] == {"value": "8000", "source": "default"}
    assert plain.stdout.splitlines()[0] == f"KB_HOME = {home}  (KB_HOME)"
    assert len(plain.stdout.splitlines()) == len(told)
    assert not home.exists()


@pytest.mark.parametrize(("name", "value"), [("KB_HOEM", "/x"), ("KB_PORT", "many")])
def test_a_wrong_setting_stops_every_command(
    kb: Kb, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    for command in (("config",), ("reports",), ("search", "x")):
        result = kb(*command)
        assert result.exit_code == 2
        assert "[config]" in result.stderr
        assert name in result.stderr


def test_a_broken_taxonomy_stops_ingest(
    kb: Kb, put: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KB_CORPUS", str(tmp_path))
    (tmp_path / "taxonomy.toml").write_text("themes = 3")

    result = kb("ingest", put("tenkevik.txt", TENKEVIK))

    assert result.exit_code == 2
    assert "[taxonomy]" in result.stderr


def test_a_model_that_is_gone_is_told(
    kb: Kb, tenkevik: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(model: str, cache: Path) -> None:
        raise ModelUnavailableError("no such folder: /nowhere")

    monkeypatch.setattr("kb.embed.open_encoder", fail)

    result = kb("search", "styret")

    assert result.exit_code == 1
    assert "[model-unavailable]" in result.stderr
    assert "no such folder: /nowhere" in result.stderr
    assert kb("reports").exit_code == 0


def test_init_makes_the_folder_and_may_be_run_again(kb: Kb, home: Path) -> None:
    for _ in range(2):
        result = kb("init")
        assert (result.exit_code, result.stdout) == (0, f"Klar: {home}\n")
    assert (home / "erfaringsbanken.db").is_file()


def test_eval_judges_a_set_and_refuses_what_is_none(kb: Kb, put: Callable[..., Path]) -> None:
    query = {"id": "Q", "lang": "nb", "text": "styret møtes", "relevant": {"P": 2}}
    queries = put("q.json", json.dumps({"queries": [query]}))
    texts = [{"id": "P", "text": "Styret møtes ofte."}, {"id": "D", "text": "Navnet var godt."}]
    passages = put("p.json", json.dumps({"passages": texts}))

    plain = kb("eval", queries, "--passages", passages)
    data = kb("eval", queries, "--passages", passages, "--json")
    refused = kb("eval", passages, "--passages", passages)

    assert (plain.exit_code, data.exit_code, refused.exit_code) == (0, 0, 2)
    assert plain.stdout.startswith("2 passages, model word-hash-64\n")
    told = json.loads(data.stdout)
    assert told["scores"]["hybrid"]["all"]["ndcg_at_10"] == 1.0
    assert "[config]" in refused.stderr


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_needs_no_settings(option: str) -> None:
    result = CliRunner(env={"KB_HOEM": "x"}).invoke(main, [option])

    assert result.exit_code == 0
    assert "ingest" in result.stdout


def test_the_program_itself_ends_with_the_code_and_all_it_said(tmp_path: Path) -> None:
    """As a process: it leaves in a hurry, and what it wrote into a pipe must be there."""

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kb", *arguments],
            env={"PATH": "/bin", "KB_HOME": str(tmp_path / "home"), **settings},
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    shown = run("config", "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert json.loads(shown.stdout)["home"]["source"] == "KB_HOME"
    assert run("reports").returncode == 1
    assert run("publish", "0" * 12).returncode == 3
    wrong = run("reports", KB_HOEM="x")
    assert wrong.returncode == 2
    assert "KB_HOEM is not a setting" in wrong.stderr
    assert run("nosuch").returncode == 2
