"""A base too large to look at every lesson answers like a small one.

The limits are lowered, so that three hundred lessons are a large base.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import kb.index
import kb.ranking
import kb.snapshot
from kb.domain import Status
from kb.index import LessonIndex
from kb.search import FACETS, Searcher, SearchQuery
from kb.store import Store
from kb.text import language_of
from tests.kb.test_search import ENCODER, embedded
from tests.kb.test_vectors import WORDS
from tests.make import Filing, a_filing, a_programme, set_status

MORE = (
    "avtale budsjett eiendom fylke gårdbruk havn idé jobb kurs lærling marked nettverk opplæring"
    " prosjekt råd søknad tiltak utvalg veileder økonomi åpenhet bygd dugnad etablerer forankring"
).split()
QUESTIONS = tuple(" ".join(random.Random(seed).sample([*WORDS, *MORE], 3)) for seed in range(12))


def a_report(number: int, lessons: int = 30) -> Filing:
    dice = random.Random(number)
    texts = [
        f"{' '.join(dice.choices([*WORDS, *MORE], k=7)).capitalize()} {number}-{i}. "
        f"{' '.join(dice.choices([*WORDS, *MORE], k=5)).capitalize()}."
        for i in range(lessons)
    ]
    filing = a_filing(*texts, original=f"{number}".encode(), themes=(f"tema-{number % 4}",))
    report = replace(filing.report, programme=a_programme(f"By {number % 5}"), year=2000 + number)
    return embedded(replace(filing, report=report))


REPORTS = tuple(a_report(number) for number in range(10))


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Searcher]]:
    """The same lessons in a base where all are looked at."""
    home = tmp_path_factory.mktemp("exact")
    with Store.open(home) as store:
        for filing in REPORTS:
            filing.add_to(store)
        yield store, Searcher(ENCODER, home)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, Searcher]]:
    lower_limits(monkeypatch)
    with Store.open(tmp_path) as store:
        for filing in REPORTS:
            filing.add_to(store)
        searcher = Searcher(ENCODER, tmp_path)
        searcher.rebuild(store)
        assert not searcher.ranker.view(store).is_exact
        yield store, searcher


def lower_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name, value in (
        (kb.index, "EXACT_UP_TO", 100),
        (kb.index, "WORDS_UP_TO", 50),
        (kb.ranking, "NEAREST", 40),
        (kb.ranking, "WORDIEST", 60),
        (kb.ranking, "ALL_OF", 8),
    ):
        monkeypatch.setattr(owner, name, value)


def ids(base: tuple[Store, Searcher], query: SearchQuery) -> list[str]:
    store, searcher = base
    return [hit.lesson.id for hit in searcher.search(store, query).hits]


def first(base: tuple[Store, Searcher], text: str) -> dict[str, float]:
    """Return the scores of the first stage; the second looks at those that rank first by them."""
    store, searcher = base
    legs = searcher.ranker.legs(store, text)
    return dict(zip(legs.lesson_ids, legs.first.tolist(), strict=True))


def test_not_every_lesson_is_looked_at_and_the_best_are(
    large: tuple[Store, Searcher], exact: tuple[Store, Searcher]
) -> None:
    found = wanted = 0
    for text in QUESTIONS:
        some, every = first(large, text), first(exact, text)
        assert len(some) < len(every) == 300
        best = sorted(every, key=every.__getitem__)[-10:]
        found, wanted = found + len(some.keys() & set(best)), wanted + 10
    assert found >= 0.98 * wanted


def test_the_scores_are_those_of_the_exact_way(
    large: tuple[Store, Searcher], exact: tuple[Store, Searcher]
) -> None:
    for text in QUESTIONS:
        some, every = first(large, text), first(exact, text)
        for lesson_id, score in some.items():
            assert score == pytest.approx(every[lesson_id], abs=2e-3)


def test_the_hits_totals_and_counts_are_those_of_the_exact_way(
    large: tuple[Store, Searcher], exact: tuple[Store, Searcher]
) -> None:
    for text in QUESTIONS:
        query = SearchQuery(text=text)
        mine, theirs = large[1].search(large[0], query), exact[1].search(exact[0], query)
        if theirs.total <= 30:  # fewer than are looked at
            assert (mine.total, mine.facets) == (theirs.total, theirs.facets)
        assert mine.no_match == theirs.no_match


def test_a_filter_that_leaves_few_lessons_finds_the_best_of_them(
    large: tuple[Store, Searcher],
) -> None:
    """Also when none of them is among the best of the whole base."""
    store, searcher = large
    last = REPORTS[7].lessons[-3:]
    keys = {row.lesson_id: row.number for row in store.rows(ENCODER.model_id)}
    mask = np.zeros(max(keys.values()) + 1, bool)
    mask[[keys[one.id] for one in last]] = True

    for text in QUESTIONS:
        legs = searcher.ranker.widened(store, searcher.ranker.legs(store, text), text, [mask])
        assert {one.id for one in last} <= set(legs.lesson_ids)


def test_no_lesson_that_was_not_looked_at_is_fitter_than_told(
    large: tuple[Store, Searcher], exact: tuple[Store, Searcher]
) -> None:
    above = others = 0
    for text in QUESTIONS:
        some, every = (searcher.ranker.legs(store, text) for store, searcher in (large, exact))
        late = kb.ranking._usual(every.first)
        fit = dict(zip(every.lesson_ids, every.meaning + every.words + late, strict=True))
        left = fit.keys() - set(some.lesson_ids)
        above += sum(fit[lesson_id] > some.beyond + 1e-3 for lesson_id in left)
        others += len(left)
    assert others > 1000
    assert above <= 0.002 * others  # codes may miss one


@pytest.mark.parametrize(
    "chosen", [{"themes": {"tema-1"}}, {"programmes": {"by-2"}, "years": {2007}}]
)
def test_filters_never_reorder(
    large: tuple[Store, Searcher], chosen: dict[str, set[object]]
) -> None:
    filters = {name: frozenset(values) for name, values in chosen.items()}
    for text in QUESTIONS:
        every = ids(large, SearchQuery(text=text, limit=1000))
        some = ids(large, SearchQuery(text=text, limit=1000, **filters))
        known = [one for one in some if one in every]
        assert known == [one for one in every if one in some]


def test_counts_are_those_of_the_hits_shown(large: tuple[Store, Searcher]) -> None:
    store, searcher = large
    for text in QUESTIONS:
        result = searcher.search(store, SearchQuery(text=text, limit=1000))
        assert result.total == len(result.hits)
        for facet in FACETS:
            counted = {one.value: one.count for one in result.facets[facet]}
            assert sum(counted.values()) in {result.total, 0}


def test_what_changes_after_the_snapshot_shows_in_the_next_search(
    large: tuple[Store, Searcher],
) -> None:
    store, searcher = large
    new = embedded(a_filing("Xylofonen spilte for kommunestyret.", original=b"new"))
    new.add_to(store)
    gone = REPORTS[3].lessons[4]
    set_status(store, [gone.id], Status.REJECTED)
    store.remove_report(REPORTS[5].report.id)

    assert ids(large, SearchQuery(text="xylofonen i kommunestyret"))[0] == new.lessons[0].id
    before = {text: first(large, text) for text in QUESTIONS}
    dead = {gone.id, *(one.id for one in REPORTS[5].lessons)}
    assert not dead & {lesson_id for one in before.values() for lesson_id in one}

    searcher.rebuild(store)

    for text, scores in before.items():
        after = first(large, text)
        for lesson_id in scores.keys() & after.keys():
            assert after[lesson_id] == pytest.approx(scores[lesson_id], abs=5e-3)


def test_only_what_changed_is_read_for_the_next_generation(
    large: tuple[Store, Searcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = large
    ids(large, SearchQuery(text="styret"))
    asked = []
    whole = Store.rows
    monkeypatch.setattr(
        Store,
        "rows",
        lambda self, model, *, since=0: asked.append(since) or whole(self, model, since=since),
    )

    for number in range(2):
        embedded(a_filing(f"Ny lærdom {number}.", original=f"n{number}".encode())).add_to(store)
        before = store.generation() - 1
        assert len(ids(large, SearchQuery(limit=1000))) == 301 + number
        ids(large, SearchQuery(text="styret"))
        assert asked[-1] == before


def test_a_large_snapshot_is_not_written_anew_for_a_few_changes(
    large: tuple[Store, Searcher],
) -> None:
    store, searcher = large
    used = store.index_pointer()
    embedded(a_filing("Ny lærdom.", original=b"new")).add_to(store)

    searcher.refresh(store)

    assert store.index_pointer() == used


@pytest.mark.parametrize(
    "name", ["word_weights.npy", "word_lessons.npy", "norms.npy", "vectors.faiss"]
)
def test_a_damaged_snapshot_is_left_aside(
    large: tuple[Store, Searcher], exact: tuple[Store, Searcher], name: str
) -> None:
    store, _ = large
    home = Path(str(store.original_path(REPORTS[0].report.id))).parents[1]
    path = next(home.rglob(f"{store.index_pointer().name}/{name}"))
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)

    again = Searcher(ENCODER, path.parents[2])

    assert again.ranker.view(store).is_exact
    assert "checksum" in again.problems(store)[0]
    assert first((store, again), "styret plan") == pytest.approx(
        first(exact, "styret plan"), abs=1e-5
    )


def test_a_file_that_seems_untouched_is_read_through_only_by_the_check(
    large: tuple[Store, Searcher], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store, _ = large
    monkeypatch.setattr(kb.snapshot, "TRUSTED_FROM", 0)
    read: list[str] = []
    whole = kb.snapshot._sha256
    monkeypatch.setattr(kb.snapshot, "_sha256", lambda path: read.append(path.name) or whole(path))
    index = LessonIndex(tmp_path / "index", ENCODER.model_id, ENCODER.dim)

    index.view(store)
    assert read == []
    assert index.problems(store) == ()
    assert "vectors.faiss" in read


def test_similar_lessons_are_those_of_the_exact_way(
    large: tuple[Store, Searcher], exact: tuple[Store, Searcher]
) -> None:
    for one in (REPORTS[2].lessons[0], REPORTS[8].lessons[9]):
        mine, theirs = (
            [hit.lesson.id for hit in base[1].similar(base[0], one.id, elsewhere=True)]
            for base in (large, exact)
        )
        assert mine[:3] == theirs[:3]


def test_single_passages_say_what_the_scores_say(large: tuple[Store, Searcher]) -> None:
    store, searcher = large
    view = searcher.ranker.view(store)
    for text in QUESTIONS[:4]:
        vector, language = ENCODER.embed_queries([text])[0], language_of(text)
        for place in view.nearest(vector, language, 5).places:
            [lesson_id] = view.ids(np.array([place]))
            cosines = view.cosines(vector, language, lesson_id)
            scores = view.scores_at(vector, language, np.array([place]))
            assert max(cosines) == pytest.approx(
                max(scores.passage[0], scores.sentence[0]), abs=1e-3
            )
