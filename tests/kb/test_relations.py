"""Relations across reports are proposed by rule and decided by people."""

import numpy as np
import pytest

from kb.desk import Desk
from kb.domain import Kind, Status
from kb.errors import ConflictError, NotFoundError, NoUndo, UndoError
from kb.relations import MOST, Proposer, RelationKind
from kb.store import Action, Store
from kb.store.relations import Stance, Verdict
from tests.fakes import WordHashEncoder
from tests.make import a_filing, a_lesson, a_report, vectors_for

HERE, THERE = a_report(b"first"), a_report(b"second")
SIX = "Seks år var nødvendig, for de fleste arbeidsplassene kom i siste halvdel av programmet."
SIX_TOO = "Seks år var nødvendig, for arbeidsplassene i programmet kom i siste halvdel."
THREE = "Tre år var nødvendig, for arbeidsplassene i programmet kom i siste halvdel."
GARDEN = "Rollen til næringshagen bør avklares skriftlig før programmet åpner."
UNLIKE = "Habilitet må avklares med advokat i hver eneste sak."


BACKGROUND = (
    "Kommunestyret fikk ingen orientering, og egenandelen ble stående åpen hvert år.",
    "Programlederen hadde kontor hos bedriftene to dager i uken, og det ga tillit.",
    "Navnet på programmet minte folk om alt de hadde mistet.",
    "Boliger til leie manglet da de nye bedriftene ville ansette.",
    "Handlingsplanen hadde altfor mange tiltak til at noen fulgte den.",
    "Observatøren svarte før styret hadde fått tenkt seg om.",
)
"""Other lessons: what is common to all, and which words are rare, can only be told with some."""


def proposals(own, *others, decided=()):
    unlike = [a_lesson(one, report=HERE, kind=Kind.WARNING, themes=["navn"]) for one in BACKGROUND]
    lessons = [own, *others, *unlike]
    return Proposer(lessons, vectors_for(lessons, dim=256)).propose(own.id, decided)


def lesson(quote, report=HERE, kind=Kind.SUCCESS, themes=("oppstart-varighet",)):
    return a_lesson(quote, report=report, kind=kind, themes=themes)


def test_nearly_the_same_in_another_report_is_proposed_as_the_same():
    own, other = lesson(SIX), lesson(SIX_TOO, THERE)

    (found,) = proposals(own, other, lesson(UNLIKE, THERE, themes=["styrearbeid"]))

    assert (found.lesson, found.other, found.kind) == (own.id, other.id, RelationKind.SAMME)
    assert found.reason


def test_a_success_and_a_failure_of_one_thing_are_proposed_as_against_each_other():
    other = lesson(SIX_TOO, THERE, kind=Kind.WARNING)

    (found,) = proposals(lesson(SIX), other)

    assert found.kind is RelationKind.MOTSIER


def test_other_numbers_of_one_thing_are_proposed_as_against_each_other():
    (found,) = proposals(lesson(SIX), lesson(THREE, THERE))

    assert found.kind is RelationKind.MOTSIER
    assert "6 år" in found.reason
    assert "3 år" in found.reason


def test_the_more_exact_one_is_proposed_as_such_from_both_sides():
    short = lesson("Rollen til næringshagen bør avklares.", themes=["rolleavklaring"])
    exact = lesson(
        "Rollen til næringshagen bør avklares skriftlig når programmet har minst to ansatte, og "
        "bare etter at styret har sagt sitt.",
        THERE,
        kind=Kind.CHALLENGE,
        themes=["rolleavklaring"],
    )

    assert [one.kind for one in proposals(short, exact)] == [RelationKind.PRESISERES]
    assert [one.kind for one in proposals(exact, short)] == [RelationKind.PRESISERER]


def test_what_is_decided_or_of_the_same_report_is_not_proposed():
    other = lesson(SIX_TOO, THERE)

    assert proposals(lesson(SIX), other, decided=[other.id]) == ()
    assert proposals(lesson(SIX), lesson(SIX_TOO)) == ()


def test_what_is_far_is_not_proposed():
    assert proposals(lesson(SIX), lesson(UNLIKE, THERE, themes=["styrearbeid"])) == ()


def test_at_most_a_handful_is_proposed_most_alike_first():
    others = [lesson(f"{SIX_TOO[:-1]} nummer {n}.", THERE) for n in range(9)]

    found = proposals(lesson(SIX), *others)

    assert len(found) == MOST
    assert [one.likeness for one in found] == sorted((o.likeness for o in found), reverse=True)


def test_a_lesson_without_vectors_is_passed_over():
    own, other = lesson(SIX), lesson(SIX_TOO, THERE)

    assert Proposer([own, other], vectors_for([own])).propose(own.id) == ()
    assert Proposer([own, other], {}).propose(own.id) == ()
    assert Proposer([], {}).propose(own.id) == ()


# --- what people decide ---------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as opened:
        a_filing(SIX, GARDEN, original=b"first").add_to(opened)
        a_filing(SIX_TOO, original=b"second").add_to(opened)
        yield opened


def ids(store):
    first, garden = store.lesson_ids(report_id=HERE.id)
    (second,) = store.lesson_ids(report_id=THERE.id)
    return first, second, garden


def relate(store, first, second, kind, verdict, by="kari"):
    """Say it, whatever stands."""
    seen = {one.second: Stance(one.kind, one.verdict) for one in store.relations.of(first)}
    return desk(store, by).relate(first, second, Stance(kind, verdict), seen.get(second))


def desk(store, by="kari"):
    return Desk(store, WordHashEncoder, by)


def test_a_decision_is_seen_from_both_lessons(store):
    first, second, _ = ids(store)
    before = store.generation()

    relate(store, first, second, RelationKind.PRESISERER, Verdict.ACCEPTED)

    (own,) = store.relations.of(first)
    (other,) = store.relations.of(second)
    assert (own.first, own.second, own.kind) == (first, second, RelationKind.PRESISERER)
    assert (other.first, other.second, other.kind) == (second, first, RelationKind.PRESISERES)
    assert (own.verdict, own.by) == (Verdict.ACCEPTED, "kari")
    assert store.generation() == before + 1


def test_the_pair_is_kept_once_and_the_last_decision_stands(store):
    first, second, _ = ids(store)

    relate(store, first, second, RelationKind.SAMME, Verdict.ACCEPTED)
    relate(store, second, first, RelationKind.STOTTER, Verdict.REJECTED, "ola")

    (own,) = store.relations.of(first)
    assert (own.kind, own.verdict, own.by) == (RelationKind.STOTTER, Verdict.REJECTED, "ola")
    assert store.relations.accepted() == ()


def test_accepted_relations_join_published_lessons_only(store):
    first, second, _ = ids(store)
    relate(store, first, second, RelationKind.SAMME, Verdict.ACCEPTED)
    (retired,) = a_filing(GARDEN, original=b"third", status=Status.RETIRED).add_to(store).lessons
    relate(store, retired.id, second, RelationKind.STOTTER, Verdict.ACCEPTED)

    assert {frozenset((r.first, r.second)) for r in store.relations.accepted()} == {
        frozenset((first, second))
    }
    assert len(store.relations.accepted(THERE.id)) == 1
    assert store.relations.accepted("f" * 12) == ()


def test_a_decision_can_be_taken_back_and_stays_in_the_history_of_both_lessons(store):
    first, second, _ = ids(store)
    said = Stance(RelationKind.PRESISERER, Verdict.ACCEPTED)
    relate(store, first, second, said.kind, said.verdict)

    desk(store, "ola").relate(second, first, None, said.inverse)

    assert store.relations.of(first) == ()
    for one, kind in ((first, "presiserer"), (second, "presiseres")):
        taken, given = store.changes.history(lesson_id=one)
        assert (taken.by, taken.action, given.by) == ("ola", Action.RELATE, "kari")
        (item,) = [each for each in given.items if each.lesson_id == one]
        assert list(item.after.values()) == [[kind, "accepted"]]
        assert item.related == ({first, second} - {one}).pop()


def test_a_decision_can_be_undone_and_that_too(store):
    first, second, _ = ids(store)
    relate(store, first, second, RelationKind.SAMME, Verdict.REJECTED)
    change = relate(store, first, second, RelationKind.STOTTER, Verdict.ACCEPTED)

    undone = desk(store).undo(change)
    (own,) = store.relations.of(first)
    assert (own.kind, own.verdict) == (RelationKind.SAMME, Verdict.REJECTED)

    desk(store).undo(undone)
    (own,) = store.relations.of(second)
    assert (own.kind, own.verdict) == (RelationKind.STOTTER, Verdict.ACCEPTED)
    with pytest.raises(UndoError) as twice:
        desk(store).undo(change)
    assert twice.value.reason is NoUndo.DONE


def test_what_was_said_since_is_not_undone(store):
    first, second, garden = ids(store)
    change = relate(store, first, second, RelationKind.SAMME, Verdict.ACCEPTED)
    relate(store, second, first, RelationKind.MOTSIER, Verdict.ACCEPTED, "ola")
    relate(store, first, garden, RelationKind.SAMME, Verdict.REJECTED)

    with pytest.raises(UndoError) as refused:
        desk(store).undo(change)

    assert refused.value.reason is NoUndo.CHANGED
    assert store.relations.of(second)[0].kind is RelationKind.MOTSIER


def test_two_people_cannot_both_decide_a_pair_unseen(store):
    first, second, _ = ids(store)
    relate(store, first, second, RelationKind.SAMME, Verdict.ACCEPTED)

    with pytest.raises(ConflictError):
        desk(store, "ola").relate(
            second, first, Stance(RelationKind.MOTSIER, Verdict.ACCEPTED), None
        )

    assert store.relations.of(first)[0].by == "kari"


def test_undoing_a_split_takes_the_relations_of_the_part_along_and_redoing_brings_them(store):
    two = "Styret møttes for sjelden. Rollene ble aldri avklart."
    filing = a_filing(two, original=b"third", status=Status.CANDIDATE).add_to(store)
    (lesson,) = filing.lessons
    version = store.lessons([lesson.id])[lesson.id].version
    split = desk(store).split(lesson.id, version, two.replace(". ", ".|").split("|"))
    (part,) = set(store.lesson_ids(report_id=filing.report.id)) - {lesson.id}
    first, _, _ = ids(store)
    relate(store, part, first, RelationKind.STOTTER, Verdict.ACCEPTED)

    undone = desk(store).undo(split)
    assert store.relations.of(first) == ()

    desk(store).undo(undone)
    (own,) = store.relations.of(first)
    assert (own.second, own.kind, own.verdict) == (part, RelationKind.STOTTER, Verdict.ACCEPTED)
    assert store.check() == ()


def test_a_relation_needs_two_lessons_that_are_there(store):
    first, _, _ = ids(store)

    with pytest.raises(NotFoundError, match="ffff"):
        relate(store, first, "f" * 12, RelationKind.SAMME, Verdict.ACCEPTED)
    with pytest.raises(ValueError, match="itself"):
        relate(store, first, first, RelationKind.SAMME, Verdict.ACCEPTED)
    assert store.relations.of(first) == ()


def test_a_removed_report_takes_its_relations_along(store):
    first, second, _ = ids(store)
    relate(store, first, second, RelationKind.SAMME, Verdict.ACCEPTED)

    store.remove_report(THERE.id)

    assert store.relations.of(first) == ()
    assert store.check() == ()


def test_vectors_of_a_report_are_those_it_came_with_whatever_the_status(store):
    filing = a_filing(GARDEN, SIX, original=b"third", status=Status.CANDIDATE).add_to(store)

    found = store.vectors_of(filing.report.id, filing.model_id)

    assert list(found) == [one.id for one in filing.lessons]
    for lesson_id, rows in found.items():
        assert np.allclose(rows, filing.vectors[lesson_id], atol=1e-3)
    assert store.vectors_of(filing.report.id, "another") == {}


@pytest.mark.parametrize("kind", RelationKind)
def test_turning_a_relation_twice_gives_it_back(kind):
    assert kind.inverse.inverse is kind
