"""The order in which proposals are met, and what can still be taken back. Pure."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from kb.domain import Evidence, Kind, Lesson, Span, Status
from kb.store import Action, Change, Item
from web.review_queue import Choice, Order, Queue, Show, read_choice, write_choice
from web.views.review_history import undoable


def a_lesson(
    name: str,
    *,
    confidence: float | None = 0.5,
    status: Status = Status.CANDIDATE,
    has_changed: bool = False,
) -> Lesson:
    return Lesson(
        id=name,
        report_id="r",
        statement=name,
        is_edited=False,
        kind=Kind.WARNING,
        phase=None,
        status=status,
        language="nb",
        reason="test",
        tags=(),
        evidence=(
            Evidence(report_id="r", section=(), spans=(Span(page=1, start=0, end=1),), quote=name),
        ),
        confidence=confidence,
        has_changed=has_changed,
    )


FIVE = (
    a_lesson("sure", confidence=0.9),
    a_lesson("done", confidence=0.1, status=Status.APPROVED),
    a_lesson("unknown", confidence=None),
    a_lesson("moved", confidence=0.95, has_changed=True),
    a_lesson("doubtful", confidence=0.2),
)


def queue(order: Order = Order.UNSURE, show: Show = Show.ALL) -> Queue:
    return Queue.of(FIVE, {"doubtful"}, Choice(order=order, show=show))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param(Order.UNSURE, "moved unknown done doubtful sure", id="least sure first"),
        pytest.param(Order.PAGE, "sure done unknown moved doubtful", id="as in the report"),
    ],
)
def test_order(order: Order, expected: str):
    assert [one.id for one in queue(order).lessons] == expected.split()


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        (Show.ALL, "moved unknown done doubtful sure"),
        (Show.WAITING, "moved unknown doubtful sure"),
        (Show.APPROVED, "done"),
        (Show.REJECTED, ""),
        (Show.REMARKS, "doubtful"),
        (Show.CHANGED, "moved"),
    ],
)
def test_what_is_shown(show: Show, expected: str):
    assert [one.id for one in queue(show=show).shown] == expected.split()


@pytest.mark.parametrize(
    ("show", "at", "expected"),
    [
        pytest.param(Show.ALL, "unknown", "doubtful", id="passes what is decided"),
        pytest.param(Show.ALL, "sure", "moved", id="begins again at the end"),
        pytest.param(Show.WAITING, "done", "doubtful", id="from one that is not shown"),
        pytest.param(Show.REMARKS, "doubtful", None, id="the only one"),
        pytest.param(Show.APPROVED, "done", None, id="among the decided, only forwards"),
    ],
)
def test_where_to_go_on(show: Show, at: str, expected: str | None):
    assert queue(show=show).to_decide_after(at) == expected


def test_neighbours_are_those_shown():
    some = queue(show=Show.WAITING)

    assert (some.before("doubtful"), some.after("doubtful")) == ("unknown", "sure")
    assert (some.before("moved"), some.after("sure")) == (None, None)
    assert some.place("done") is None


def test_the_surest_are_sure_waiting_and_without_remarks():
    lessons = [
        a_lesson("good", confidence=0.85),
        a_lesson("remarked", confidence=0.99),
        a_lesson("unsure", confidence=0.79),
        a_lesson("moved", confidence=0.99, has_changed=True),
        a_lesson("done", confidence=0.99, status=Status.APPROVED),
        a_lesson("unknown", confidence=None),
    ]

    surest = Queue.of(lessons, {"remarked"}, Choice()).surest()

    assert [one.id for one in surest] == ["good"]


@given(st.sampled_from(Order), st.sampled_from(Show))
def test_a_choice_survives_its_address(order: Order, show: Show):
    choice = Choice(order=order, show=show)

    assert read_choice(MultiDict(write_choice(choice))) == choice


@given(st.lists(st.sampled_from([None, 0.1, 0.5, 0.9]), max_size=8), st.sampled_from(Order))
def test_going_on_meets_every_waiting_lesson_once(confidences: list[float | None], order: Order):
    lessons = [a_lesson(str(n), confidence=value) for n, value in enumerate(confidences)]
    met = []
    here = Queue.of(lessons, (), Choice(order=order)).lessons
    at = here[0].id if here else None
    while at is not None:
        met.append(at)
        following = Queue.of(lessons, (), Choice(order=order)).to_decide_after(at)
        lessons = [replace(one, status=Status.APPROVED) if one.id == at else one for one in lessons]
        at = following

    assert sorted(met) == sorted(one.id for one in lessons)


def a_change(number: int, lesson: str, name: str, **known: object) -> Change:
    item = Item(report_id="r", lesson_id=lesson, before={name: 1}, after={name: 2})
    values: dict[str, object] = {
        "action": Action.EDIT,
        "undoes": None,
        "undone_by": None,
        "items": (item,),
    } | known
    return Change(id=number, at="", by="kari", report_id="r", reason=None, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([a_change(1, "a", "kind")], {1}, id="the only one"),
        pytest.param(
            [a_change(2, "a", "kind"), a_change(1, "a", "kind")], {2}, id="touched again since"
        ),
        pytest.param(
            [a_change(2, "a", "phase"), a_change(1, "a", "kind")], {1, 2}, id="another value"
        ),
        pytest.param(
            [a_change(2, "b", "kind"), a_change(1, "a", "kind")], {1, 2}, id="another lesson"
        ),
        pytest.param(
            [
                a_change(3, "a", "kind", action=Action.UNDO, undoes=2),
                a_change(2, "a", "kind", undone_by=3),
                a_change(1, "a", "kind"),
            ],
            {1, 3},
            id="what was taken back no longer stands in the way",
        ),
        pytest.param(
            [
                a_change(4, "a", "kind", action=Action.UNDO, undoes=3),
                a_change(3, "a", "kind", action=Action.UNDO, undoes=2, undone_by=4),
                a_change(2, "a", "kind", undone_by=3),
                a_change(1, "a", "kind"),
            ],
            {4},
            id="redone: it stands in the way again",
        ),
    ],
)
def test_what_can_be_taken_back(changes: list[Change], expected: set[int]):
    assert undoable(changes) == expected
