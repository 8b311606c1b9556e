"""What a reader gets: the right lessons, counts that are true, marks that stand in the quote."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.desk import Desk, Edit
from kb.domain import Kind, Lesson, LessonId, Phase, ProgrammeType, ReportType, Status
from kb.embed import tokens_of
from kb.errors import InvalidQueryError, StaleIndexError
from kb.floors import Floors, State, Weights, write_floors
from kb.lexical import stem
from kb.passages import passages_of
from kb.search import FACETS, Group, Hit, Searcher, SearchQuery, SearchResult, Sort
from kb.store import Store
from tests.fakes import WordHashEncoder
from tests.make import Filing, a_filing, a_programme, publish, set_status

ENCODER = WordHashEncoder()


def embedded(filing: Filing) -> Filing:
    """Return ``filing`` with the vectors of the encoder that searches."""
    vectors = {
        one.id: ENCODER.embed_passages([passage.text for passage in passages_of(one)])
        for one in filing.lessons
    }
    tokens = tokens_of(filing.lessons, ENCODER)
    return replace(filing, vectors=vectors, tokens=tokens, model_id=ENCODER.model_id)


def a_base_report(name: str, *quotes: str, known: dict[str, object], **about: object) -> Filing:
    """Return a report of the programme ``name``; each lesson gets its own of the values below."""
    filing = a_filing(*quotes, original=name.encode())
    programme = a_programme(name, programme_type=about.pop("programme_type", None))
    themes = [("styre",), ("styre", "roller"), ("roller",), ()]
    lessons = []
    for number, one in enumerate(filing.lessons):
        kind, phase = list(Kind)[number // 2 % 4], [*Phase, None][number % 5]
        tags = _tags(themes[number % 4])
        lessons.append(replace(one, kind=kind, phase=phase, tags=tags, **known))
    report = replace(filing.report, programme=programme, **about)
    return embedded(replace(filing, report=report, lessons=tuple(lessons)))


def _tags(themes: tuple[str, ...]) -> tuple[object, ...]:
    return a_filing("Én.", themes=themes).lessons[0].tags


REPORTS = (
    a_base_report(
        "Nye Elvdal",
        "Styret bør ha flertall fra næringslivet.",
        "Styreseminaret ga styret ro. Det burde ha kommet før den første søknaden.",
        "De største bedriftene ble spurt sent, og de minste aldri.",
        "Næringshagen og programmet ringte de samme bedriftene.",
        "Programlederen satt alene da sykdommen kom.",
        "Møtene ble flyttet til kvelden, og da kom bedriftseierne.",
        known={"language": "nb"},
        programme_type=ProgrammeType.ENKELTKOMMUNE,
        report_type=ReportType.SLUTTRAPPORT,
        year=2016,
    ),
    a_base_report(
        "Nye Vikfjord",
        "Styret møttest for sjeldan, og sakene hopa seg opp.",
        "Næringshagen burde vore med frå første dag.",
        "Dei minste bedriftene fekk lita hjelp av styret.",
        "Vidareføringa vart planlagd for seint.",
        known={"language": "nn"},
        programme_type=ProgrammeType.REGIONALT,
        report_type=ReportType.SLUTTEVALUERING,
        year=2020,
    ),
    a_base_report(
        "Harbour Forward",
        "The board should meet the companies at their own place.",
        "Nobody had agreed with the incubator on who calls which company.",
        "Plan what comes after the programme two years before it ends.",
        known={"language": "en"},
    ),
)
LESSONS = {one.id: one for filing in REPORTS for one in filing.lessons}
FILING_OF = {one.id: filing for filing in REPORTS for one in filing.lessons}
BROAD = "Hva lærte styret om bedriftene og næringshagen?"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Searcher]]:
    """Three reports in three languages; nobody changes this one."""
    home = tmp_path_factory.mktemp("base")
    with Store.open(home) as store:
        for filing in REPORTS:
            filing.add_to(store)
        searcher = Searcher(ENCODER, home)
        searcher.refresh(store)
        yield store, searcher


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Store, Searcher]]:
    """A base of one's own, with the first report."""
    with Store.open(tmp_path) as store:
        REPORTS[0].add_to(store)
        yield store, Searcher(ENCODER, tmp_path)


def found(base: tuple[Store, Searcher], text: str, **filters: object) -> SearchResult:
    store, searcher = base
    return searcher.search(store, SearchQuery(text=text, **{"limit": 1000, **filters}))


def ids(result: SearchResult) -> list[LessonId]:
    return [hit.lesson.id for hit in result.hits]


def the_hit(result: SearchResult, statement: str) -> Hit:
    return next(hit for hit in result.hits if hit.lesson.statement.startswith(statement))


def marked(hit: Hit) -> list[list[str]]:
    return [
        [one.quote[start:end] for start, end in spans]
        for one, spans in zip(hit.lesson.evidence, hit.marks, strict=True)
    ]


# ---- filters, counts and pages

FILTERS: dict[str, tuple[str, frozenset[object]]] = {
    "tema": ("themes", frozenset({"styre"})),
    "program": ("programmes", frozenset({"nye-elvdal"})),
    "fase": ("phases", frozenset({"avklaring", "strategi"})),
    "type": ("kinds", frozenset({"success", "challenge"})),
    "programtype": ("programme_types", frozenset({"regionalt"})),
    "rapporttype": ("report_types", frozenset({"sluttrapport"})),
    "ar": ("years", frozenset({2016, 2020})),
}


def values_of(lesson: Lesson, facet: str) -> set[str]:
    """Return what ``lesson`` can be filtered by, told from the domain and not from the store."""
    report = FILING_OF[lesson.id].report
    if facet == "tema":
        return {tag.theme for tag in lesson.tags}
    value = {
        "program": report.programme.slug,
        "fase": lesson.phase,
        "type": lesson.kind,
        "programtype": report.programme.programme_type,
        "rapporttype": report.report_type,
        "ar": report.year,
    }[facet]
    return set() if value is None else {str(value)}


def passes(lesson: Lesson, chosen: dict[str, frozenset[object]]) -> bool:
    return all(
        not wanted or values_of(lesson, facet) & set(map(str, wanted))
        for facet, wanted in chosen.items()
    )


@st.composite
def some_filters(draw: st.DrawFn) -> dict[str, frozenset[object]]:
    chosen = {}
    for facet in FACETS:
        known = sorted({value for one in LESSONS.values() for value in values_of(one, facet)})
        known.append("2031" if facet == "ar" else "nobody")
        values = draw(st.frozensets(st.sampled_from(known), max_size=2))
        chosen[facet] = frozenset(map(int, values)) if facet == "ar" else values
    return chosen


@pytest.mark.parametrize("text", ["", BROAD])
@given(chosen=some_filters())
@settings(max_examples=60, deadline=None)
def test_filters_take_away_and_never_reorder_and_counts_are_those_of_the_hits(
    base: tuple[Store, Searcher], text: str, chosen: dict[str, frozenset[object]]
) -> None:
    everything = found(base, text)
    assert len(everything.hits) >= 8
    named = {FILTERS[facet][0]: values for facet, values in chosen.items()}

    result = found(base, text, **named)

    assert ids(result) == [x for x in ids(everything) if passes(LESSONS[x], chosen)]
    scores = {hit.lesson.id: hit.score for hit in everything.hits}
    assert all(hit.score == scores[hit.lesson.id] for hit in result.hits)
    assert [hit.rank for hit in result.hits] == list(range(1, len(result.hits) + 1))
    assert result.total == len(result.hits)
    assert result.no_match == (not result.hits)
    assert result.programmes == len({hit.report.programme.slug for hit in result.hits})
    assert result.programmes_in_base == 3
    for facet in FACETS:
        others = {other: values for other, values in chosen.items() if other != facet}
        inside = [LESSONS[x] for x in ids(everything) if passes(LESSONS[x], others)]
        counts = {one.value: one.count for one in result.facets[facet]}
        wanted = {value for one in inside for value in values_of(one, facet)}
        assert counts.keys() == wanted | set(map(str, chosen[facet]))
        for value, count in counts.items():
            assert count == sum(value in values_of(one, facet) for one in inside)
        picked = {one.value for one in result.facets[facet] if one.is_selected}
        assert picked == set(map(str, chosen[facet]))


@pytest.mark.parametrize("facet", FACETS)
def test_each_filter_alone_keeps_some_and_drops_some(
    base: tuple[Store, Searcher], facet: str
) -> None:
    field, values = FILTERS[facet]

    assert 0 < found(base, BROAD, **{field: values}).total < found(base, BROAD).total


@pytest.mark.parametrize("text", ["", BROAD])
@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_pages_put_together_are_the_whole(
    base: tuple[Store, Searcher], text: str, limit: int
) -> None:
    whole = found(base, text)

    pages = [found(base, text, limit=limit, offset=at) for at in range(0, whole.total, limit)]

    assert [hit for page in pages for hit in page.hits] == list(whole.hits)
    assert {page.total for page in pages} == {whole.total}
    assert all(page.facets == whole.facets for page in pages)


def test_beyond_the_end_there_are_no_hits_but_the_total_stands(
    base: tuple[Store, Searcher],
) -> None:
    result = found(base, BROAD, offset=1000)

    assert result.hits == ()
    assert result.total == found(base, BROAD).total
    assert not result.no_match


@pytest.mark.parametrize("wrong", [{"offset": -1}, {"limit": 0}, {"limit": 1001}, {"limit": -5}])
def test_a_page_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidQueryError):
        SearchQuery(text="styret", **wrong)


def test_an_empty_question_lists_all_in_the_order_of_the_reports(
    base: tuple[Store, Searcher],
) -> None:
    for text in ("", "  \n\t ", "\u200b\u00ad", "\0"):
        result = found(base, text)

        assert ids(result) == list(LESSONS)
        assert {(hit.match, hit.score, hit.best) for hit in result.hits} == {("", 0.0, 0)}
        assert all(spans == () for hit in result.hits for spans in hit.marks)


# ---- what is found


@pytest.mark.parametrize("lesson_id", list(LESSONS))
def test_a_lesson_is_the_first_to_answer_its_own_quote(
    base: tuple[Store, Searcher], lesson_id: str
) -> None:
    [first, *_] = found(base, LESSONS[lesson_id].evidence[0].quote).hits

    assert first.lesson == LESSONS[lesson_id]
    assert first.report == FILING_OF[lesson_id].report
    assert first.match == "both"


@pytest.mark.parametrize("text", ["zqxwv", "qqqq wwww zzzz", "12345 98765", "ȹȹȹȹ"])
def test_words_that_occur_nowhere_find_nothing(base: tuple[Store, Searcher], text: str) -> None:
    result = found(base, text)

    assert result.no_match
    assert (result.hits, result.total, result.programmes) == ((), 0, 0)
    assert all(counts == () for counts in result.facets.values())


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "styret\0bedriftene",
        "🙂",
        "styret 🙂🙂 bedrift",
        "x" * 10_000,
        "styret " * 2000,
        "og i det som er",
        "the of and",
        "?!… – «»",
        "---",
        '"styret" OR NEAR(x) *',
        "styret AND",
        "'; DROP TABLE lesson; --",
        "<s></s> <mask>",
        "\ud800",
        "styret \udcff",
        "َُِ",
        "ﷺ" * 600,
        "İstanbul ﬁnans Straße",
        "3,5 10.000 2016–2020",
        "e\u0301" * 3000,
        "\u202eterytS",
        "a",
        "å",
        "\n\n\n1\n",
    ],
)
def test_no_question_breaks_the_search(base: tuple[Store, Searcher], text: str) -> None:
    try:
        result = found(base, text)
    except InvalidQueryError:
        return
    assert result.total == len(result.hits)


@given(text=st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_question_or_refused(base: tuple[Store, Searcher], text: str) -> None:
    try:
        result = found(base, text)
    except InvalidQueryError:
        return
    assert all_marks_stand(result)


@pytest.mark.parametrize("text", ["?!… – «»", "🙂", "---"])
def test_a_question_without_words_finds_nothing(base: tuple[Store, Searcher], text: str) -> None:
    assert found(base, text).no_match


def test_what_follows_512_characters_is_not_asked(base: tuple[Store, Searcher]) -> None:
    long = "Styret bør ha flertall fra næringslivet. " * 12
    head = long.ljust(512, "x")[:512]

    assert ids(found(base, head + " zqxwv" * 50)) == ids(found(base, head))


def test_the_floor_rises_with_the_base_and_never_with_a_filter(
    base: tuple[Store, Searcher],
) -> None:
    """A lesson found without filters is found with those that keep it."""
    for hit in found(base, BROAD).hits:
        only = found(base, BROAD, programmes=frozenset({hit.report.programme.slug}))
        assert hit.lesson.id in ids(only)


# ---- marks


def all_marks_stand(result: SearchResult) -> bool:
    """Whether all marks lie inside their quotes, in order, apart from each other."""
    for hit in result.hits:
        if len(hit.marks) != len(hit.lesson.evidence) or not 0 <= hit.best < len(hit.marks):
            return False
        for one, spans in zip(hit.lesson.evidence, hit.marks, strict=True):
            ends = [place for span in spans for place in span]
            if ends != sorted(set(ends)) or any(not 0 <= at <= len(one.quote) for at in ends):
                return False
    return True


@pytest.mark.parametrize(
    ("text", "statement", "wanted"),
    [
        ("styret flertall", "Styret bør", ["Styret", "flertall"]),
        ("flertallet i styrene", "Styret bør", ["Styret", "flertall"]),
        ("seminar", "Styreseminaret", ["Styreseminaret"]),
        ("seminarer for styret", "Styreseminaret", ["Styreseminaret", "styret"]),
        ("store bedrifter", "De største", ["største", "bedriftene"]),
        ("små bedrifter", "De største", ["bedriftene", "minste"]),
        ("NÆRINGSHAGE", "Næringshagen og", ["Næringshagen"]),
        ("na\u0308ringshage næringshage", "Næringshagen og", ["Næringshagen"]),
        ("companies", "The board", ["companies"]),
    ],
)
def test_the_words_of_the_question_are_marked(
    base: tuple[Store, Searcher], text: str, statement: str, wanted: list[str]
) -> None:
    hit = the_hit(found(base, text), statement)

    assert marked(hit) == [wanted]
    assert hit.match in {"words", "both"}


def test_stop_words_are_not_marked(base: tuple[Store, Searcher]) -> None:
    hit = the_hit(found(base, "skal styret ha et flertall og fra hva"), "Styret bør")

    assert marked(hit) == [["Styret", "flertall"]]


@pytest.mark.parametrize("text", ["styret", BROAD, "Er de store viktigere enn de små?"])
def test_marks_stand_inside_the_quotes(base: tuple[Store, Searcher], text: str) -> None:
    result = found(base, text)

    assert result.hits
    assert all_marks_stand(result)
    wanted = {stem(word) for word in text.lower().strip("?").split()}
    for hit in result.hits:
        if hit.match != "meaning":
            words = [word.lower() for one in marked(hit) for word in one]
            assert all(any(stem(w) == s or s in w for s in wanted) for w in words)


def test_a_hit_by_meaning_alone_marks_the_sentence_that_answers_best(
    base: tuple[Store, Searcher],
) -> None:
    """«styreseminarium» shares letters with «Styreseminaret» but no word."""
    hit = the_hit(found(base, "styreseminarium"), "Styreseminaret")

    assert hit.match == "meaning"
    assert marked(hit) == [["Styreseminaret ga styret ro."]]


def test_match_tells_which_leg_found_it(base: tuple[Store, Searcher]) -> None:
    store, searcher = base
    values = set()
    for text in (BROAD, "flertall", "styreseminarium", "møter kveld alene sykdom", "agreed plan"):
        legs = searcher.ranker.legs(store, text)
        for hit in found(base, text).hits:
            near = legs.meaning[legs.lesson_ids.index(hit.lesson.id)] >= 0.40
            wanted = {stem(word.strip("?").lower()) for word in text.split()}
            said = any(stem(w.lower()) in wanted for one in marked(hit) for w in one)
            assert near == (hit.match == "both") or not said
            assert not said or hit.match in {"words", "both"}
            values.add(hit.match)
    assert values == {"words", "meaning", "both"}


def test_the_evidence_that_answers_best_is_named(tmp_path: Path) -> None:
    from tests.make import a_lesson, a_report, pages_for

    quotes = ("Møtene kom på kvelden.", "Næringshagen ringte bedriftene.", "Planen kom sent.")
    report, pages = a_report(), pages_for(*quotes)
    lesson = a_lesson(*quotes, report=report, pages=pages)
    filing = replace(a_filing(), report=report, pages=pages, lessons=(lesson,))
    with Store.open(tmp_path) as store:
        embedded(filing).add_to(store)
        for number, quote in enumerate(quotes):
            [hit] = found((store, Searcher(ENCODER, tmp_path)), quote).hits
            assert hit.best == number
            assert hit.marks[number]


# ---- what is published


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PUBLISHED])
def test_only_published_lessons_are_found(own: tuple[Store, Searcher], status: Status) -> None:
    store, searcher = own
    hidden = REPORTS[0].lessons[0]
    searcher.refresh(store)

    set_status(store, [hidden.id], status)

    for text in (hidden.statement, ""):
        assert hidden.id not in ids(found(own, text))
    assert searcher.similar(store, hidden.id, elsewhere=False) == ()
    for one in REPORTS[0].lessons[1:]:
        near = searcher.similar(store, one.id, limit=50, elsewhere=False)
        assert hidden.id not in [hit.lesson.id for hit in near]


@pytest.mark.parametrize("is_refreshed", [False, True])
def test_a_lesson_just_published_is_found_by_the_next_search(
    own: tuple[Store, Searcher], is_refreshed: bool
) -> None:
    store, searcher = own
    candidates = tuple(replace(one, status=Status.CANDIDATE) for one in REPORTS[1].lessons)
    replace(REPORTS[1], lessons=candidates).add_to(store)
    if is_refreshed:
        searcher.refresh(store)
    quote = candidates[0].statement
    assert candidates[0].id not in ids(found(own, quote))

    with Store.open(store.original_path(REPORTS[0].report.id).parents[1]) as another:
        publish(another, REPORTS[1].report.id)

    assert ids(found(own, quote))[0] == candidates[0].id


def test_a_removed_report_is_not_found(own: tuple[Store, Searcher]) -> None:
    store, searcher = own
    searcher.refresh(store)

    store.remove_report(REPORTS[0].report.id)

    assert found(own, BROAD).no_match
    empty = found(own, "")
    assert (empty.total, empty.programmes_in_base) == (0, 0)


def test_an_empty_base_answers(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        searcher = Searcher(ENCODER, tmp_path)
        for text in ("", "styret", "og"):
            assert found((store, searcher), text).no_match
        assert searcher.similar(store, "0" * 12, elsewhere=True) == ()
        assert searcher.problems(store) == ()


def test_vectors_of_another_model_stop_the_search(own: tuple[Store, Searcher]) -> None:
    store, _ = own
    store.put_vectors(REPORTS[0].vectors, "another")

    with pytest.raises(StaleIndexError):
        found(own, "styret")


# ---- similar lessons


def test_similar_lessons_come_nearest_first_without_the_lesson_itself(
    base: tuple[Store, Searcher],
) -> None:
    store, searcher = base
    seen = 0
    for lesson_id, elsewhere in product(LESSONS, (False, True)):
        hits = searcher.similar(store, lesson_id, limit=50, elsewhere=elsewhere)
        seen += len(hits)
        scores = [hit.score for hit in hits]
        near = [hit.lesson.id for hit in hits]
        assert lesson_id not in near
        assert len(set(near)) == len(near)
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
        assert scores == sorted(scores, reverse=True)
        if elsewhere:
            home = FILING_OF[lesson_id].report.programme.slug
            assert home not in {hit.report.programme.slug for hit in hits}
        else:
            away = searcher.similar(store, lesson_id, limit=50, elsewhere=True)
            assert {hit.lesson.id for hit in away} <= set(near)
    assert seen > 0


def test_a_twin_in_another_programme_is_the_most_similar(own: tuple[Store, Searcher]) -> None:
    store, searcher = own
    twin = a_filing(REPORTS[0].lessons[0].statement, original=b"twin")
    report = replace(twin.report, programme=a_programme("Andre Fjord"))
    embedded(replace(twin, report=report)).add_to(store)

    for elsewhere in (False, True):
        [first, *_] = searcher.similar(store, REPORTS[0].lessons[0].id, elsewhere=elsewhere)
        assert first.lesson.id == twin.lessons[0].id


def test_similar_gives_at_most_what_was_asked_for(base: tuple[Store, Searcher]) -> None:
    store, searcher = base
    for lesson_id in LESSONS:
        many = searcher.similar(store, lesson_id, limit=50, elsewhere=False)
        assert searcher.similar(store, lesson_id, limit=1, elsewhere=False) == many[:1]


# ---- several at once


WHOLE = {one.id for one in REPORTS[1].lessons}


def is_whole(result: SearchResult) -> bool:
    """Whether the second report is there with all its lessons or with none, and counts hold."""
    got = set(ids(result))
    listed = bool(result.query.text) or got & WHOLE in (set(), WHOLE)
    return listed and result.total == len(got) and all_marks_stand(result)


def test_searches_beside_a_publisher_see_whole_states(tmp_path: Path) -> None:
    """A report is published and hidden again and again: all of its lessons are found, or none."""
    with Store.open(tmp_path) as store:
        for filing in REPORTS[:2]:
            filing.add_to(store)
        searcher = Searcher(ENCODER, tmp_path)
        searcher.refresh(store)
    done, seen, wrong = threading.Event(), set(), []

    def look(text: str) -> None:
        try:
            with Store.open(tmp_path) as mine:
                while not done.is_set():
                    result = found((mine, searcher), text)
                    seen.add(len(WHOLE.intersection(ids(result))))
                    assert is_whole(result)
        except BaseException as error:  # noqa: BLE001 - a thread's error must fail the test
            wrong.append(error)

    threads = [threading.Thread(target=look, args=(text,)) for text in ("", BROAD)]
    for thread in threads:
        thread.start()
    with Store.open(tmp_path) as writer:
        for number in range(12):
            status = Status.CANDIDATE if number % 2 == 0 else Status.PUBLISHED
            set_status(writer, WHOLE, status)
            if number % 4 == 3:
                searcher.refresh(writer)
            done.wait(0.03)
    done.set()
    for thread in threads:
        thread.join(30)

    assert wrong == []
    assert {0, len(WHOLE)} <= seen


def test_the_same_question_is_embedded_once(own: tuple[Store, Searcher], tmp_path: Path) -> None:
    class Counting(WordHashEncoder):
        asked = 0

        def embed_queries(self, texts: list[str]) -> np.ndarray:
            self.asked += len(texts)
            return super().embed_queries(texts)

    store, _ = own
    encoder = Counting()
    searcher = Searcher(encoder, tmp_path)

    for text in ("styret", " styret ", "styret\u200b"):
        searcher.search(store, SearchQuery(text=text))

    assert encoder.asked == 1


# ---- late interaction


def late_of(store: Store, searcher: Searcher, text: str) -> dict[LessonId, float]:
    legs = searcher.ranker.legs(store, text)
    return dict(zip(legs.lesson_ids, legs.late.tolist(), strict=True))


def test_a_quote_with_all_words_of_the_question_has_the_highest_maxsim(
    base: tuple[Store, Searcher],
) -> None:
    late = late_of(*base, "sykdommen kom")

    best = max(late, key=lambda one: late[one])
    assert "sykdommen kom" in LESSONS[best].statement
    assert late[best] > sorted(late.values())[-2]


@pytest.mark.parametrize("how", ["no snapshot", "snapshot", "older snapshot"])
def test_the_second_stage_does_not_depend_on_the_snapshot(tmp_path: Path, how: str) -> None:
    with Store.open(tmp_path / "plain") as store:
        for filing in REPORTS[:2]:
            filing.add_to(store)
        wanted = late_of(store, Searcher(ENCODER, tmp_path / "plain"), BROAD)

    with Store.open(tmp_path / "other") as store:
        searcher = Searcher(ENCODER, tmp_path / "other")
        for number, filing in enumerate((REPORTS[2], *REPORTS[:2])):
            filing.add_to(store)
            if number < (0 if how == "no snapshot" else 3 if how == "snapshot" else 2):
                searcher.refresh(store)
        store.remove_report(REPORTS[2].report.id)
        late = late_of(store, Searcher(ENCODER, tmp_path / "other"), BROAD)

    assert late == pytest.approx(wanted, abs=1e-5)


def test_lessons_without_token_vectors_are_ranked_all_the_same_and_told_of(tmp_path: Path) -> None:
    bare = replace(REPORTS[0], tokens={})
    with Store.open(tmp_path) as store:
        bare.add_to(store)
        REPORTS[1].add_to(store)
        searcher = Searcher(ENCODER, tmp_path)

        quote = bare.lessons[0].evidence[0].quote
        [first, *_] = searcher.search(store, SearchQuery(text=quote)).hits

        assert first.lesson == bare.lessons[0]
        assert "6 published lessons lack token vectors" in " ".join(searcher.problems(store))
        vectors = {one.id: bare.vectors[one.id] for one in bare.lessons}
        store.put_vectors(vectors, ENCODER.model_id, tokens_of(bare.lessons, ENCODER))
        assert searcher.problems(store) == ()


def test_new_words_bring_new_token_vectors(own: tuple[Store, Searcher]) -> None:
    store, searcher = own
    lesson = REPORTS[0].lessons[0]
    before = late_of(store, searcher, "hurtigruta")[lesson.id]
    desk = Desk(store, lambda: ENCODER, "test")

    version = store.lessons([lesson.id])[lesson.id].version
    desk.edit(lesson.id, version, Edit(statement="Hurtigruta hurtigruta."))

    assert late_of(store, searcher, "hurtigruta")[lesson.id] > before + 0.3


# ---- three states


WEAK_TEXT, FAR_TEXT = "Sover styret om vinteren når toget går til Bergen?", "qqxz wwyk zzkj"


@pytest.fixture
def strict(base: tuple[Store, Searcher], tmp_path: Path) -> tuple[Store, Searcher]:
    """Return the base searched with floors for words alone, which a fake encoder can be held to."""
    floors = Floors(
        model=ENCODER.model_id,
        weights=Weights(0.0, 1.0, 0.0, 0.0, 0.0),
        rise=0.0,
        hits=dict.fromkeys(("nb", "nn", "en"), 0.6),
        weak=dict.fromkeys(("nb", "nn", "en"), 0.1),
    )
    write_floors(tmp_path / "floors.toml", floors, ())
    return base[0], Searcher(ENCODER, tmp_path, tmp_path)


def test_a_question_near_the_base_gets_weak_hits_apart_and_counts_none(
    strict: tuple[Store, Searcher],
) -> None:
    result = found(strict, WEAK_TEXT)

    assert result.state is State.WEAK
    assert 0 < len(result.weak) <= 5
    assert (result.hits, result.total, result.programmes, result.items) == ((), 0, 0, 0)
    assert result.no_match
    assert all(one.count == 0 for counts in result.facets.values() for one in counts)
    assert [hit.rank for hit in result.weak] == list(range(1, len(result.weak) + 1))
    assert all(hit.match for hit in result.weak)
    assert "styret" in result.weak[0].lesson.statement.lower()


def test_weak_hits_stay_inside_the_filters(strict: tuple[Store, Searcher]) -> None:
    inside = found(strict, WEAK_TEXT, programmes=frozenset({"nye-vikfjord"})).weak

    assert {hit.report.programme.slug for hit in inside} == {"nye-vikfjord"}
    assert found(strict, WEAK_TEXT, programmes=frozenset({"nobody"})).state is State.NOTHING


def test_a_question_far_from_the_base_gets_nothing(strict: tuple[Store, Searcher]) -> None:
    result = found(strict, FAR_TEXT)

    assert (result.state, result.hits, result.weak) == (State.NOTHING, (), ())


def test_a_question_that_the_base_speaks_of_gets_hits(strict: tuple[Store, Searcher]) -> None:
    result = found(strict, "Næringshagen ringte bedriftene")

    assert (result.state, result.weak) == (State.HITS, ())
    assert result.total > 0


def test_a_question_of_words_that_mean_nothing_finds_nothing(base: tuple[Store, Searcher]) -> None:
    assert found(base, "og i det som er").state is State.NOTHING


# ---- syntax


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('"de samme bedriftene"', ["Næringshagen og"]),
        ('"DE SAMME, bedriftene!"', ["Næringshagen og"]),
        ("«ga styret ro»", ["Styreseminaret"]),
        ("program:vikfjord -styret -lita", ["Næringshagen burde", "Vidareføringa"]),
        ("år:2020 -styre -næringshage -vidareføringa", []),
        ("-program:elvdal -program:vikfjord -board -plan", ["Nobody"]),
        ("rapporttype:sluttevaluering fase:avklaring", ["Styret møttest"]),
        ('år:2015-2017 "og programmet"', ["Næringshagen og"]),
        ('-"fra første" -"frå første" program:vikfjord -styret -vidareføringa', []),
    ],
)
def test_syntax_narrows(base: tuple[Store, Searcher], text: str, wanted: list[str]) -> None:
    result = found(base, text)

    assert len(result.hits) == len(wanted)
    for start in wanted:
        the_hit(result, start)
    assert result.hints == ()


def test_a_part_of_a_word_is_no_phrase(base: tuple[Store, Searcher]) -> None:
    result = found(base, '"de samme bedrift"')

    assert (result.state, result.total) == (State.NOTHING, 0)
    assert result.phrases == ("de samme bedrift",)


def test_syntax_and_filters_must_both_hold(base: tuple[Store, Searcher]) -> None:
    assert found(base, "program:elvdal", programmes=frozenset({"nye-vikfjord"})).total == 0
    both = found(base, "program:nye", programmes=frozenset({"nye-vikfjord"}))
    assert {hit.report.programme.slug for hit in both.hits} == {"nye-vikfjord"}
    assert {one.value: one.count for one in both.facets["program"]} == {
        "nye-elvdal": 6,
        "nye-vikfjord": 4,
    }


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("fase:tulleball styret", "fase", "tulleball"),
        ("år:nitten styret", "ar", "nitten"),
        ("program:atlantis styret", "program", "atlantis"),
        ("utfører:noen styret", "utforer", "noen"),
        ("xyz:styret styret", "xyz", ""),
    ],
)
def test_what_does_not_exist_is_told_and_takes_nothing_away(
    base: tuple[Store, Searcher], text: str, field: str, value: str
) -> None:
    result = found(base, text)

    assert [(hint.field, hint.value) for hint in result.hints] == [(field, value)]
    assert result.total > 0


# ---- order, groups, twins


@pytest.mark.parametrize("text", ["", BROAD])
def test_hits_by_year_are_the_same_hits(base: tuple[Store, Searcher], text: str) -> None:
    plain = found(base, text)
    newest, oldest = found(base, text, sort=Sort.NEWEST), found(base, text, sort=Sort.OLDEST)

    assert set(ids(newest)) == set(ids(oldest)) == set(ids(plain))
    years = [hit.report.year or 0 for hit in newest.hits]
    assert years == sorted(years, reverse=True)
    known = [hit.report.year for hit in oldest.hits if hit.report.year]
    assert known == sorted(known)
    assert [hit.report.year for hit in oldest.hits][: len(known)] == known
    of_2016 = [hit.lesson.id for hit in newest.hits if hit.report.year == 2016]
    assert of_2016 == [x for x in ids(plain) if FILING_OF[x] is REPORTS[0]]


@pytest.mark.parametrize("group", list(Group))
@pytest.mark.parametrize("text", ["", BROAD])
def test_each_group_counts_what_its_filter_gives(
    base: tuple[Store, Searcher], text: str, group: Group
) -> None:
    plain, result = found(base, text), found(base, text, group=group)

    assert (result.hits, result.total) == ((), plain.total)
    assert result.items == len(result.groups) > 1
    for one in result.groups:
        if one.value:
            alone = found(base, text, **{FILTERS[group][0]: frozenset({one.value})})
            assert one.total == alone.total
            assert [hit.lesson.id for hit in one.hits] == ids(alone)[:3]
    pages = [found(base, text, group=group, limit=2, offset=at) for at in range(0, result.items, 2)]
    assert [one for page in pages for one in page.groups] == list(result.groups)


def test_lessons_of_a_report_that_say_nearly_the_same_are_one_hit(tmp_path: Path) -> None:
    filing = a_base_report(
        "Tvillingvik",
        "Styret bør ha flertall fra næringslivet i kommunen.",
        "Et styre bør ha flertall fra næringslivet i kommunene.",
        "Styret bør ikke ha flertall fra næringslivet i kommunen.",
        "Havna ble bygd for sent.",
        known={"language": "nb"},
    )
    with Store.open(tmp_path) as store:
        filing.add_to(store)
        own = (store, Searcher(ENCODER, tmp_path))

        result = found(own, "Bør styret ha flertall fra næringslivet?")
        flat = found(own, "Bør styret ha flertall fra næringslivet?", is_folded=False)

    heads = {hit.lesson.id: hit for hit in result.hits}
    [folding] = [hit for hit in result.hits if hit.twins]
    assert {folding.lesson.id, folding.twins[0].id} == {one.id for one in filing.lessons[:2]}
    assert filing.lessons[2].id in heads, "«ikke» turns the sense"
    assert result.total == flat.total == flat.items == result.items + 1
    assert all(not hit.twins for hit in flat.hits)
    assert [hit.rank for hit in result.hits] == list(range(1, result.items + 1))


def test_programmes_with_something_similar_are_counted(base: tuple[Store, Searcher]) -> None:
    store, searcher = base
    for lesson_id in LESSONS:
        near = searcher.similar(store, lesson_id, limit=50, elsewhere=True)
        slugs = {hit.report.programme.slug for hit in near}
        assert searcher.programmes_with_similar(store, lesson_id) == len(slugs)


# ---- spelling


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("styresminaret", "styreseminaret"),
        ("næringshgen og bedriftene", "næringshagen og bedriftene"),
        ("program:elvdal sykkdommen -havn", "program:elvdal sykdommen -havn"),
        ("styreseminaret", None),
        ("seminar", None),
        ("styrebedrift", None),
        ("zqxwvk", None),
        ("hei", None),
        ("og i det", None),
        ("", None),
    ],
)
def test_a_misspelt_word_is_met_with_a_known_one(
    base: tuple[Store, Searcher], text: str, wanted: str | None
) -> None:
    assert found(base, text).did_you_mean == wanted


def test_the_words_known_are_those_of_published_lessons_now(own: tuple[Store, Searcher]) -> None:
    store, _ = own
    assert found(own, "sykkdommen").did_you_mean == "sykdommen"

    set_status(store, [one.id for one in REPORTS[0].lessons], Status.CANDIDATE)

    assert found(own, "sykkdommen").did_you_mean is None
