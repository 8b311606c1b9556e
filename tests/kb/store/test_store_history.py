"""Any history of changes leaves a store in which every reader's view tells the same story."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from kb.domain import Status
from kb.lexical import query_grams
from kb.store import Store
from tests.make import MODEL, a_filing, publish, set_status

FILINGS = [
    a_filing(f"Styret {name} en.", f"Styret {name} to.", original=name.encode(), status=status)
    for name, status in (("a", Status.CANDIDATE), ("b", Status.PUBLISHED), ("c", Status.REJECTED))
]
REPORTS = st.integers(0, len(FILINGS) - 1)
CHANGES = st.one_of(
    st.tuples(st.just("add"), REPORTS, st.none()),
    st.tuples(st.just("remove"), REPORTS, st.none()),
    st.tuples(st.just("publish"), REPORTS, st.none()),
    st.tuples(st.just("embed"), REPORTS, st.none()),
    st.tuples(st.just("status"), REPORTS, st.sampled_from(Status)),
)


@settings(max_examples=25, deadline=None)
@given(history=st.lists(CHANGES, max_size=12))
def test_every_view_agrees_after_any_history(
    history: list[tuple[str, int, Status | None]],
) -> None:
    expected: dict[str, Status] = {}
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        for verb, number, status in history:
            before, known = store.generation(), dict(expected)
            touched = _change(store, verb, number, status, expected)
            assert store.generation() == before + bool(touched)
            assert store.changed_since(before) == touched
            assert touched >= {
                one for one in known | expected if known.get(one) != expected.get(one)
            }
        _agree(store, expected)


def _change(
    store: Store, verb: str, number: int, status: Status | None, expected: dict[str, Status]
) -> set[str]:
    """Do one change if it can be done, tell ``expected``, and return the lessons it touches."""
    filing = FILINGS[number]
    ids = [lesson.id for lesson in filing.lessons]
    if (verb == "add") == (ids[0] in expected):
        return set()
    if verb == "add":
        filing.add_to(store)
        expected |= {lesson.id: lesson.status for lesson in filing.lessons}
        return set(ids)
    if verb == "remove":
        store.remove_report(filing.report.id)
        for one in ids:
            del expected[one]
        return set(ids)
    if verb == "embed":
        store.put_vectors(filing.vectors, MODEL)
        return set(ids)
    if verb == "publish":
        waiting = {one for one in ids if expected[one] in {Status.CANDIDATE, Status.APPROVED}}
        assert publish(store, filing.report.id) == len(waiting)
        expected |= dict.fromkeys(waiting, Status.PUBLISHED)
        return waiting
    changed = {one for one in ids[:1] if expected[one] is not status}
    assert set_status(store, ids[:1], status) == len(changed)
    expected |= dict.fromkeys(changed, status)
    return changed


def _agree(store: Store, expected: dict[str, Status]) -> None:
    ids = store.lesson_ids()
    published = {one for one, status in expected.items() if status is Status.PUBLISHED}
    assert {one: lesson.status for one, lesson in store.lessons(ids).items()} == expected
    assert {row.lesson_id for row in store.facets()} == published
    assert {row.lesson_id for row in store.rows(MODEL)} == published
    assert set(store.grams_match(query_grams("styret"))) == published
    assert set(store.lesson_ids(status=Status.PUBLISHED)) == published
    assert sum(sum(each.lessons.values()) for each in store.reports()) == len(expected)
    assert store.check() == ()
