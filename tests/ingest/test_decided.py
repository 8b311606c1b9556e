"""What staff decided, one by one, becomes examples; what nobody judged does not."""

import pytest

from ingest.decided import decided_examples
from ingest.types import Role
from kb.desk import Desk, Edit
from kb.domain import Kind, Lesson, ReportStatus, Status
from kb.store import Store
from tests.fakes import WordHashEncoder
from tests.make import a_filing

QUOTES = (
    "Styret bør ha flertall fra næringslivet.",
    "Programmet hadde tre satsinger.",
    "Møt bedriftene tidlig.",
    "Huset ble en suksess.",
)


@pytest.fixture
def store(tmp_path: object) -> Store:
    with Store.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def lessons(store: Store) -> list[Lesson]:
    """Four candidates, of which the first two stand in one block."""
    filing = a_filing(*QUOTES, status=Status.CANDIDATE)
    filing.add_to(store)
    return list(filing.lessons)


def desk(store: Store) -> Desk:
    return Desk(store, WordHashEncoder, "kari")


def seen(store: Store, lesson: Lesson) -> dict[str, int]:
    return {lesson.id: store.lessons([lesson.id])[lesson.id].version}


def test_what_was_kept_and_what_was_rejected_are_examples(
    store: Store, lessons: list[Lesson]
) -> None:
    kept, rejected, edited, _ = lessons
    desk(store).approve(seen(store, kept))
    desk(store).reject(seen(store, rejected), "not-a-lesson")
    desk(store).edit(edited.id, seen(store, edited)[edited.id], Edit(kind=Kind.WARNING))
    desk(store).approve(seen(store, edited))

    examples = decided_examples(store)

    assert [one.text for one in examples] == list(QUOTES[:3])
    first, second, third = examples
    assert [(one.quote, one.kind) for one in first.lessons] == [(QUOTES[0], kept.kind)]
    assert (second.lessons, second.refused) == ((), (QUOTES[1],))
    assert third.lessons[0].kind is Kind.WARNING
    assert {one.style for one in examples} == {kept.report_id}
    assert not any(one.is_complete for one in examples)
    assert {one.role for one in examples} == {Role.PARAGRAPH}


def test_what_nobody_judged_by_itself_is_none(store: Store, lessons: list[Lesson]) -> None:
    desk(store).approve_and_publish(lessons[0].report_id)

    assert decided_examples(store) == ()


@pytest.mark.parametrize("reason", ["repetition", "misread"])
def test_a_rejection_that_says_nothing_of_lessons_is_none(
    store: Store, lessons: list[Lesson], reason: str
) -> None:
    desk(store).reject(seen(store, lessons[0]), reason)

    assert decided_examples(store) == ()


def test_what_was_taken_back_is_none(store: Store, lessons: list[Lesson]) -> None:
    desk(store).undo(desk(store).reject(seen(store, lessons[0]), "not-a-lesson"))
    desk(store).approve(seen(store, lessons[1]))
    desk(store).reconsider(seen(store, lessons[1]))

    assert decided_examples(store) == ()


def test_a_report_in_the_trash_teaches_nothing(store: Store, lessons: list[Lesson]) -> None:
    desk(store).approve(seen(store, lessons[0]))
    report = store.report(lessons[0].report_id)
    desk(store).trash(report.id, report.version)

    assert decided_examples(store) == ()


def test_what_was_judged_in_the_edition_before_counts_in_the_newer(
    store: Store, lessons: list[Lesson]
) -> None:
    kept, rejected, repeated, unjudged = lessons
    desk(store).approve(seen(store, kept))
    desk(store).reject(seen(store, rejected), "not-a-lesson")
    desk(store).approve(seen(store, repeated))
    desk(store).merge(kept.id, [repeated.id], seen(store, kept) | seen(store, repeated))
    desk(store).approve_and_publish(kept.report_id)
    newer = a_filing(*QUOTES, original=b"%PDF newer", status=Status.CANDIDATE).add_to(store)
    desk(store).link_edition(newer.report.id, kept.report_id)
    while_waiting = decided_examples(store)

    desk(store).approve_and_publish(newer.report.id)

    examples = decided_examples(store)
    assert store.report(kept.report_id).status is ReportStatus.SUPERSEDED
    assert {one.style for one in examples} == {newer.report.id}
    found = {one.text: (len(one.lessons), len(one.refused)) for one in examples}
    assert found[QUOTES[0]] == (1, 0)
    assert found[QUOTES[1]] == (0, 1)
    assert unjudged.statement not in found
    assert not any(refused == QUOTES[2] for one in examples for refused in one.refused)
    assert [one.text for one in while_waiting] == [one.text for one in examples]


def test_what_is_decided_anew_of_the_newer_edition_counts(
    store: Store, lessons: list[Lesson]
) -> None:
    desk(store).approve(seen(store, lessons[0]))
    newer = a_filing(*QUOTES, original=b"%PDF newer", status=Status.CANDIDATE).add_to(store)
    desk(store).link_edition(newer.report.id, lessons[0].report_id)
    [carried] = [
        one
        for one in store.lessons(store.lesson_ids(report_id=newer.report.id)).values()
        if one.previous == lessons[0].id
    ]

    desk(store).reject(seen(store, carried), "misread")

    assert decided_examples(store) == ()
