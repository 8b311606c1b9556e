"""Reports, pages, programmes and lessons: what goes in comes out, and nothing else changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb.domain import (
    AssignedBy,
    Evidence,
    Found,
    Kind,
    Phase,
    ProgrammeType,
    ReportStatus,
    ReportType,
    Span,
    Status,
    ThemeTag,
)
from kb.errors import AlreadyIngestedError, NotFoundError
from kb.passages import passages_of
from kb.store import Store
from tests.make import (
    MODEL,
    a_filing,
    a_lesson,
    a_page,
    a_programme,
    a_report,
    set_status,
    vectors_for,
)

FULL_REPORT = a_report(
    programme=a_programme(
        "Nye Elvdal",
        place="Elvdal",
        programme_type=ProgrammeType.ENKELTKOMMUNE,
        period_from=2017,
        period_to=2022,
    ),
    programme_name="Nye Elvdal",
    file="Sluttrapport Elvdal.PDF",
    title="Evaluering – «Nye Elvdal»",
    report_type=ReportType.SLUTTEVALUERING,
    client="Elvdal kommune",
    contractor="Byrå AS",
    year=2022,
    language="nn",
    pages=2,
    note="Oppdiktet eksempelrapport",
    status=ReportStatus.CANDIDATE,
    sources=(("title", Found(value="Evaluering", page=1, evidence="Evaluering av")),),
)
FULL_PAGES = (
    a_page("Læring\nStyret møttes for sjelden. Det gjorde at", 1, label="i"),
    a_page("vedtak drog ut.\nSmå steg først", 2, problem="garbled"),
    a_page("", 3),
)
FULL_LESSON = replace(
    a_lesson(
        "Styret møttes for sjelden. Det gjorde at|vedtak drog ut.",
        "Små steg først",
        report=FULL_REPORT,
        pages=FULL_PAGES,
    ),
    statement="Styret møttes for sjelden.",
    kind=Kind.WARNING,
    phase=Phase.GJENNOMFORING,
    status=Status.CANDIDATE,
    language="nn",
    reason="ord: sjelden",
    tags=(
        ThemeTag(theme="styret", confidence=0.75, assigned_by=AssignedBy.RULE, reason="styret"),
        ThemeTag(theme="fart", confidence=0.1, assigned_by=AssignedBy.MODEL, reason=""),
    ),
)


def add_full(store: Store) -> None:
    store.add_report(
        FULL_REPORT, FULL_PAGES, [FULL_LESSON], vectors_for([FULL_LESSON]), MODEL, b"%PDF original"
    )


def test_what_was_added_is_read_back_the_same_in_another_session(home: Path) -> None:
    with Store.open(home) as writer:
        add_full(writer)

    with Store.open(home) as store:
        assert store.report(FULL_REPORT.id) == FULL_REPORT
        assert store.report_by_sha256(FULL_REPORT.sha256) == FULL_REPORT
        assert store.pages(FULL_REPORT.id) == FULL_PAGES
        assert store.page(FULL_REPORT.id, 2) == FULL_PAGES[1]
        assert store.lessons([FULL_LESSON.id]) == {FULL_LESSON.id: FULL_LESSON}
        assert store.programmes() == (FULL_REPORT.programme,)
        assert store.check() == ()


def test_the_original_file_is_kept_under_its_sha256(store: Store, home: Path) -> None:
    add_full(store)

    path = store.original_path(FULL_REPORT.id)

    assert path == home / "files" / f"{FULL_REPORT.sha256}.pdf"
    assert path.read_bytes() == b"%PDF original"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("file", "suffix"),
    [
        ("rapport.txt", ".txt"),
        ("RAPPORT.PDF", ".pdf"),
        ("rapport", ""),
        (".pdf", ""),
        ("rapport.om styret", ""),
        ("rapport.æ", ""),
    ],
)
def test_only_a_plain_suffix_is_kept_of_a_file_name(store: Store, file: str, suffix: str) -> None:
    filing = a_filing()
    replace(filing, report=replace(filing.report, file=file)).add_to(store)

    path = store.original_path(filing.report.id)

    assert path is not None
    assert path.name == filing.report.sha256 + suffix
    assert store.check() == ()


def test_absence_is_not_an_error(store: Store) -> None:
    a_filing().add_to(store)

    assert store.report("nothing") is None
    assert store.report_by_sha256("nothing") is None
    assert store.original_path("nothing") is None
    assert store.pages("nothing") == ()
    assert store.page("nothing", 1) is None
    assert store.page(a_report().id, 99) is None
    assert store.programme("nothing") is None
    assert store.lessons(["nothing"]) == {}
    assert store.lesson_ids(report_id="nothing") == ()
    assert store.rows("nothing") == ()
    assert store.index_pointer() is None


def test_a_new_store_is_empty_and_sound(store: Store) -> None:
    assert store.generation() == 0
    assert store.reports() == store.programmes() == store.facets() == store.lesson_ids() == ()
    assert store.changed_since(0) == frozenset()
    assert store.check() == ()


def test_the_same_file_twice_is_refused_and_changes_nothing(store: Store) -> None:
    filing = a_filing().add_to(store)
    renamed = replace(filing, report=replace(filing.report, id="other", file="kopi.pdf"))

    with pytest.raises(AlreadyIngestedError) as caught:
        renamed.add_to(store)

    assert caught.value.report_id == filing.report.id
    assert store.generation() == 1
    assert [each.report for each in store.reports()] == [filing.report]


def test_lessons_come_in_the_order_they_are_asked_for_and_in_any_number(store: Store) -> None:
    filing = a_filing(*(f"Lærdom nummer {number}." for number in range(1100))).add_to(store)
    ids = [lesson.id for lesson in filing.lessons]

    assert store.lesson_ids() == tuple(ids)
    assert list(store.lessons(ids[::-1])) == ids[::-1]
    assert store.lessons(ids[::-1])[ids[0]] == filing.lessons[0]
    assert len(store.lessons([*ids[:3], "gone", *ids[:3]])) == 3


def test_reports_are_listed_last_added_first_with_their_counts(store: Store) -> None:
    first = a_filing("En.", "To.", original=b"1").add_to(store)
    second = a_filing("Tre.", original=b"2").add_to(store)
    empty = replace(a_filing(original=b"3"), lessons=(), vectors={}).add_to(store)
    set_status(store, [first.lessons[0].id], Status.REJECTED)

    found = [(each.report.id, dict(each.lessons)) for each in store.reports()]

    assert found == [
        (empty.report.id, {}),
        (second.report.id, {"published": 1}),
        (first.report.id, {"published": 1, "rejected": 1}),
    ]


def test_a_known_programme_keeps_what_is_known_and_learns_the_rest(store: Store) -> None:
    early = a_programme("Elvdal", period_from=2017)
    late = a_programme("Elvdal", place="Elvdal", period_from=2016, period_to=2022)
    for original, about in ((b"1", early), (b"2", late)):
        filing = a_filing(f"Lærdom {original!r}.", original=original)
        replace(filing, report=replace(filing.report, programme=about)).add_to(store)

    expected = replace(late, period_from=2017)
    assert store.programmes() == (expected,)
    assert {each.report.programme for each in store.reports()} == {expected}


UNSOUND = [
    pytest.param({"statement": "Noe annet."}, "statement", id="statement in no quote"),
    pytest.param({"report_id": "other"}, "not of report", id="another report's lesson"),
]


@pytest.mark.parametrize(("change", "message"), UNSOUND)
def test_a_lesson_that_does_not_hold_together_is_refused(
    store: Store, home: Path, change: dict[str, str], message: str
) -> None:
    filing = a_filing("Styret møttes for sjelden.")
    wrong = replace(filing, lessons=(replace(filing.lessons[0], **change),))

    with pytest.raises(ValueError, match=message):
        wrong.add_to(store)

    assert store.generation() == 0
    assert not (home / "files").exists()


@pytest.mark.parametrize(
    "span",
    [
        pytest.param(Span(page=1, start=1, end=7), id="one character off"),
        pytest.param(Span(page=2, start=0, end=6), id="page that is not there"),
        pytest.param(Span(page=1, start=0, end=600), id="past the end of the page"),
    ],
)
def test_a_quote_that_is_not_on_its_page_is_refused(store: Store, span: Span) -> None:
    filing = a_filing("Styret møttes.")
    evidence = Evidence(report_id=filing.report.id, section=(), spans=(span,), quote="Styret")
    wrong = replace(filing.lessons[0], statement="Styret", evidence=(evidence,))

    with pytest.raises(ValueError, match="quote does not stand"):
        replace(filing, lessons=(wrong,), vectors=vectors_for([wrong])).add_to(store)

    assert store.reports() == ()


@pytest.mark.parametrize(
    "vectors",
    [
        pytest.param(None, id="none"),
        pytest.param(np.zeros((1, 8), np.float32), id="too few"),
        pytest.param(np.zeros(8, np.float32), id="one flat row"),
        pytest.param(np.full((2, 8), np.nan, np.float32), id="not a number"),
        pytest.param(np.full((2, 8), 1e6, np.float32), id="too large for float16"),
    ],
)
def test_a_lesson_without_its_vectors_is_refused(store: Store, vectors: object) -> None:
    filing = a_filing("Styret møttes.")
    lesson_id = filing.lessons[0].id
    given = {} if vectors is None else {lesson_id: vectors}

    with (
        np.errstate(over="ignore"),
        pytest.raises(ValueError, match=f"lesson {lesson_id}"),
    ):
        replace(filing, vectors=given).add_to(store)

    assert store.reports() == ()


def test_one_bad_lesson_leaves_nothing_of_its_report(store: Store) -> None:
    known = a_filing("Styret møttes.").add_to(store)
    filing = a_filing("Et nytt råd.", "Styret møttes.", original=b"other")
    clash = replace(filing.lessons[1], id=known.lessons[0].id)
    lessons = (filing.lessons[0], clash)

    with pytest.raises(Exception, match="UNIQUE"):
        replace(filing, lessons=lessons, vectors=vectors_for(lessons)).add_to(store)

    assert store.generation() == 1
    assert store.lesson_ids() == (known.lessons[0].id,)
    assert store.pages(filing.report.id) == ()
    assert store.check() == ()


def test_a_removed_report_leaves_only_its_file_and_a_mark(store: Store, home: Path) -> None:
    kept = a_filing("Behold dette.", original=b"kept").add_to(store)
    filing = a_filing("Styret møttes.|Det hjalp.", original=b"gone", themes=["styret"])
    filing = replace(filing, report=replace(filing.report, programme=a_programme("Borte"))).add_to(
        store
    )

    store.remove_report(filing.report.id)

    assert [each.report for each in store.reports()] == [kept.report]
    assert store.programmes() == (kept.report.programme,)
    assert store.pages(filing.report.id) == ()
    assert store.lessons([filing.lessons[0].id]) == {}
    assert [row.lesson_id for row in store.facets()] == [kept.lessons[0].id]
    assert store.changed_since(2) == {filing.lessons[0].id}
    assert store.changed_since(3) == frozenset()
    assert (home / "files" / f"{filing.report.sha256}.pdf").exists()
    assert store.check() == ()


def test_a_programme_stays_while_another_report_is_about_it(store: Store) -> None:
    first = a_filing("En.", original=b"1").add_to(store)
    a_filing("To.", original=b"2").add_to(store)

    store.remove_report(first.report.id)

    assert store.programmes() == (first.report.programme,)


def test_a_removed_report_can_be_added_and_removed_again(store: Store) -> None:
    filing = a_filing()
    ids = {lesson.id for lesson in filing.lessons}
    for generation in (1, 3):
        filing.add_to(store)
        assert store.generation() == generation
        assert set(store.lesson_ids()) == store.changed_since(generation - 1) == ids
        store.remove_report(filing.report.id)
        assert store.changed_since(generation) == ids
        assert store.check() == ()


def test_removing_what_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.remove_report("nothing")

    assert store.generation() == 0


def test_the_statement_of_an_edited_lesson_need_not_be_in_a_quote(store: Store) -> None:
    filing = a_filing("Styret møttes. Det hjalp.")
    edited = replace(filing.lessons[0], statement="Møt ofte.", is_edited=True)
    assert len(passages_of(edited)) > len(passages_of(filing.lessons[0]))

    replace(filing, lessons=(edited,), vectors=vectors_for([edited])).add_to(store)

    assert store.lessons([edited.id]) == {edited.id: edited}
    assert store.check() == ()
