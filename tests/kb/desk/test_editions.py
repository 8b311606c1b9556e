"""A corrected edition keeps what people decided, and says what it could not keep."""

import pytest

from kb.desk import Desk, Edit
from kb.domain import Lesson, ReportStatus, Status
from kb.errors import EditionError
from kb.store import Store
from tests.kb.desk.conftest import QUOTES, undecided
from tests.make import Filing

REWORDED = "Programlederen kom altfor sent på plass. Det kostet et helt halvt år."
UNTOUCHED = QUOTES[2]


def _now(store: Store, lesson_id: str) -> Lesson:
    return store.lessons([lesson_id])[lesson_id]


def _decide(desk: Desk, store: Store, filing: Filing) -> None:
    """Approve the first with words of our own, approve the second, reject the third."""
    first, second, third = (one.id for one in filing.lessons)
    desk.edit(first, _now(store, first).version, Edit(statement="Gi næringslivet flertall."))
    desk.approve({one: _now(store, one).version for one in (first, second)})
    desk.reject({third: _now(store, third).version}, "for generell")


@pytest.fixture
def newer(store: Store, desk: Desk, filing: Filing) -> Filing:
    """A corrected edition: the second passage is reworded, a fourth is new."""
    _decide(desk, store, filing)
    _publish(desk, store, filing)
    return undecided(
        QUOTES[0], REWORDED, UNTOUCHED, "Helt nytt er at styret møtes oftere.", original=b"%PDF 2"
    ).add_to(store)


def _publish(desk: Desk, store: Store, filing: Filing) -> int:
    report = store.report(filing.report.id)
    assert report is not None
    return desk.publish(report.id, report.version)


def test_decisions_follow_their_words_into_the_new_edition(
    store: Store, desk: Desk, filing: Filing, newer: Filing
) -> None:
    diff = desk.link_edition(newer.report.id, filing.report.id)
    first, second, third, fourth = (_now(store, one.id) for one in newer.lessons)
    assert (first.status, first.statement) == (Status.APPROVED, "Gi næringslivet flertall.")
    assert (first.is_edited, first.previous) == (True, filing.lessons[0].id)
    assert (second.status, second.has_changed) == (Status.CANDIDATE, True)
    assert second.evidence[0].quote == REWORDED
    assert third.status is Status.REJECTED
    assert (fourth.status, fourth.previous) == (Status.CANDIDATE, None)
    assert diff.kept == (first.id, third.id)
    assert (diff.changed, diff.gone, diff.added) == ((second.id,), (), (fourth.id,))
    assert store.check() == ()


def test_the_old_edition_is_read_until_the_new_one_is_published(
    store: Store, desk: Desk, filing: Filing, newer: Filing
) -> None:
    desk.link_edition(newer.report.id, filing.report.id)
    assert _now(store, filing.lessons[0].id).status is Status.PUBLISHED
    waiting = store.lesson_ids(report_id=newer.report.id, status=Status.CANDIDATE)
    desk.approve({one: _now(store, one).version for one in waiting})
    change = _publish(desk, store, newer)
    old = store.report(filing.report.id)
    assert old is not None
    assert old.status is ReportStatus.SUPERSEDED
    assert _now(store, filing.lessons[0].id).status is Status.RETIRED
    assert _now(store, newer.lessons[0].id).status is Status.PUBLISHED
    assert store.heir(filing.lessons[0].id) == newer.lessons[0].id
    assert store.check() == ()
    desk.undo(change)
    assert _now(store, filing.lessons[0].id).status is Status.PUBLISHED


def test_a_decided_passage_that_is_not_proposed_again_is_found_in_the_text(
    store: Store, desk: Desk, filing: Filing
) -> None:
    one = filing.lessons[0]
    part = "Styret bør ha flertall fra næringslivet."
    desk.requote(one.id, _now(store, one.id).version, 0, part)
    desk.approve({one.id: _now(store, one.id).version})
    newer = undecided(*QUOTES, original=b"%PDF 2").add_to(store)
    desk.link_edition(newer.report.id, filing.report.id)
    carried = [
        lesson
        for lesson in store.lessons(store.lesson_ids(report_id=newer.report.id)).values()
        if lesson.previous == one.id
    ]
    assert [lesson.evidence[0].quote for lesson in carried] == [part]
    assert carried[0].status is Status.APPROVED
    assert store.check() == ()


def test_what_is_gone_from_the_new_edition_is_told(
    store: Store, desk: Desk, filing: Filing
) -> None:
    _decide(desk, store, filing)
    newer = undecided(QUOTES[0], original=b"%PDF 2").add_to(store)
    diff = desk.link_edition(newer.report.id, filing.report.id)
    assert diff.gone == tuple(one.id for one in filing.lessons[1:])
    assert _now(store, filing.lessons[1].id).status is Status.APPROVED


def test_what_is_decided_of_the_old_edition_after_linking_counts_too(
    store: Store, desk: Desk, filing: Filing, newer: Filing
) -> None:
    desk.link_edition(newer.report.id, filing.report.id)
    old = filing.lessons[0].id
    desk.reject({old: _now(store, old).version}, "usann")
    waiting = store.lesson_ids(report_id=newer.report.id, status=Status.CANDIDATE)
    desk.approve({one: _now(store, one).version for one in waiting})
    _publish(desk, store, newer)
    assert _now(store, newer.lessons[0].id).status is Status.REJECTED
    assert store.check() == ()


def test_what_is_decided_of_the_new_edition_later_still_counts_instead(
    store: Store, desk: Desk, filing: Filing, newer: Filing
) -> None:
    desk.link_edition(newer.report.id, filing.report.id)
    old, new = filing.lessons[0].id, newer.lessons[0].id
    desk.reject({old: _now(store, old).version}, "usann")
    desk.edit(new, _now(store, new).version, Edit(statement="Sett på nytt."))
    desk.approve_and_publish(newer.report.id)
    assert _now(store, new).status is Status.PUBLISHED


def test_the_edition_before_can_be_read_again_when_the_newer_is_withdrawn(
    store: Store, desk: Desk, filing: Filing, newer: Filing
) -> None:
    desk.link_edition(newer.report.id, filing.report.id)
    desk.approve_and_publish(newer.report.id)
    report = store.report(newer.report.id)
    assert report is not None
    desk.withdraw(report.id, report.version, "feil fil")
    old = store.report(filing.report.id)
    assert old is not None
    desk.reinstate(old.id, old.version)
    assert _now(store, filing.lessons[0].id).status is Status.PUBLISHED
    assert store.heir(filing.lessons[0].id) == filing.lessons[0].id
    assert store.check() == ()


def test_a_decision_on_the_new_edition_itself_is_not_overwritten(
    store: Store, desk: Desk, filing: Filing, newer: Filing
) -> None:
    first, second = newer.lessons[0].id, newer.lessons[1].id
    desk.reject({first: _now(store, first).version}, "gjentakelse")
    desk.approve({second: _now(store, second).version})
    desk.link_edition(newer.report.id, filing.report.id)
    kept = _now(store, first)
    assert (kept.status, kept.is_edited) == (Status.REJECTED, False)
    assert kept.previous == filing.lessons[0].id
    assert _now(store, second).status is Status.APPROVED
    assert store.check() == ()


def test_linking_twice_changes_nothing_more(
    store: Store, desk: Desk, filing: Filing, newer: Filing
) -> None:
    diff = desk.link_edition(newer.report.id, filing.report.id)
    generation = store.generation()
    assert desk.link_edition(newer.report.id, filing.report.id) == diff
    assert desk.edition(newer.report.id) == diff
    assert store.generation() == generation


def test_linking_can_be_undone(store: Store, desk: Desk, filing: Filing, newer: Filing) -> None:
    desk.link_edition(newer.report.id, filing.report.id)
    desk.undo(desk.history(report=newer.report.id)[0].id)
    assert {_now(store, one.id).status for one in newer.lessons} == {Status.CANDIDATE}
    report = store.report(newer.report.id)
    assert report is not None
    assert report.edition_of is None
    assert desk.edition(newer.report.id) is None


def test_a_report_has_one_newer_edition_and_is_none_of_itself(
    store: Store, desk: Desk, filing: Filing, newer: Filing
) -> None:
    desk.link_edition(newer.report.id, filing.report.id)
    third = undecided(*QUOTES, original=b"%PDF 3").add_to(store)
    for new, old in ((third, filing), (filing, newer), (third, third)):
        with pytest.raises(EditionError):
            desk.link_edition(new.report.id, old.report.id)


def test_editions_never_make_a_ring(
    store: Store, desk: Desk, filing: Filing, newer: Filing
) -> None:
    third = undecided(*QUOTES, original=b"%PDF 3").add_to(store)
    desk.link_edition(newer.report.id, filing.report.id)
    desk.link_edition(third.report.id, newer.report.id)
    before = store.generation()

    with pytest.raises(EditionError):
        desk.link_edition(filing.report.id, third.report.id)

    assert store.generation() == before


def test_a_quote_that_now_runs_over_a_page_break_is_followed(
    store: Store, desk: Desk, filing: Filing
) -> None:
    one = filing.lessons[0]
    desk.approve({one.id: _now(store, one.id).version})
    newer = undecided(
        "Styret bør ha flertall|fra næringslivet. Da blir sakene bedre forberedt.",
        original=b"%PDF 2",
    ).add_to(store)
    desk.link_edition(newer.report.id, filing.report.id)
    carried = _now(store, newer.lessons[0].id)
    assert [span.page for span in carried.evidence[0].spans] == [1, 2]
    assert carried.evidence[0].quote == QUOTES[0]
    assert carried.status is Status.APPROVED
    assert store.check() == ()
