"""The lint names what may be wrong with a proposal, and leaves sound lessons alone."""

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.domain import Kind
from kb.lint import LintCode, Severity, lint
from kb.messages import LINT, lint_sentence
from kb.text import sentences
from tests.make import a_lesson, a_report

REPORTS = Path(__file__).resolve().parents[2] / "corpus" / "reports"
SOUND = "Styret bør ta styreseminaret på nytt etter det første året, for da har det egne saker."


def codes_of(quote, *, statement=None, kind=Kind.WARNING, lead_in=None):
    lesson = a_lesson(quote, kind=kind, statement=statement or sentences(quote)[0])
    return [finding.code for finding in lint(lesson, a_report())]


def words_of(quote, code):
    lesson = a_lesson(quote, kind=Kind.WARNING, statement=sentences(quote)[0])
    return [one.words for one in lint(lesson, a_report()) if one.code is code]


@pytest.mark.parametrize(
    ("quote", "code"),
    [
        pytest.param("Dette gjorde at bedriftene sluttet å søke.", LintCode.NO_CONTEXT, id="nb"),
        pytest.param(
            "Difor vart det aldri nokon felles plan for arbeidet.", LintCode.NO_CONTEXT, id="nn"
        ),
        pytest.param("This made the firms stop applying for grants.", LintCode.NO_CONTEXT, id="en"),
        pytest.param(
            "I 2019 var det 41 ansatte, 12 lærlinger og 3 lokaler.",
            LintCode.NOT_TRANSFERABLE,
            id="figures only",
        ),
        pytest.param(
            "Møtene ble holdt på rådhuset i Tenkevik og i Drømvik hver måned.",
            LintCode.NOT_TRANSFERABLE,
            id="local names only",
        ),
        pytest.param(
            "Programmet delte ut tilskudd to ganger i året.", LintCode.NO_ADVICE, id="told plainly"
        ),
        pytest.param("Programmet har vært svært vellykket.", LintCode.PLATITUDE, id="praise"),
        pytest.param(
            "Programleder Kari Nordmo fikk bedriftene med fordi hun kjente dem.",
            LintCode.PERSON_NAME,
            id="a person",
        ),
        pytest.param("Vær to på kontoret.", LintCode.TOO_SHORT, id="four words"),
        pytest.param(
            "Styret " + "og styret " * 45 + "bør møtes oftere.",
            LintCode.TOO_LONG,
            id="ninety words",
        ),
        pytest.param(
            "Følgende bør andre program merke seg:", LintCode.FRAGMENT, id="a lead-in line"
        ),
        pytest.param(
            "God forankring hos ordførerne i regionen vår", LintCode.FRAGMENT, id="no verb"
        ),
    ],
)
def test_what_may_be_wrong_is_named(quote, code):
    assert code in codes_of(quote)


@pytest.mark.parametrize(
    "quote",
    [
        SOUND,
        "Det tok et år før styret forsto sin egen rolle.",
        "De som ikke ble hørt i starten, møtte aldri opp senere.",
        "Den største feilen var at ingen ringte til underleverandørene.",
        "New boards should take the seminar again after the first year.",
        "Ingen hadde avklart kven som skulle følgje opp bedriftene etter besøket.",
    ],
)
def test_a_sound_lesson_has_no_findings(quote):
    assert codes_of(quote) == []


def test_what_stands_before_it_in_the_quote_is_context():
    quote = "Styret delte ut alt det første året. Dette gjorde at store prosjekter ikke fikk noe."

    assert LintCode.NO_CONTEXT not in codes_of(quote, statement=sentences(quote)[1])


def test_a_finding_names_the_words_it_is_about():
    assert words_of("Dermed mistet programmet støtten.", LintCode.NO_CONTEXT) == ["Dermed"]
    assert words_of("Kari Nordmo sluttet, og alt stanset opp.", LintCode.PERSON_NAME) == [
        "Kari Nordmo"
    ]


@pytest.mark.parametrize("text", ["Ola Nordmann AS", "Rolf Industri AS", "dag Nordmo", "Per time"])
def test_a_firm_or_a_common_word_is_no_person(text):
    assert LintCode.PERSON_NAME not in codes_of(f"Bedriftene ville ikke være med, sier {text}.")


def test_warnings_come_before_hints():
    found = lint(a_lesson("Dette ble delt ut to ganger i året.", kind=Kind.SUCCESS), a_report())

    assert [one.severity for one in found] == sorted(
        (one.severity for one in found), key=[Severity.WARNING, Severity.HINT].index
    )
    assert len(found) > 1


def test_lessons_have_far_fewer_findings_than_what_is_none():
    """A lesson counts by the sentence of it that has fewest, as the extraction would choose."""
    flagged = {"lesson": [], "not_lesson": []}
    for path in sorted(REPORTS.glob("*/expected.toml")):
        expected = tomllib.loads(path.read_text(encoding="utf-8"))
        quotes = [(one["kind"], quote) for one in expected["lesson"] for quote in one["quotes"]]
        flagged["lesson"] += [fewest(quote, Kind(kind)) > 0 for kind, quote in quotes]
        flagged["not_lesson"] += [
            fewest(one["text"], Kind.SUCCESS) > 0 for one in expected["not_lesson"]
        ]

    share = {name: sum(found) / len(found) for name, found in flagged.items()}
    assert share["lesson"] < 0.22
    assert share["not_lesson"] > 0.50


def fewest(quote, kind):
    lessons = (a_lesson(quote, kind=kind, statement=one) for one in sentences(quote))
    return min(len(lint(lesson, a_report())) for lesson in lessons)


def test_it_takes_less_than_a_millisecond():
    lesson, report = a_lesson(SOUND * 3, statement=SOUND), a_report()
    lint(lesson, report)

    started = time.perf_counter()
    for _ in range(50):
        lint(lesson, report)

    assert (time.perf_counter() - started) / 50 < 0.01


def test_every_code_has_a_sentence_in_three_languages():
    assert set(LINT) == set(LintCode)
    assert all(len(set(texts)) == 3 and all(texts) for texts in LINT.values())
    assert lint_sentence(LintCode.PLATITUDE, "en").startswith("This is praise")
    assert lint_sentence(LintCode.PLATITUDE, "xx") == lint_sentence(LintCode.PLATITUDE, "nb")


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_can_be_linted_and_twice_gives_the_same(text):
    quote = " ".join(text.replace("|", " ").split()) or "x"
    lesson = a_lesson(quote)

    assert lint(lesson, a_report()) == lint(lesson, a_report())
