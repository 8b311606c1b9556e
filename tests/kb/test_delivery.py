"""Lessons for an occasion: by theme, phase and kind, spread out, with honest counts."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kb.delivery import Delivery, Occasion
from kb.desk import Desk
from kb.domain import Kind, LessonId, Phase, ProgrammeType, ReportType
from kb.embed import embed_lessons
from kb.profile import Profile
from kb.relations import RelationKind
from kb.search import Searcher
from kb.store import Stance, Store, Verdict
from kb.support import Agreement, Breadth
from tests.fakes import WordHashEncoder
from tests.make import a_filing, a_programme

ENCODER = WordHashEncoder()
BOARD = Occasion(
    themes=("styreseminar", "styrearbeid", "navn"),
    question="Når bør styret ha seminar?",
    phases=(Phase.GJENNOMFORING,),
    event=None,
)
NOBODY = Profile()


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


def add(
    store: Store,
    programme: str,
    *said: tuple[str, str],
    contractor: str | None = "Analyse AS",
    about: dict[str, object] | None = None,
    **known: object,
) -> list[LessonId]:
    """Add a report with a lesson per (theme, quote); return their ids."""
    filing = a_filing(*(quote for _, quote in said), original=programme.encode())
    tags = [a_filing("Én.", themes=(theme,)).lessons[0].tags for theme, _ in said]
    lessons = tuple(
        replace(one, tags=own, **known) for one, own in zip(filing.lessons, tags, strict=True)
    )
    report = replace(
        filing.report,
        programme=a_programme(programme, **(about or {})),
        contractor=contractor,
        report_type=ReportType.SLUTTEVALUERING,
    )
    replace(
        filing,
        report=report,
        lessons=lessons,
        vectors=embed_lessons(lessons, ENCODER),
        model_id=ENCODER.model_id,
    ).add_to(store)
    return [one.id for one in lessons]


def deliver(store: Store, limit: int = 5, profile: Profile = NOBODY, **more: object):
    with store.reading():
        delivery = Delivery(store, Searcher(ENCODER, store._home))
        return delivery.choose([BOARD], profile, limit, **more)


def accept(store: Store, first: LessonId, second: LessonId, kind: RelationKind) -> None:
    Desk(store, lambda: ENCODER, "kari").relate(
        first, second, seen=None, said=Stance(kind, Verdict.ACCEPTED)
    )


def test_only_lessons_on_the_themes_of_the_occasion_are_delivered(store: Store):
    add(
        store,
        "Fjell",
        ("navn", "Navnet på programmet ble oppfattet som en nedleggelse."),
        ("kompetanse", "Bedriftene manglet folk med fagbrev i hele perioden."),
        ("styreseminar", "Styret burde hatt et seminar etter det første året i drift."),
    )

    found = deliver(store)

    assert [one.theme for one in found] == ["styreseminar", "navn"]
    assert all(one.occasion is BOARD for one in found)


def test_a_lesson_of_the_same_phase_goes_before_one_of_another(store: Store):
    said = ("styrearbeid", "Styret bør møtes oftere når programmet er i drift.")
    also_said = ("styrearbeid", "Styret bør møtes oftere når programmet er i full drift.")
    add(store, "Dal", said, phase=Phase.AVKLARING)
    add(store, "Vik", also_said, phase=Phase.GJENNOMFORING)

    order = [one.report.programme.name for one in deliver(store)]

    assert order.index("Vik") < order.index("Dal")


def test_themes_and_programmes_take_turns(store: Store):
    add(
        store,
        "Fjell",
        *(
            ("styreseminar", f"Styret burde hatt seminar nummer {n} tidligere.")
            for n in range(1, 7)
        ),
    )
    add(store, "Vik", ("navn", "Navnet på programmet sa ingenting om hva vi skulle gjøre."))

    found = deliver(store, limit=3)

    assert {one.report.programme.name for one in found} == {"Fjell", "Vik"}


def test_programmes_like_the_readers_come_first_and_say_so(store: Store):
    region = {"programme_type": ProgrammeType.REGIONALT}
    town = {"programme_type": ProgrammeType.ENKELTKOMMUNE}
    said = "Styret hadde nytte av seminaret det første året."
    also_said = "Styret hadde nytte av seminaret det andre året."
    add(store, "Byen", ("styreseminar", said), about=town)
    add(store, "Regionen", ("styreseminar", also_said), about=region)

    for kind, first in (
        (ProgrammeType.REGIONALT, "Regionen"),
        (ProgrammeType.ENKELTKOMMUNE, "Byen"),
    ):
        found = deliver(store, profile=Profile(programme_type=kind))
        assert [one.likeness.is_like for one in found] == [True, False]
        assert found[0].report.programme.name == first


def test_what_is_left_out_and_other_kinds_stay_out(store: Store):
    ids = add(
        store,
        "Fjell",
        ("styreseminar", "Styret burde hatt et seminar etter det første året."),
        ("styrearbeid", "Styret fikk sakene altfor sent og rakk ikke å lese dem."),
        kind=Kind.WARNING,
    )

    assert [one.lesson.id for one in deliver(store, without=[ids[0]])] == [ids[1]]
    assert deliver(store, kinds={Kind.SUCCESS}) == ()


def test_equal_bases_give_equal_lessons_and_an_empty_base_none(store: Store):
    assert deliver(store) == ()

    quotes = [f"Navnet ble byttet {n} ganger i løpet av perioden." for n in range(2, 9)]
    add(store, "Fjell", *(("navn", quote) for quote in quotes))

    ids = [[one.lesson.id for one in deliver(store)] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 5


# ---- who else says so


def three_alike(store: Store) -> list[LessonId]:
    return [
        add(store, name, ("styreseminar", quote), contractor=who)[0]
        for name, who, quote in (
            ("Fjell", "Analyse AS", "Styret burde hatt et seminar etter det første året."),
            ("Vik", "analyse", "Styret burde hatt et seminar da det første året var omme."),
            ("Dal", "Utsyn", "Et seminar etter det første året hadde gjort styret tryggere."),
        )
    ]


def test_what_only_looks_alike_is_a_suggestion_and_no_support(store: Store):
    three_alike(store)

    for one in deliver(store):
        assert one.support.breadth is Breadth.HYPOTHESIS
        assert len(one.support.programmes) == 1
        assert one.suggested
        assert one.suggested_programmes == len({hit.report.programme.slug for hit in one.suggested})


def test_accepted_relations_count_programmes_and_different_evaluators(store: Store):
    first, second, third = three_alike(store)

    accept(store, first, second, RelationKind.SAMME)
    support = Agreement.read(store).support(first)
    assert (len(support.programmes), support.evaluators) == (2, {"analyse"})
    assert support.breadth is Breadth.REPEATED

    accept(store, second, third, RelationKind.STOTTER)
    support = Agreement.read(store).support(first)
    assert (len(support.programmes), support.evaluators) == (3, {"analyse", "utsyn"})
    assert support.breadth is Breadth.BROAD
    assert set(support.lessons) == {second, third}


def test_what_is_confirmed_is_shown_once_and_not_suggested_too(store: Store):
    first, second, third = three_alike(store)
    accept(store, first, second, RelationKind.SAMME)

    found = deliver(store)

    assert len(found) == 2
    confirmed = next(one for one in found if one.lesson.id in {first, second})
    assert len(confirmed.support.programmes) == 2
    suggested = {hit.lesson.id for hit in confirmed.suggested}
    assert suggested == {third}


@pytest.mark.parametrize("kind", [RelationKind.MOTSIER, RelationKind.PRESISERER])
def test_other_relations_are_no_support(store: Store, kind: RelationKind):
    first, second, _ = three_alike(store)

    accept(store, first, second, kind)

    assert len(Agreement.read(store).support(first).programmes) == 1


def test_a_rejected_pair_is_not_suggested_again(store: Store):
    first, second, third = three_alike(store)
    Desk(store, lambda: ENCODER, "kari").relate(
        first, second, seen=None, said=Stance(RelationKind.SAMME, Verdict.REJECTED)
    )

    own = next(one for one in deliver(store) if one.lesson.id == first)

    assert {hit.lesson.id for hit in own.suggested} == {third}


def test_a_programmes_own_report_is_no_independent_evaluator(store: Store):
    first, second, _ = three_alike(store)
    accept(store, first, second, RelationKind.SAMME)
    agreement = Agreement.read(store)
    reports = {
        key: replace(one, report_type=ReportType.SLUTTRAPPORT)
        for key, one in agreement._reports.items()
    }
    rows = {row.lesson_id: row.report_id for row in store.facets()}

    support = Agreement(store.relations.accepted(), reports, rows).support(first)

    assert len(support.programmes) == 2
    assert support.evaluators == set()
