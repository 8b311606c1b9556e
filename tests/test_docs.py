"""The documents say what the program does: all of it, and nothing that is gone."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from kb.config import Config
from kb.domain import (
    AssignedBy,
    Evidence,
    Kind,
    Lesson,
    Phase,
    Programme,
    ProgrammeType,
    Report,
    ReportStatus,
    ReportType,
    Span,
    Status,
    ThemeTag,
)
from kb.errors import (
    AccountError,
    AccountProblem,
    InputError,
    KbError,
    NoUndo,
    PlanProblem,
    ReportState,
    ReportStateError,
    StateError,
    UndoError,
    Unreadable,
    UnreadablePlanError,
    UnreadableReportError,
)
from kb.messages import SENTENCES, sentence

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands() -> dict[str, click.Command]:
    from kb.__main__ import main

    return dict(main.commands)


# ---- commands and settings


@pytest.mark.parametrize("name", sorted(commands()))
def test_a_command_has_help_and_stands_in_the_documents(name: str) -> None:
    command = commands()[name]

    assert command.help
    assert all(one.help for one in command.params if isinstance(one, click.Option))
    assert f"`kb {name}" in read("README.md")


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_readme_names_exactly_the_options_that_a_command_has(name: str) -> None:
    row = next(line for line in read("README.md").splitlines() if line.startswith(f"| `kb {name}"))
    usage = row.split("|")[1]

    options = [one for one in commands()[name].params if isinstance(one, click.Option)]

    longest = {max(one.opts, key=len) for one in options}
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", usage)) == longest


def test_no_document_speaks_of_a_command_that_is_gone() -> None:
    said = {
        (path.name, name)
        for path in DOCUMENTS
        for name in re.findall(r"(?:`|bin/|^)kb ([a-z]+)", path.read_text(encoding="utf-8"), re.M)
    }

    assert [(file, name) for file, name in said if name not in commands()] == []


def test_the_settings_table_has_every_setting_with_its_default_and_no_other() -> None:
    rows = dict(re.findall(r"^\| `(KB_\w+)` \| (.+?) \|", read("docs/OPERATIONS.md"), re.M))
    config = Config(home=Path())

    assert set(rows) == {f"KB_{one.name.upper()}" for one in fields(Config)}
    for name in {one.name for one in fields(Config)} - {"home", "corpus"}:
        value = getattr(config, name)
        assert rows[f"KB_{name.upper()}"] == (f"`{value}`" if value else "empty")


def test_no_document_names_a_setting_that_is_gone() -> None:
    known = {f"KB_{one.name.upper()}" for one in fields(Config)}
    said = {
        name
        for path in DOCUMENTS
        for name in re.findall(r"\bKB_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }

    assert said <= known


# ---- errors


def raised() -> Iterator[KbError]:
    """Yield one error of every code; the three roots only sort the others."""
    kinds = [KbError]
    for kind in kinds:
        kinds.extend(one for one in kind.__subclasses__() if one.__module__ == "kb.errors")
    for kind in kinds:
        if kind is UnreadableReportError:
            yield from (UnreadableReportError(reason) for reason in Unreadable)
        elif kind is UnreadablePlanError:
            yield from (UnreadablePlanError(problem) for problem in PlanProblem)
        elif kind is AccountError:
            yield from (AccountError(problem) for problem in AccountProblem)
        elif kind is ReportStateError:
            yield from (ReportStateError(state) for state in ReportState)
        elif kind is UndoError:
            yield from (UndoError(why) for why in NoUndo)
        elif kind not in {KbError, InputError, StateError}:
            yield kind("x")


def test_every_error_code_has_its_sentence_and_no_sentence_is_left_over() -> None:
    codes = [error.reason_code for error in raised()]

    assert len(codes) == len(set(codes))
    assert set(codes) == set(SENTENCES)


@pytest.mark.parametrize("error", list(raised()), ids=lambda error: error.reason_code)
def test_a_sentence_is_there_in_three_languages(error: KbError) -> None:
    texts = [sentence(error, language) for language in ("nb", "nn", "en")]

    assert all(text.endswith(".") and text[0].isupper() for text in texts)
    assert len(set(texts)) == 3


def test_an_unknown_language_reads_bokmaal() -> None:
    error = UnreadableReportError(Unreadable.EMPTY)

    assert sentence(error, "fi") == sentence(error, "nb")


def test_the_tree_at_the_top_of_errors_shows_every_class() -> None:
    import kb.errors

    tree = kb.errors.__doc__ or ""

    assert {type(error).__name__ for error in raised()} <= set(re.findall(r"\w+Error\b", tree))


# ---- words, decisions, links


@pytest.mark.parametrize("kind", [Kind, Phase, Status, ReportType, ProgrammeType, ReportStatus])
def test_every_value_is_a_row_of_the_glossary(kind: type[Kind]) -> None:
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", read("docs/GLOSSARY.md"), re.M))

    assert set(kind) <= rows


def test_the_glossary_names_who_can_set_a_theme() -> None:
    assert all(f"`{value}`" in read("docs/GLOSSARY.md") for value in AssignedBy)


def requirements() -> list[tuple[str, str]]:
    project = PYPROJECT["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return [
        (group, re.split(r"[\[<>=;! ]", line)[0])
        for group, lines in groups.items()
        for line in lines
    ]


@pytest.mark.parametrize(("group", "name"), requirements())
def test_a_dependency_is_explained(group: str, name: str) -> None:
    text = read("docs/adr/0003-dependencies.md")
    given = text.partition("## Decision")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]

    named = [row for row in rows if f"`{name}`" in row and row.strip().startswith(group or "`")]

    assert named or f"`{name}`" in given


def test_no_explained_dependency_is_gone() -> None:
    rows = re.findall(r"^\| ((?:\w+: )?`.+?) \|", read("docs/adr/0003-dependencies.md"), re.M)
    explained = {name for row in rows for name in re.findall(r"`(.+?)`", row)}

    assert explained <= {name for _, name in requirements()}


def test_the_architecture_explains_every_import_contract() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", read("docs/ARCHITECTURE.md"), re.M)

    assert rows == [one["id"] for one in PYPROJECT["tool"]["importlinter"]["contracts"]]


@pytest.mark.parametrize("package", ["kb", "ingest"])
def test_the_architecture_shows_every_module(package: str) -> None:
    tree = read("docs/ARCHITECTURE.md").split("```")[1]
    modules = {path.name for path in (ROOT / package).glob("*.py")} - {"__init__.py"}

    assert {name for name in modules if name not in tree} == set()


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_what_it_must_on_one_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith(f"# {path.name[:4]} ")
    headings = re.findall(r"^## (.+)$", text, re.M)
    wanted = ["Context", "Decision", "Consequences", "What would change our mind"]
    assert [one for one in headings if one in wanted] == wanted
    told = [line for line in text.splitlines() if not line.startswith("|")]
    assert len(" ".join(told).split()) < 800


def test_decisions_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{n + 1:04}" for n in range(len(DECISIONS))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)]+)\)", text) if "://" not in t]

    broken = [t for t in targets if not _leads_somewhere(path, t)]

    assert broken == []


def _leads_somewhere(path: Path, target: str) -> bool:
    file, _, anchor = target.partition("#")
    found = (path.parent / file).resolve() if file else path
    if not anchor or not found.is_file():
        return found.exists()
    headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.M)
    return anchor in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}


# ---- the JSON that the README promises


def promised(shape: str) -> dict[str, object]:
    found = re.search(rf"<!-- shape: {shape} -->\n```json\n(.+?)```", read("README.md"), re.DOTALL)
    assert found, f"the README shows no {shape}"
    return dict(json.loads(found[1]))


def keys(data: object) -> object:
    """Return only the names in ``data``, in order, so that two shapes can be compared."""
    if isinstance(data, dict):
        return [(name, keys(value)) for name, value in data.items()]
    if isinstance(data, list):
        return [keys(value) for value in data[:1]]
    return None


def a_lesson() -> Lesson:
    span = Span(page=11, start=0, end=6)
    evidence = Evidence(report_id="r", section=("5 Læring",), spans=(span,), quote="Sitat.")
    tag = ThemeTag(theme="t", confidence=1.0, assigned_by=AssignedBy.RULE, reason="")
    return Lesson(
        id="l", report_id="r", statement="Sitat.", is_edited=False, kind=Kind.SUCCESS,
        phase=Phase.STRATEGI, status=Status.PUBLISHED, language="nb", reason="", tags=(tag,),
        evidence=(evidence,),
    )  # fmt: skip


def a_report() -> Report:
    programme = Programme(
        slug="p", name="P", place=None, programme_type=None, period_from=None, period_to=None
    )
    return Report(
        id="r", programme=programme, programme_name=None, file="r.pdf", sha256="0" * 64, title=None,
        report_type=None, client=None, contractor=None, year=None, language="nb", pages=1,
        note=None, status=ReportStatus.PUBLISHED,
    )  # fmt: skip


def test_search_prints_the_json_that_the_readme_promises() -> None:
    from kb.output import search_json
    from kb.search import Hit, SearchQuery, SearchResult

    hit = Hit(
        lesson=a_lesson(), report=a_report(), rank=1, score=1.0, match="both", marks=((),), best=0
    )
    result = SearchResult(
        query=SearchQuery(text="q"), hits=(hit,), total=1, programmes=1, programmes_in_base=1,
        facets={}, no_match=False, took_ms=1.0,
    )  # fmt: skip

    assert keys(search_json(result)) == keys(promised("search"))


def test_lessons_prints_the_json_that_the_readme_promises() -> None:
    from kb.output import lesson_json

    assert keys(lesson_json(a_lesson(), a_report())) == keys(promised("lesson"))


def test_reports_prints_the_json_that_the_readme_promises() -> None:
    from kb.output import report_json
    from kb.store import ReportSummary

    summary = ReportSummary(report=a_report(), lessons={Status.CANDIDATE: 1})

    assert keys(report_json(summary)) == keys(promised("report"))
