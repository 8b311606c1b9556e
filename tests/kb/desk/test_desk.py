"""What a person decides stands, can be taken back, and never bends a quote."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.desk import Desk, Edit, Metadata
from kb.domain import AssignedBy, Found, Kind, Lesson, Phase, Report, ReportStatus, Status
from kb.embed import embed_lessons
from kb.errors import ConflictError, InputError, NotFoundError, NotVerbatimError, UndecidedError
from kb.lexical import query_grams
from kb.store import Action, Store
from tests.fakes import WordHashEncoder
from tests.kb.desk.conftest import QUOTES, undecided
from tests.make import Filing


def _now(store: Store, lesson_id: str) -> Lesson:
    return store.lessons([lesson_id])[lesson_id]


def _versions(store: Store, *ids: str) -> dict[str, int]:
    return {one: _now(store, one).version for one in ids or store.lesson_ids()}


def _publish(desk: Desk, store: Store, filing: Filing) -> None:
    report = store.report(filing.report.id)
    assert report is not None
    desk.publish(report.id, report.version)


def _is_found(store: Store, filing: Filing) -> bool:
    """Whether the first lesson of ``filing`` is found by its words."""
    return filing.lessons[0].id in store.grams_match(query_grams("flertall fra næringslivet"))


def test_an_approved_lesson_is_found_once_its_report_is_published(
    store: Store, filing: Filing, desk: Desk
) -> None:
    candidates = [one.id for one in filing.lessons]
    desk.approve(_versions(store, *candidates))
    assert _now(store, candidates[0]).status is Status.APPROVED
    assert not _is_found(store, filing)
    report = store.report(filing.report.id)
    assert report is not None
    desk.publish(report.id, report.version)
    assert _now(store, candidates[0]).status is Status.PUBLISHED
    assert _is_found(store, filing)
    assert store.check() == ()


def test_a_report_with_candidates_is_not_published(
    store: Store, filing: Filing, desk: Desk
) -> None:
    desk.approve(_versions(store, filing.lessons[0].id))
    with pytest.raises(UndecidedError) as refused:
        _publish(desk, store, filing)
    assert refused.value.count == len(QUOTES) - 1


def test_approving_on_a_published_report_publishes(
    store: Store, filing: Filing, desk: Desk
) -> None:
    desk.approve_and_publish(filing.report.id)
    first = filing.lessons[0].id
    desk.reject(_versions(store, first), "for generell")
    assert not _is_found(store, filing)
    desk.approve(_versions(store, first))
    assert _is_found(store, filing)


def test_whoever_is_second_gets_a_conflict_and_changes_nothing(
    store: Store, filing: Filing, desk: Desk
) -> None:
    seen = _versions(store, filing.lessons[0].id)
    desk.reject(seen, "gjentakelse")
    before = store.generation()
    with pytest.raises(ConflictError):
        desk.approve(seen)
    assert store.generation() == before
    assert _now(store, filing.lessons[0].id).status is Status.REJECTED


def test_one_stale_lesson_stops_the_whole_change(store: Store, filing: Filing, desk: Desk) -> None:
    seen = _versions(store)
    desk.reject({filing.lessons[2].id: seen[filing.lessons[2].id]}, "gjentakelse")
    with pytest.raises(ConflictError):
        desk.approve(seen)
    assert _now(store, filing.lessons[0].id).status is Status.CANDIDATE


def test_a_rewritten_statement_is_marked_and_the_quote_untouched(
    store: Store, filing: Filing, desk: Desk
) -> None:
    one = filing.lessons[0]
    desk.edit(one.id, _versions(store)[one.id], Edit(statement="Gi næringslivet flertall."))
    now = _now(store, one.id)
    assert (now.statement, now.is_edited) == ("Gi næringslivet flertall.", True)
    assert now.evidence == one.evidence
    assert store.check() == ()


def test_a_statement_taken_from_the_quote_is_not_marked(
    store: Store, filing: Filing, desk: Desk
) -> None:
    one = filing.lessons[0]
    part = "Styret bør ha flertall fra næringslivet."
    desk.edit(one.id, _versions(store)[one.id], Edit(statement=part))
    assert not _now(store, one.id).is_edited


def test_kind_phase_and_themes_are_set_and_marked_as_a_persons(
    store: Store, filing: Filing, desk: Desk
) -> None:
    one = filing.lessons[0]
    edit = Edit(kind=Kind.WARNING, phase=Phase.STRATEGI, themes=["navn", "styrearbeid"])
    desk.edit(one.id, _versions(store)[one.id], edit)
    now = _now(store, one.id)
    assert (now.kind, now.phase) == (Kind.WARNING, Phase.STRATEGI)
    assert [(t.theme, t.assigned_by) for t in now.tags] == [
        ("navn", AssignedBy.HUMAN),
        ("styrearbeid", AssignedBy.HUMAN),
    ]
    desk.edit(one.id, now.version, Edit(phase=None))
    assert _now(store, one.id).phase is None
    assert _now(store, one.id).kind is Kind.WARNING


@pytest.mark.parametrize("themes", [["a", "a"], ["a", "b", "c", "d"]])
def test_more_or_double_themes_are_refused(
    store: Store, filing: Filing, desk: Desk, themes: list[str]
) -> None:
    one = filing.lessons[0].id
    with pytest.raises(ValueError, match="themes"):
        desk.edit(one, _versions(store)[one], Edit(themes=themes))


def test_splitting_gives_each_part_a_lesson_with_its_own_place(
    store: Store, filing: Filing, desk: Desk
) -> None:
    one = filing.lessons[0]
    parts = ["Styret bør ha flertall fra næringslivet.", "Da blir sakene bedre forberedt."]
    change = desk.split(one.id, _versions(store)[one.id], parts)
    ids = store.lesson_ids(report_id=filing.report.id)
    found = list(store.lessons(ids).values())
    assert [lesson.evidence[0].quote for lesson in found][:2] == parts
    assert ids[0] == one.id
    assert len(ids) == len(QUOTES) + 1
    assert store.check() == ()
    desk.undo(change)
    assert store.lesson_ids() == tuple(lesson.id for lesson in filing.lessons)
    assert _now(store, one.id).evidence == one.evidence
    assert store.check() == ()


@pytest.mark.parametrize("part", ["Dette står ikke der.", "sent på plass"])
def test_a_part_must_stand_in_the_lessons_own_quotes(
    store: Store, filing: Filing, desk: Desk, part: str
) -> None:
    one = filing.lessons[0]
    with pytest.raises(NotVerbatimError):
        desk.split(one.id, _versions(store)[one.id], [one.evidence[0].quote, part])


def test_a_lesson_is_not_split_into_itself_twice(store: Store, filing: Filing, desk: Desk) -> None:
    one = filing.lessons[0]
    with pytest.raises(ConflictError):
        desk.split(one.id, _versions(store)[one.id], [one.evidence[0].quote] * 2)


def test_merging_keeps_every_quote_and_hides_the_merged(
    store: Store, filing: Filing, desk: Desk
) -> None:
    first, second, third = (one.id for one in filing.lessons)
    change = desk.merge(first, [second, third], _versions(store))
    now = _now(store, first)
    assert [one.quote for one in now.evidence] == list(QUOTES)
    assert {_now(store, one).status for one in (second, third)} == {Status.MERGED}
    assert _now(store, second).merged_into == first
    assert store.check() == ()
    desk.undo(change)
    assert _now(store, second).status is Status.CANDIDATE
    assert len(_now(store, first).evidence) == 1
    assert store.check() == ()


def test_splitting_off_what_was_merged_makes_it_a_lesson_again(
    store: Store, filing: Filing, desk: Desk
) -> None:
    first, second, _ = (one.id for one in filing.lessons)
    desk.merge(first, [second], _versions(store))
    desk.split(first, _now(store, first).version, [QUOTES[0], QUOTES[1]])
    again = _now(store, second)
    assert (again.status, again.merged_into) == (Status.CANDIDATE, None)
    assert [one.quote for one in again.evidence] == [QUOTES[1]]
    assert [one.quote for one in _now(store, first).evidence] == [QUOTES[0]]
    assert store.check() == ()


def test_a_quote_can_be_cut_and_widened_but_not_invented(
    store: Store, filing: Filing, desk: Desk
) -> None:
    one = filing.lessons[0]
    desk.requote(one.id, _versions(store)[one.id], 0, "Styret bør ha flertall fra næringslivet.")
    cut = _now(store, one.id)
    assert cut.evidence[0].quote == "Styret bør ha flertall fra næringslivet."
    desk.requote(one.id, cut.version, 0, QUOTES[0])
    assert _now(store, one.id).evidence == one.evidence
    with pytest.raises(NotVerbatimError):
        desk.requote(one.id, _now(store, one.id).version, 0, "Styret bør ha kvinner i flertall.")
    assert store.check() == ()


def test_withdrawing_hides_and_undo_brings_back(store: Store, filing: Filing, desk: Desk) -> None:
    desk.approve_and_publish(filing.report.id)
    report = store.report(filing.report.id)
    assert report is not None
    change = desk.withdraw(report.id, report.version, "feil utgave")
    assert not _is_found(store, filing)
    hidden = store.report(report.id)
    assert hidden is not None
    assert hidden.status is ReportStatus.WITHDRAWN
    desk.undo(change)
    assert _is_found(store, filing)


def test_trash_and_restore_lose_no_decision(store: Store, filing: Filing, desk: Desk) -> None:
    first, second, _ = (one.id for one in filing.lessons)
    desk.approve(_versions(store, first))
    desk.reject(_versions(store, second), "for generell")
    report = store.report(filing.report.id)
    assert report is not None
    desk.trash(report.id, report.version)
    trashed = store.report(report.id)
    assert trashed is not None
    desk.restore(report.id, trashed.version)
    assert _now(store, first).status is Status.APPROVED
    assert _now(store, second).status is Status.REJECTED


def test_what_is_in_the_trash_is_not_published(store: Store, filing: Filing, desk: Desk) -> None:
    report = store.report(filing.report.id)
    assert report is not None
    desk.trash(report.id, report.version)
    with pytest.raises(ConflictError):
        desk.approve_and_publish(report.id)
    with pytest.raises(ConflictError):
        desk.approve(_versions(store))


def _report(store: Store, report_id: str) -> Report:
    report = store.report(report_id)
    assert report is not None
    return report


def test_undoing_in_a_withdrawn_report_publishes_nothing(
    store: Store, filing: Filing, desk: Desk
) -> None:
    desk.approve_and_publish(filing.report.id)
    first = filing.lessons[0].id
    rejection = desk.reject(_versions(store, first), "for generell")
    desk.withdraw(filing.report.id, _report(store, filing.report.id).version, "feil")
    desk.undo(rejection)
    assert _now(store, first).status is Status.APPROVED
    assert not _is_found(store, filing)
    assert store.check() == ()


@pytest.mark.parametrize("status", ReportStatus)
def test_a_report_goes_only_where_it_may(
    store: Store, filing: Filing, desk: Desk, status: ReportStatus
) -> None:
    report = filing.report.id
    _bring_to(store, desk, filing, status)
    refused = set()
    for verb in ("withdraw", "trash", "restore", "reinstate", "publish"):
        version = _report(store, report).version
        acts: dict[str, Callable[[], int]] = {
            "withdraw": lambda v=version: desk.withdraw(report, v, "feil"),
            "trash": lambda v=version: desk.trash(report, v),
            "restore": lambda v=version: desk.restore(report, v),
            "reinstate": lambda v=version: desk.reinstate(report, v),
            "publish": lambda v=version: desk.publish(report, v),
        }
        try:
            desk.undo(acts[verb]())
        except ConflictError:
            refused.add(verb)
        assert _report(store, report).status is status
        assert store.check() == ()
    assert (
        refused
        == {
            ReportStatus.CANDIDATE: {"withdraw", "restore", "reinstate"},
            ReportStatus.PUBLISHED: {"restore", "reinstate", "publish"},
            ReportStatus.WITHDRAWN: {"withdraw", "restore", "reinstate"},
            ReportStatus.TRASHED: {"withdraw", "trash", "reinstate", "publish"},
            ReportStatus.SUPERSEDED: {"withdraw", "restore", "reinstate", "publish"},
        }[status]
    )


def _bring_to(store: Store, desk: Desk, filing: Filing, status: ReportStatus) -> None:
    report = filing.report.id
    desk.approve(_versions(store))
    if status in {ReportStatus.PUBLISHED, ReportStatus.WITHDRAWN}:
        desk.publish(report, _report(store, report).version)
    if status is ReportStatus.WITHDRAWN:
        desk.withdraw(report, _report(store, report).version, "feil")
    if status is ReportStatus.TRASHED:
        desk.trash(report, _report(store, report).version)
    if status is ReportStatus.SUPERSEDED:
        desk.publish(report, _report(store, report).version)
        newer = undecided(*QUOTES, original=b"%PDF newer").add_to(store)
        desk.link_edition(newer.report.id, report)
        desk.approve_and_publish(newer.report.id)


def _known(programme: str | None, **known: object) -> Metadata:
    blank = Metadata(
        title=None,
        programme=programme,
        place=None,
        programme_type=None,
        period_from=None,
        period_to=None,
        municipalities=None,
        inhabitants=None,
        budget=None,
        report_type=None,
        client=None,
        contractor=None,
        year=None,
    )
    return replace(blank, **known)


def test_the_size_of_a_programme_is_corrected_and_the_correction_undone(
    store: Store, filing: Filing, desk: Desk
) -> None:
    report = filing.report.id
    known = _known("Nye Elvdal", municipalities=6, inhabitants=21_000, budget="42 mill. kroner")

    change = desk.metadata(report, _report(store, report).version, known)
    about = _report(store, report).programme
    assert (about.municipalities, about.inhabitants, about.budget) == (6, 21_000, "42 mill. kroner")

    desk.undo(change)
    about = _report(store, report).programme
    assert (about.municipalities, about.inhabitants, about.budget) == (None, None, None)


def test_joining_a_programme_leaves_what_is_known_of_it(
    store: Store, filing: Filing, desk: Desk
) -> None:
    first, other = filing.report.id, undecided("Noe annet her.", original=b"b").add_to(store)
    desk.metadata(
        first, _report(store, first).version, _known("Nytt liv", place="Elvdal", period_from=2019)
    )
    before = _report(store, first).programme
    desk.metadata(
        other.report.id,
        _report(store, other.report.id).version,
        _known("Nytt liv", place="Et annet sted"),
    )
    assert _report(store, first).programme == before
    assert _report(store, other.report.id).programme == before


def test_two_who_correct_one_programme_through_two_reports_meet(
    store: Store, filing: Filing, desk: Desk
) -> None:
    first, other = filing.report.id, undecided("Noe annet her.", original=b"b").add_to(store)
    for one in (first, other.report.id):
        desk.metadata(one, _report(store, one).version, _known("Nytt liv"))
    seen = _report(store, first).version
    desk.metadata(
        other.report.id,
        _report(store, other.report.id).version,
        _known("Nytt liv", period_from=2019),
    )
    with pytest.raises(ConflictError):
        desk.metadata(first, seen, _known("Nytt liv", period_from=2018))
    assert _report(store, first).programme.period_from == 2019


def test_undo_does_not_take_away_what_somebody_has_edited_meanwhile(
    store: Store, filing: Filing, desk: Desk
) -> None:
    one = filing.lessons[0]
    parts = ["Styret bør ha flertall fra næringslivet.", "Da blir sakene bedre forberedt."]
    change = desk.split(one.id, _versions(store)[one.id], parts)
    part = next(id_ for id_ in store.lesson_ids() if _now(store, id_).evidence[0].quote == parts[1])
    back, encoder = store.changes.reverse(change, "kari"), WordHashEncoder()
    revision = replace(
        back, vectors=embed_lessons(back.lessons, encoder), model_id=encoder.model_id
    )
    desk.edit(part, _now(store, part).version, Edit(kind=Kind.WARNING))
    with pytest.raises(ConflictError):
        store.changes.revise(revision)
    assert _now(store, part).kind is Kind.WARNING


def test_a_merged_lesson_that_is_reconsidered_takes_its_quotes_back(
    store: Store, filing: Filing, desk: Desk
) -> None:
    first, second, third = (one.id for one in filing.lessons)
    desk.merge(first, [second, third], _versions(store))
    desk.reconsider(_versions(store, second))
    assert [one.quote for one in _now(store, first).evidence] == [QUOTES[0], QUOTES[2]]
    assert _now(store, second).merged_into is None
    assert store.check() == ()


def test_editing_and_approving_is_one_step(store: Store, filing: Filing, desk: Desk) -> None:
    first = filing.lessons[0].id
    change = desk.edit(first, _versions(store)[first], Edit(kind=Kind.WARNING), approve=True)
    assert (_now(store, first).kind, _now(store, first).status) == (
        Kind.WARNING,
        Status.APPROVED,
    )
    desk.undo(change)
    assert _now(store, first).status is Status.CANDIDATE
    assert _now(store, first).kind is not Kind.WARNING


def test_metadata_of_a_report_moves_it_to_its_programme(
    store: Store, filing: Filing, desk: Desk
) -> None:
    report = store.report(filing.report.id)
    assert report is not None
    known = _known(
        "Nytt liv i Elvdal",
        title="Sluttevaluering",
        place="Elvdal",
        period_from=2019,
        period_to=2023,
        client="Elvdal kommune",
        year=2023,
    )
    change = desk.metadata(report.id, report.version, known)
    now = store.report(report.id)
    assert now is not None
    assert (now.title, now.programme.slug, now.year) == (
        "Sluttevaluering",
        "nytt-liv-i-elvdal",
        2023,
    )
    assert [one.slug for one in store.programmes()] == ["nytt-liv-i-elvdal"]
    desk.undo(change)
    assert [one.slug for one in store.programmes()] == [report.programme.slug]


def test_what_a_person_corrects_is_no_longer_told_as_read_from_the_report(
    store: Store, desk: Desk
) -> None:
    filing = undecided(*QUOTES, original=b"with sources")
    found = Found(value="Elvdal", page=1, evidence="Omstillingsprogrammet i Elvdal")
    sources = (("place", found), ("year", replace(found, value="2023")))
    report = replace(filing.report, sources=sources, year=2023)
    replace(filing, report=report).add_to(store)
    kept = store.report(report.id)
    assert kept is not None
    known = _known(None, place="Øvre Elvdal", year=2023)
    change = desk.metadata(report.id, kept.version, known)
    now = store.report(report.id)
    assert now is not None
    assert [name for name, _ in now.sources] == ["year"]
    desk.undo(change)
    back = store.report(report.id)
    assert back is not None
    assert back.sources == sources


def test_readers_of_a_merged_lesson_are_sent_on(store: Store, filing: Filing, desk: Desk) -> None:
    first, second, third = (one.id for one in filing.lessons)
    desk.merge(first, [second], _versions(store))
    assert store.heir(second) is None
    desk.approve_and_publish(filing.report.id)
    assert store.heir(second) == first
    assert (store.heir(first), store.heir("nobody")) == (first, None)
    desk.reject(_versions(store, third), "for generell")
    assert store.heir(third) is None


def test_an_undone_change_cannot_be_undone_again_but_its_undoing_can(
    store: Store, filing: Filing, desk: Desk
) -> None:
    first = filing.lessons[0].id
    change = desk.approve(_versions(store, first))
    undoing = desk.undo(change)
    with pytest.raises(ConflictError):
        desk.undo(change)
    desk.undo(undoing)
    assert _now(store, first).status is Status.APPROVED


def test_what_was_changed_since_is_not_undone(store: Store, filing: Filing, desk: Desk) -> None:
    first = filing.lessons[0].id
    change = desk.approve(_versions(store, first))
    desk.reject(_versions(store, first), "gjentakelse")
    with pytest.raises(ConflictError):
        desk.undo(change)


def test_an_edit_elsewhere_does_not_stand_in_the_way_of_undo(
    store: Store, filing: Filing, desk: Desk
) -> None:
    first = filing.lessons[0].id
    change = desk.approve(_versions(store, first))
    desk.edit(first, _versions(store)[first], Edit(kind=Kind.WARNING))
    desk.undo(change)
    now = _now(store, first)
    assert (now.status, now.kind) == (Status.CANDIDATE, Kind.WARNING)


def test_the_history_tells_who_did_what(store: Store, filing: Filing, desk: Desk) -> None:
    first = filing.lessons[0].id
    desk.approve(_versions(store, first))
    desk.reject(_versions(store, first), "for generell")
    last, before = desk.history(report=filing.report.id)
    assert (last.by, last.action, last.reason) == ("kari", Action.REJECT, "for generell")
    assert last.items[0].before == {"status": "approved"}
    assert last.items[0].after == {"status": "rejected"}
    assert before.action is Action.APPROVE
    assert desk.history(lesson=filing.lessons[1].id) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda desk: desk.approve({"nobody": 1}),
        lambda desk: desk.approve({}),
        lambda desk: desk.undo(99),
        lambda desk: desk.approve_and_publish("nothing"),
    ],
)
def test_what_does_not_exist_is_told(desk: Desk, wrong: Callable[[Desk], int]) -> None:
    with pytest.raises(NotFoundError):
        wrong(desk)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "approve",
                "reject",
                "reconsider",
                "edit",
                "split",
                "merge",
                "undo",
                "publish",
                "withdraw",
                "trash",
            ]
        ),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=10,
)


@settings(max_examples=15, deadline=None)
@given(acts=ACTS)
def test_any_history_holds_together_and_can_be_taken_back_whole(
    acts: list[tuple[str, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        filing = undecided(*QUOTES).add_to(store)
        desk = Desk(store, WordHashEncoder, "kari")
        start = _content(store)
        for act, one, other in acts:
            _act(store, desk, filing.report.id, act, one, other)
        assert store.check() == ()
        assert _is_readable(store)
        for change in desk.history(report=filing.report.id):
            if change.undone_by is None and change.undoes is None:
                desk.undo(change.id)
        assert _content(store) == start
        assert store.check() == ()


def _is_readable(store: Store) -> bool:
    """Whether no lesson is published without its report."""
    reports = {one.report.id: one.report.status for one in store.reports()}
    shown = store.lessons(store.lesson_ids(status=Status.PUBLISHED)).values()
    return all(reports[one.report_id] is ReportStatus.PUBLISHED for one in shown)


def _act(store: Store, desk: Desk, report_id: str, act: str, one: int, other: int) -> None:
    ids = store.lesson_ids(report_id=report_id)
    first, second = ids[one % len(ids)], ids[other % len(ids)]
    report = store.report(report_id)
    assert report is not None
    seen = _versions(store)
    acts: dict[str, Callable[[], object]] = {
        "approve": lambda: desk.approve({first: seen[first]}),
        "reject": lambda: desk.reject({first: seen[first]}, "gjentakelse"),
        "reconsider": lambda: desk.reconsider({first: seen[first]}),
        "edit": lambda: desk.edit(first, seen[first], Edit(statement=f"Skrevet om {other}.")),
        "split": lambda: desk.split(
            first, seen[first], [part + "." for part in _two(_now(store, first))]
        ),
        "merge": lambda: desk.merge(first, [second], seen),
        "undo": lambda: desk.undo(_last_done(desk)),
        "publish": lambda: desk.publish(report_id, report.version),
        "withdraw": lambda: desk.withdraw(report_id, report.version, "prøve"),
        "trash": lambda: desk.trash(report_id, report.version),
    }
    try:
        acts[act]()
    except (InputError, ValueError):
        assert store.check() == ()


def _last_done(desk: Desk) -> int:
    """Return the last change that is not itself an undoing; undoing those has its own test."""
    return next((one.id for one in desk.history() if one.undoes is None), 0)


def _two(lesson: Lesson) -> list[str]:
    return lesson.evidence[0].quote.removesuffix(".").split(". ")


def _content(store: Store) -> str:
    found = store.lessons(store.lesson_ids())
    reports = [(one.report.id, str(one.report.status)) for one in store.reports()]
    return json.dumps([[repr(one) for one in map(_bare, found.values())], reports])


def _bare(lesson: Lesson) -> tuple[object, ...]:
    return (lesson.id, lesson.statement, lesson.is_edited, lesson.status, lesson.evidence)
