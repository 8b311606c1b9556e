"""What bears on a section of a plan, and which themes it leaves out though several warn of them.

The plans are in ``tests/plans``, with what each deals with and leaves out. Which themes a plan
touches is told by its own words and what labelled lessons taught, so a base of one warning per
theme and programme is enough to measure it, and vectors of anything will do for that.
"""

import os
import tomllib
from pathlib import Path

import pytest

from ingest import Plan, PlanCheck, PlanChecker, PlanSection, read_pasted, read_plan
from ingest.pdf import Limits
from kb.config import Config
from kb.domain import Kind
from kb.embed import Encoder, embed_lessons, open_encoder
from kb.store import Store
from kb.taxonomy import load_taxonomy
from tests.fakes import WordHashEncoder
from tests.make import a_lesson, a_programme, a_report, pages_for, vectors_for

ROOT = Path(__file__).resolve().parents[2]
PLANS = ROOT / "tests" / "plans"
TRUTH = tomllib.loads((PLANS / "truth.toml").read_text(encoding="utf-8"))
TAXONOMY = load_taxonomy(ROOT / "corpus" / "taxonomy.toml")
UNTUNED = sorted(name for name, own in TRUTH.items() if not own["tuned"])


def add(
    store: Store,
    encoder: Encoder,
    programme: str,
    *said: tuple[str, Kind, str],
    contractor: str | None = "Analyse AS",
) -> None:
    """Add a published report of ``programme`` whose lessons are ``said``: text, kind, theme."""
    own = a_programme(programme)
    report = a_report(programme.encode(), programme=own, contractor=contractor)
    pages = pages_for(*(text for text, _, _ in said))
    lessons = [
        a_lesson(text, report=report, pages=pages, themes=[theme], kind=kind)
        for text, kind, theme in said
    ]
    is_small = encoder.dim < 100
    vectors = embed_lessons(lessons, encoder) if is_small else vectors_for(lessons, encoder.dim)
    store.add_report(report, pages, lessons, vectors, encoder.model_id, programme.encode())


def check(home: Path, encoder: Encoder, plan: Plan) -> PlanCheck:
    with Store.open(home) as store:
        return PlanChecker(encoder, Config(home=home, corpus=ROOT / "corpus")).check(store, plan)


SEMINAR = "Styret bør ha styreseminar om mandat og handlingsrom etter det første året."
SEMINAR_WARNING = "Styret hadde ikke styreseminar om mandat og handlingsrom, og det gikk galt."
NAME = "Navnet på programmet fikk folk til å le, og omdømmet ble dårlig."
PLAN = f"""1 Styret

Styret skal ha styreseminar om mandat og handlingsrom etter det første året.

2 Vær

Det regnet i juni, og gresset vokste fort langs elva.

Vedlegg

{NAME}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place, encoder = tmp_path_factory.mktemp("base"), WordHashEncoder()
    with Store.open(place) as store:
        warning = (SEMINAR_WARNING, Kind.WARNING, "styreseminar")
        add(store, encoder, "Nord", (SEMINAR, Kind.RECOMMENDATION, "styreseminar"), warning)
        add(store, encoder, "Sør", (NAME, Kind.WARNING, "navn"))
        add(store, encoder, "Øst", (NAME + " Igjen.", Kind.CHALLENGE, "navn"), contractor="Øst AS")
        add(store, encoder, "Vest", (NAME + " Også.", Kind.SUCCESS, "kompetanse"), contractor=None)
    return place


@pytest.fixture(scope="module")
def result(home: Path) -> PlanCheck:
    return check(home, WordHashEncoder(), read_pasted(PLAN))


def test_a_section_gets_its_lessons_with_the_warning_first(result: PlanCheck) -> None:
    board = result.sections[0]

    assert [hit.lesson.statement for hit in board.hits] == [SEMINAR_WARNING, SEMINAR]
    assert all(hit.passage in PLAN for hit in board.hits)
    assert {hit.report.programme.name for hit in board.hits} == {"Nord"}


def test_what_no_lesson_bears_on_gets_none(result: PlanCheck) -> None:
    assert [one.section.heading for one in result.sections if not one.hits] == ["2 Vær", "Vedlegg"]


def test_a_theme_is_untouched_when_two_programmes_warn_and_the_plan_is_silent(
    result: PlanCheck,
) -> None:
    (missing,) = result.untouched

    assert (missing.theme, missing.programmes, missing.evaluators) == ("navn", 2, 2)
    assert {report.programme.name for _, report in missing.lessons} == {"Sør", "Øst"}
    assert all(lesson.kind in {Kind.WARNING, Kind.CHALLENGE} for lesson, _ in missing.lessons)


def test_what_one_programme_warns_of_is_no_gap(home: Path) -> None:
    silent = read_pasted("Det regnet i juni, og gresset vokste fort langs elva.")

    assert [one.theme for one in check(home, WordHashEncoder(), silent).untouched] == ["navn"]


def test_the_heading_and_the_annex_are_read_for_what_they_are(home: Path) -> None:
    said = PlanSection(
        heading="Navnet", paragraphs=("Navnet på programmet er valgt av folk selv.",)
    )

    touched = check(home, WordHashEncoder(), Plan(name="", sections=(said,))).touched

    assert "navn" in touched


def test_an_empty_base_and_a_plan_of_nothing_but_figures_give_nothing(tmp_path: Path) -> None:
    empty = check(tmp_path, WordHashEncoder(), read_pasted(PLAN))
    figures = check(tmp_path, WordHashEncoder(), read_pasted("1 200 300 400\n\n22 33"))

    assert (empty.lessons, empty.untouched) == (0, ())
    assert (figures.lessons, figures.touched) == (0, ())


def test_progress_is_told_to_the_end(home: Path) -> None:
    told: list[float] = []
    plan = read_pasted("\n\n".join(f"Styret møtes i uke nummer {n}." for n in range(40)))

    with Store.open(home) as store:
        config = Config(home=home, corpus=ROOT / "corpus")
        PlanChecker(WordHashEncoder(), config).check(store, plan, told.append)

    assert told == sorted(told)
    assert (len(told) > 3, told[-1]) == (True, 1.0)


# ---- which themes real plans leave out, by the real model


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return for each plan that nothing was tuned on the themes said to be left out."""
    cache = Path(os.environ.get("TEST_MODEL_CACHE", ROOT / ".kb" / "test-models"))
    encoder, place = open_encoder("default", cache), tmp_path_factory.mktemp("warnings")
    with Store.open(place) as store:
        for programme in ("Nord", "Sør"):
            said = [
                (f"{programme}: {theme.definition.nb}", Kind.WARNING, theme.id)
                for theme in TAXONOMY.themes
            ]
            add(store, encoder, programme, *said)
    plans = {name: (PLANS / f"{name}.md").read_bytes() for name in UNTUNED}
    return {
        name: {
            one.theme for one in check(place, encoder, read_plan(name, data, Limits())).untouched
        }
        for name, data in plans.items()
    }


@pytest.mark.model
@pytest.mark.parametrize("name", ["langfjell", "sorbygda"])
def test_a_plan_that_misses_three_themes_is_told_all_three(
    untouched: dict[str, set[str]], name: str
) -> None:
    assert len(TRUTH[name]["missing"]) == 3
    assert set(TRUTH[name]["missing"]) <= untouched[name]


@pytest.mark.model
def test_few_themes_are_overlooked_and_few_are_missed_that_are_there(
    untouched: dict[str, set[str]],
) -> None:
    """Measured on the four plans: 27 of 28 found, 9 of 66 said in vain."""
    found = sum(len(untouched[name] & set(TRUTH[name]["missing"])) for name in UNTUNED)
    missing = sum(len(TRUTH[name]["missing"]) for name in UNTUNED)
    in_vain = sum(len(untouched[name] & set(TRUTH[name]["touched"])) for name in UNTUNED)
    touched = sum(len(TRUTH[name]["touched"]) for name in UNTUNED)
    print(f"found {found} of {missing}, in vain {in_vain} of {touched}")

    assert found >= 0.95 * missing
    assert in_vain <= 0.15 * touched
