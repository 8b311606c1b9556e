"""What programmes say of a theme together: rows and counts rest on what people accepted."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kb.desk import Desk
from kb.domain import Kind, LessonId, ReportType, Status
from kb.embed import embed_lessons
from kb.evidence import Evidence, Pairs, evidence_of
from kb.relations import Proposer, RelationKind
from kb.store import Stance, Store, Verdict
from kb.support import Breadth
from tests.fakes import WordHashEncoder
from tests.make import a_filing, a_programme, set_status

ENCODER = WordHashEncoder()
THEME = "styreseminar"
SAME, SUPPORTS, AGAINST = RelationKind.SAMME, RelationKind.STOTTER, RelationKind.MOTSIER
EXACT = RelationKind.PRESISERER
BACKGROUND = (
    "Kommunestyret fikk ingen orientering, og egenandelen ble stående åpen hvert år.",
    "Programlederen hadde kontor hos bedriftene to dager i uken, og det ga tillit.",
    "Navnet på programmet minte folk om alt de hadde mistet.",
    "Boliger til leie manglet da de nye bedriftene ville ansette.",
    "Handlingsplanen hadde altfor mange tiltak til at noen fulgte den.",
    "Observatøren svarte før folk hadde fått tenkt seg om.",
)
"""Other lessons: what is common to all, and which words are rare, can only be told with some."""
SEMINAR = "Styret burde hatt et seminar etter det første året, da mandatet var uklart"


@pytest.fixture(scope="module")
def new_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a base without reports: the migrations are the slow part of making one."""
    home = tmp_path_factory.mktemp("new")
    Store.open(home).close()
    return home


@pytest.fixture
def store(new_base: Path, tmp_path: Path) -> Iterator[Store]:
    with Store.open(shutil.copytree(new_base, tmp_path / "home")) as opened:
        yield opened


def says(
    store: Store,
    programme: str,
    quote: str = "",
    *,
    contractor: str | None = "Analyse AS",
    report_type: ReportType = ReportType.SLUTTEVALUERING,
    theme: str = THEME,
    kind: Kind = Kind.RECOMMENDATION,
) -> LessonId:
    """Add a report with one lesson; return its id."""
    quote = quote or f"{SEMINAR} i {programme}."
    filing = a_filing(quote, original=f"{programme} {quote}".encode(), themes=(theme,), kind=kind)
    report = replace(
        filing.report,
        programme=a_programme(programme),
        contractor=contractor,
        report_type=report_type,
    )
    vectors = embed_lessons(filing.lessons, ENCODER)
    replace(filing, report=report, vectors=vectors, model_id=ENCODER.model_id).add_to(store)
    return filing.lessons[0].id


def with_background(store: Store) -> None:
    for number, quote in enumerate(BACKGROUND):
        says(store, f"Annet {number}", quote, theme="navn", kind=Kind.WARNING)


def decide(
    store: Store,
    first: LessonId,
    second: LessonId,
    kind: RelationKind,
    verdict: Verdict = Verdict.ACCEPTED,
) -> None:
    desk = Desk(store, lambda: ENCODER, "kari")
    desk.relate(first, second, seen=None, said=Stance(kind, verdict))


def rows(found: Evidence) -> list[list[LessonId]]:
    return [[voice.lesson.id for voice in row.voices] for row in found.clusters]


# ---- what is counted


@pytest.mark.parametrize(
    ("decided", "programmes", "evaluators", "breadth"),
    [
        pytest.param([(0, 1, SAME)], 2, 1, Breadth.REPEATED, id="two of one evaluator"),
        pytest.param([(0, 2, SAME)], 2, 2, Breadth.REPEATED, id="two evaluators, two programmes"),
        pytest.param([(0, 1, SAME), (1, 2, SAME)], 3, 2, Breadth.BROAD, id="the same of the same"),
        pytest.param([(0, 1, SAME), (1, 2, SUPPORTS)], 3, 2, Breadth.BROAD, id="supports the same"),
        pytest.param(
            [(0, 1, SUPPORTS), (1, 2, SUPPORTS)], 3, 2, Breadth.BROAD, id="two support the middle"
        ),
        pytest.param([(0, 1, EXACT)], 1, 1, Breadth.HYPOTHESIS, id="more exact is not counted"),
        pytest.param(
            [(0, 1, SAME), (1, 3, SAME), (0, 4, SAME)],
            4,
            2,
            Breadth.BROAD,
            id="an own report is a programme but no evaluator",
        ),
        pytest.param([(0, 3, SAME)], 2, 1, Breadth.REPEATED, id="an own report adds no evaluator"),
        pytest.param(
            [(0, 1, SAME), (0, 3, SAME)], 3, 1, Breadth.REPEATED, id="three of one evaluator"
        ),
        pytest.param([(3, 5, SAME)], 2, 0, Breadth.REPEATED, id="nobody from outside"),
    ],
)
def test_counts_rest_on_accepted_relations(
    store: Store,
    decided: list[tuple[int, int, RelationKind]],
    programmes: int,
    evaluators: int,
    breadth: Breadth,
):
    lessons = [
        says(store, "Fjell", contractor="Analyse AS"),
        says(store, "Vik", contractor="analyse"),
        says(store, "Dal", contractor="Utsyn"),
        says(store, "Nes", contractor="Nes kommune", report_type=ReportType.SLUTTRAPPORT),
        says(store, "Moen", contractor="Innsyn"),
        says(store, "Berg", contractor=None),
    ]
    for first, second, kind in decided:
        decide(store, lessons[first], lessons[second], kind)

    row = evidence_of(store, THEME).clusters[0]

    assert len(row.support.programmes) == programmes
    assert len(row.support.evaluators) == evaluators
    assert row.support.breadth is breadth


def test_likeness_and_rejected_pairs_make_no_row(store: Store):
    with_background(store)
    first, second = says(store, "Fjell"), says(store, "Vik")
    assert Pairs(ENCODER.model_id).of(store, THEME), "they are much alike"

    assert evidence_of(store, THEME).clusters == ()

    decide(store, first, second, SAME, Verdict.REJECTED)
    found = evidence_of(store, THEME)
    assert found.clusters == ()
    assert {voice.lesson.id for voice in found.alone} == {first, second}


def test_two_lessons_of_one_programme_stay_a_hypothesis(store: Store):
    first = says(store, "Fjell", "Styret burde hatt et seminar tidlig i programmet.")
    second = says(store, "Fjell", "Et tidlig seminar for styret hadde vært til stor hjelp.")
    decide(store, first, second, SAME)

    (row,) = evidence_of(store, THEME).clusters

    assert row.support.breadth is Breadth.HYPOTHESIS
    assert len(row.voices) == 2


def test_a_programmes_own_report_is_told_apart(store: Store):
    first = says(store, "Fjell")
    own = says(store, "Nes", contractor="Nes kommune", report_type=ReportType.SLUTTRAPPORT)
    decide(store, own, first, SAME)

    found = evidence_of(store, THEME)

    (row,) = found.clusters
    assert [voice.is_independent for voice in row.voices] == [True, False]
    assert found.evaluators == {"analyse"}


# ---- rows


def test_the_clearest_of_the_same_comes_first_then_those_that_support(store: Store):
    vague = says(store, "Fjell", "Dette ble gjort for sent.")
    clear = says(store, "Vik", "Styret bør ha et seminar når det første året er omme.")
    near = says(store, "Dal", "Et introkurs for nye styremedlemmer gjorde styret tryggere.")
    exact = says(store, "Moen", "Seminaret bør vare to dager og komme etter tolv måneder.")
    decide(store, vague, clear, SAME)
    decide(store, near, vague, SUPPORTS)
    decide(store, exact, clear, EXACT)

    (row,) = evidence_of(store, THEME).clusters

    assert [(voice.lesson.id, voice.relation) for voice in row.voices] == [
        (clear, SAME),
        (vague, SAME),
        (near, SUPPORTS),
        (exact, EXACT),
    ]
    assert row.support.programmes == {"fjell", "vik", "dal"}


def test_a_row_holds_the_same_of_the_same_also_from_other_themes(store: Store):
    first, second = says(store, "Fjell"), says(store, "Vik", theme="styrearbeid")
    third = says(store, "Dal")
    decide(store, first, second, SAME)
    decide(store, second, third, SAME)

    found = evidence_of(store, THEME)

    assert [set(row) for row in rows(found)] == [{first, second, third}]
    assert found.alone == ()
    assert {programme.slug for programme, _count in found.programmes} == {"fjell", "dal"}


def test_no_row_only_repeats_another(store: Store):
    first, second, third = says(store, "Fjell"), says(store, "Vik"), says(store, "Dal")
    decide(store, first, second, SAME)
    decide(store, third, first, SUPPORTS)

    assert len(rows(evidence_of(store, THEME))) == 1


def test_what_nobody_related_stands_alone_in_reading_order(store: Store):
    first, second, third = says(store, "Fjell"), says(store, "Vik"), says(store, "Dal")
    fourth = says(store, "Moen")
    decide(store, first, third, SAME)

    found = evidence_of(store, THEME)

    assert [voice.lesson.id for voice in found.alone] == [second, fourth]


def test_withdrawn_lessons_vanish_from_rows_and_counts(store: Store):
    lessons = [says(store, name, contractor=name) for name in ("Fjell", "Vik", "Dal")]
    decide(store, lessons[0], lessons[1], SAME)
    decide(store, lessons[0], lessons[2], AGAINST)
    report = store.report(store.lessons(lessons)[lessons[1]].report_id)

    Desk(store, lambda: ENCODER, "kari").withdraw(report.id, report.version, "feil")
    found = evidence_of(store, THEME)
    assert found.clusters == ()
    assert len(found.disagreements) == 1
    sides = found.disagreements[0].sides
    assert {name for side in sides for name in side.support.programmes} == {"fjell", "dal"}
    assert found.programmes_in_base == 2

    set_status(store, [lessons[2]], Status.REJECTED)
    found = evidence_of(store, THEME)
    assert found.disagreements == ()
    assert [voice.lesson.id for voice in found.alone] == [lessons[0]]


# ---- disagreement


def test_those_who_speak_against_each_other_stand_side_by_side(store: Store):
    warning = says(store, "Fjell", "Seminaret var bortkastet.", kind=Kind.WARNING)
    success = says(store, "Vik", "Seminaret gjorde styret trygt.", kind=Kind.SUCCESS)
    also = says(store, "Dal", "Styret ble tryggere av seminaret.", kind=Kind.SUCCESS)
    decide(store, warning, success, AGAINST)
    decide(store, success, also, SAME)

    found = evidence_of(store, THEME)

    (two,) = found.disagreements
    speaks_for, speaks_against = two.sides
    assert two.is_for_and_against
    assert {voice.lesson.id for voice in speaks_for.voices} == {success, also}
    assert [voice.lesson.id for voice in speaks_against.voices] == [warning]
    assert speaks_for.support.programmes == {"vik", "dal"}
    assert speaks_against.support.programmes == {"fjell"}
    (row,) = found.clusters
    assert row.is_disputed
    assert warning not in {voice.lesson.id for voice in row.voices}
    assert found.alone == ()


def test_other_differences_are_neither_for_nor_against(store: Store):
    six = says(store, "Fjell", "Seks år var nødvendig.", kind=Kind.SUCCESS)
    three = says(store, "Vik", "Tre år var nødvendig.", kind=Kind.SUCCESS)
    decide(store, six, three, AGAINST)

    (two,) = evidence_of(store, THEME).disagreements

    assert not two.is_for_and_against


def test_who_is_called_both_the_same_and_against_is_not_counted_for_the_other(store: Store):
    first, second, third = says(store, "Fjell"), says(store, "Vik"), says(store, "Dal")
    decide(store, first, second, SAME)
    decide(store, second, third, SAME)
    decide(store, first, third, AGAINST)

    (two,) = evidence_of(store, THEME).disagreements

    assert sorted(tuple(side.support.programmes) for side in two.sides) == [("dal",), ("fjell",)]
    assert [len(side.voices) for side in two.sides] == [1, 1]


# ---- what the program proposes


def test_a_pair_is_proposed_once_until_somebody_decides(store: Store):
    with_background(store)
    first, second = says(store, "Fjell"), says(store, "Vik")
    pairs = Pairs(ENCODER.model_id)

    (found,) = pairs.of(store, THEME)
    assert {found.lesson, found.other} == {first, second}

    decide(store, first, second, AGAINST)
    assert pairs.of(store, THEME) == ()


def test_the_same_by_way_of_a_third_is_not_proposed(store: Store):
    with_background(store)
    first, second, third = says(store, "Fjell"), says(store, "Vik"), says(store, "Dal")
    pairs = Pairs(ENCODER.model_id)
    assert len(pairs.of(store, THEME)) == 3

    decide(store, first, second, SAME)
    decide(store, second, third, SAME)

    assert pairs.of(store, THEME) == ()


def test_both_lessons_of_a_proposed_pair_have_the_theme(store: Store):
    with_background(store)
    first, second = says(store, "Fjell"), says(store, "Vik")
    says(store, "Dal", theme="styrearbeid")

    (found,) = Pairs(ENCODER.model_id).of(store, THEME)

    assert {found.lesson, found.other} == {first, second}


def test_lessons_are_compared_again_only_when_they_change(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    with_background(store)
    compared = []
    real = Proposer.propose

    def counted(self: Proposer, lesson_id: LessonId, decided: frozenset[LessonId] = frozenset()):
        compared.append(lesson_id)
        return real(self, lesson_id, decided)

    monkeypatch.setattr(Proposer, "propose", counted)
    first, second, third = says(store, "Fjell"), says(store, "Vik"), says(store, "Dal")
    pairs = Pairs(ENCODER.model_id)

    assert len(pairs.of(store, THEME)) == 3
    assert len(pairs.of(store, THEME)) == 3
    assert sorted(compared) == sorted([first, second, third])

    compared.clear()
    decide(store, first, second, SUPPORTS)
    assert len(pairs.of(store, THEME)) == 2
    assert sorted(compared) == sorted([first, second])

    compared.clear()
    set_status(store, [third], Status.REJECTED)
    assert pairs.of(store, THEME) == ()
    assert sorted(compared) == sorted([first, second])
