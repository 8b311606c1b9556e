"""Status, filters, vectors and the index pointer."""

from dataclasses import replace

import numpy as np
import pytest

from kb.domain import ProgrammeType, ReportStatus, ReportType, Status
from kb.passages import PassageRole
from kb.store import FacetRow, IndexPointer, Store
from kb.tokens import quantised
from tests.make import MODEL, a_filing, a_programme, set_status, vectors_for


@pytest.fixture
def two(store: Store) -> tuple[str, ...]:
    """Two reports of two programmes with two lessons each; the ids in reading order."""
    first = a_filing("Aa.", "Bb.|Bb slutt.", original=b"1", themes=["styret", "fart"]).add_to(store)
    second = a_filing("Cc.", "Dd.", original=b"2", themes=["styret"], status=Status.CANDIDATE)
    about = a_programme("Andre", programme_type=ProgrammeType.REGIONALT)
    report = replace(
        second.report,
        programme=about,
        report_type=ReportType.SYNTESE,
        year=2020,
        status=ReportStatus.CANDIDATE,
    )
    replace(second, report=report).add_to(store)
    return tuple(lesson.id for lesson in (*first.lessons, *second.lessons))


def test_the_filters_of_lesson_ids_narrow_together(store: Store, two: tuple[str, ...]) -> None:
    aa, bb, cc, dd = two
    first = store.lessons([aa])[aa].report_id

    assert store.lesson_ids() == two
    assert store.lesson_ids(status=Status.PUBLISHED) == (aa, bb)
    assert store.lesson_ids(report_id=first) == (aa, bb)
    assert store.lesson_ids(programme="andre") == (cc, dd)
    assert store.lesson_ids(theme="fart") == (aa, bb)
    assert store.lesson_ids(theme="styret", programme="andre") == (cc, dd)
    assert store.lesson_ids(page=2) == (bb,)
    assert store.lesson_ids(page=1) == two
    assert store.lesson_ids(report_id=first, page=1, status=Status.CANDIDATE) == ()


def test_status_decides_what_is_published_and_marks_the_lesson(
    store: Store, two: tuple[str, ...]
) -> None:
    aa, bb, cc, _ = two

    assert set_status(store, [aa, cc], Status.PUBLISHED) == 1
    assert store.generation() == 3
    assert store.changed_since(2) == {cc}
    assert [row.lesson_id for row in store.facets()] == [aa, bb, cc]
    assert [row.lesson_id for row in store.rows(MODEL, since=2)] == [cc]

    assert set_status(store, [cc], Status.RETIRED) == 1
    assert store.changed_since(3) == {cc}
    assert store.rows(MODEL, since=2) == ()
    assert [row.lesson_id for row in store.facets()] == [aa, bb]


def test_a_status_that_is_already_so_is_no_change(store: Store, two: tuple[str, ...]) -> None:
    assert set_status(store, two[:2], Status.PUBLISHED) == 0
    assert set_status(store, [], Status.REJECTED) == 0
    assert set_status(store, ["nothing"], Status.REJECTED) == 0
    assert store.generation() == 2


def test_facets_are_those_of_lesson_report_and_programme(
    store: Store, two: tuple[str, ...]
) -> None:
    *_, cc, _ = two
    set_status(store, [cc], Status.PUBLISHED)
    lesson = store.lessons([cc])[cc]

    assert store.facets()[2] == FacetRow(
        lesson_id=cc,
        report_id=lesson.report_id,
        themes=("styret",),
        kind=lesson.kind,
        phase=None,
        programme="andre",
        programme_type=ProgrammeType.REGIONALT,
        report_type=ReportType.SYNTESE,
        year=2020,
        language="nb",
    )
    assert store.facets()[0].themes == ("styret", "fart")


def test_vectors_come_back_to_half_precision_with_their_roles(store: Store) -> None:
    filing = a_filing("En setning. Og en til.").add_to(store)

    (row,) = store.rows(MODEL)

    assert row.lesson_id == filing.lessons[0].id
    assert row.roles == (PassageRole.QUOTE, PassageRole.SENTENCE, PassageRole.SENTENCE)
    assert row.vectors.dtype == np.float32
    np.testing.assert_allclose(row.vectors, filing.vectors[row.lesson_id], atol=1e-3)


def test_new_vectors_replace_those_of_every_model(store: Store, two: tuple[str, ...]) -> None:
    lessons = store.lessons(two)
    fresh = vectors_for(lessons.values(), dim=4)

    store.put_vectors(fresh | {"nothing": fresh[two[0]]}, "other-model")

    assert store.model_ids() == {"other-model"}
    assert store.rows(MODEL) == ()
    assert {row.lesson_id: row.vectors.shape[1] for row in store.rows("other-model")} == {
        two[0]: 4,
        two[1]: 4,
    }
    assert store.changed_since(2) == set(two)
    assert store.check() == ()


def test_vectors_for_some_lessons_leave_the_others(store: Store, two: tuple[str, ...]) -> None:
    store.put_vectors(vectors_for(store.lessons(two[:1]).values()), "other-model")

    assert store.model_ids() == {MODEL, "other-model"}
    assert [row.lesson_id for row in store.rows(MODEL)] == [two[1]]


def test_wrong_vectors_replace_nothing(store: Store, two: tuple[str, ...]) -> None:
    fresh = vectors_for(store.lessons(two).values())
    fresh[two[1]] = fresh[two[1]][:1]

    with pytest.raises(ValueError, match=two[1]):
        store.put_vectors(fresh, "other-model")

    assert store.model_ids() == {MODEL}
    assert store.generation() == 2


def test_no_vectors_are_no_change(store: Store) -> None:
    store.put_vectors({}, "other-model")

    assert store.generation() == 0


def test_only_published_lessons_tell_the_models(store: Store, two: tuple[str, ...]) -> None:
    store.put_vectors(vectors_for(store.lessons(two[2:]).values()), "other-model")

    assert store.model_ids() == {MODEL}


def test_the_index_pointer_moves_only_forward(store: Store, two: tuple[str, ...]) -> None:
    assert store.point_index("one", 1, MODEL)
    assert store.point_index("two", 2, MODEL)
    assert not store.point_index("one again", 1, MODEL)
    assert store.index_pointer() == IndexPointer(name="two", generation=2, model_id=MODEL)
    assert store.point_index("two again", 2, "other-model")
    assert store.index_pointer() == IndexPointer(
        name="two again", generation=2, model_id="other-model"
    )
    assert store.generation() == 2


def test_token_vectors_come_and_go_with_their_lesson(store: Store) -> None:
    filing = a_filing("Aa.", "Bb.")
    one, two = (lesson.id for lesson in filing.lessons)
    own = quantised(np.array([7, 9, 7], np.int32), np.eye(3, 8, dtype=np.float32))
    other = quantised(np.array([4], np.int32), np.ones((1, 8), np.float32))
    filing = replace(filing, tokens={one: (own, other)}).add_to(store)

    [first, second] = store.tokens([one, two], MODEL)[one]
    assert first.ids.tolist() == [7, 9, 7]
    assert np.array_equal(first.cells, own.cells)
    assert np.array_equal(first.scales, own.scales)
    assert second.ids.tolist() == [4]
    assert [row.pieces.tolist() for row in store.rows(MODEL)] == [[4, 7, 9], []]
    assert store.tokens([one], "another model") == {}

    store.put_vectors(filing.vectors, MODEL, {two: (other,), "gone": (other,)})
    assert store.tokens([one, two], MODEL).keys() == {two}

    store.remove_report(filing.report.id)
    assert store.tokens([one, two], MODEL) == {}
