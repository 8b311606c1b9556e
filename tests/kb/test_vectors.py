"""Whatever happens to the snapshots, a search says what the database says."""

import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb.domain import LessonId, Status
from kb.errors import StaleIndexError
from kb.index import LessonIndex
from kb.store import IndexPointer, Store
from kb.vectors import VectorView
from tests.make import DIM, MODEL, Filing, a_filing, set_status, vectors_for

LANGUAGES = ("nb", "nn", "en")
WORDS = (
    "styret bedrift kommune næringshage plan penger leder møte mål tid folk eier ung reise".split()
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "index"


def an_index(folder: Path, model_id: str = MODEL) -> LessonIndex:
    return LessonIndex(folder, model_id, DIM)


def a_question(seed: int = 0) -> np.ndarray:
    """Return a unit vector in the quarter of the space where texts lie."""
    vector = np.random.default_rng(seed).random(DIM).astype(np.float32)
    return vector / np.linalg.norm(vector)


def scores_of(view: VectorView, seed: int = 0, language: str = "nb") -> dict[LessonId, list[float]]:
    scores = view.scores(a_question(seed), language)
    both = np.stack([scores.passage, scores.sentence], axis=1)
    return dict(zip(view.lesson_ids, both.tolist(), strict=True))


def assert_same(view: VectorView, other: VectorView) -> None:
    """Both hold the same lessons and score them alike; the order of rows may differ."""
    assert set(view.lesson_ids) == set(other.lesson_ids)
    assert len(view.lesson_ids) == len(set(view.lesson_ids))
    for seed, language in enumerate((*LANGUAGES, "fi")):
        mine, theirs = scores_of(view, seed, language), scores_of(other, seed, language)
        for lesson_id in mine:
            assert mine[lesson_id] == pytest.approx(theirs[lesson_id], abs=2e-6)


def from_database(store: Store, tmp_path: Path) -> VectorView:
    """Return the view made without any snapshot: there is none in this folder."""
    return an_index(tmp_path / "no-snapshots").view(store)


def write_quotes(dice: random.Random, count: int) -> list[str]:
    return [
        " ".join(dice.choices(WORDS, k=dice.randint(3, 9))).capitalize()
        + f" {number}. "
        + " ".join(dice.choices(WORDS, k=4)).capitalize()
        + "."
        for number in range(count)
    ]


def in_languages(filing: Filing, *languages: str) -> Filing:
    lessons = tuple(
        replace(one, language=languages[i % len(languages)]) for i, one in enumerate(filing.lessons)
    )
    return replace(filing, lessons=lessons)


# ---- a snapshot with what came after it


def change(store: Store, dice: random.Random, step: int, index: LessonIndex) -> None:
    """Do one thing that can happen to a base."""
    known = store.lesson_ids()
    reports = [one.report.id for one in store.reports()]
    some = dice.sample(known, min(len(known), 3))
    deed = dice.choice(["add", "add", "hide", "publish", "remove", "vectors", "build", "build"])
    if deed == "add" or not known:
        filing = a_filing(*write_quotes(dice, dice.randint(1, 5)), original=f"{step}".encode())
        filing = in_languages(filing, *dice.sample(LANGUAGES, 3))
        lessons = tuple(
            replace(one, status=dice.choice([Status.PUBLISHED, Status.CANDIDATE]))
            for one in filing.lessons
        )
        replace(filing, lessons=lessons).add_to(store)
    elif deed == "hide":
        set_status(store, some, dice.choice([Status.REJECTED, Status.CANDIDATE, Status.MERGED]))
    elif deed == "publish":
        set_status(store, some, Status.PUBLISHED)
    elif deed == "remove":
        store.remove_report(dice.choice(reports))
    elif deed == "vectors":
        found = store.lessons(some)
        turned = {key: own[:, ::-1].copy() for key, own in vectors_for(found.values()).items()}
        store.put_vectors(turned, MODEL)
    else:
        index.build(store)


@pytest.mark.parametrize("seed", range(6))
def test_a_view_through_any_history_is_that_of_the_database(
    store: Store, folder: Path, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    kept = an_index(folder)

    for step in range(25):
        change(store, dice, step, kept)
        truth = from_database(store, tmp_path)
        assert_same(kept.view(store), truth)
        assert_same(an_index(folder).view(store), truth)
        assert set(truth.lesson_ids) == set(store.lesson_ids(status=Status.PUBLISHED))


def test_a_lesson_read_again_after_removal_is_there_once(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    filing = a_filing().add_to(store)
    index = an_index(folder)
    index.build(store)

    store.remove_report(filing.report.id)
    assert index.view(store).lesson_ids == ()
    filing.add_to(store)

    assert_same(an_index(folder).view(store), from_database(store, tmp_path))


# ---- snapshots that cannot be used


def flip(path: Path, place: int = -20) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def edit(path: Path, **values: object) -> None:
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, **values}))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no folder": shutil.rmtree,
    "no vectors": lambda at: (at / "vectors.faiss").unlink(),
    "no rows": lambda at: (at / "roles.npy").unlink(),
    "no manifest": lambda at: (at / "manifest.json").unlink(),
    "a bit of the vectors": lambda at: flip(at / "vectors.faiss"),
    "a bit of the rows": lambda at: flip(at / "roles.npy", 100),
    "vectors cut short": lambda at: os.truncate(at / "vectors.faiss", 40),
    "vectors empty": lambda at: os.truncate(at / "vectors.faiss", 0),
    "rows cut short": lambda at: os.truncate(at / "roles.npy", 40),
    "manifest cut short": lambda at: os.truncate(at / "manifest.json", 40),
    "manifest empty": lambda at: os.truncate(at / "manifest.json", 0),
    "manifest not json": lambda at: (at / "manifest.json").write_text("no"),
    "manifest not utf-8": lambda at: (at / "manifest.json").write_bytes(b"\xff\xfe{"),
    "manifest a list": lambda at: (at / "manifest.json").write_text("[]"),
    "manifest null": lambda at: (at / "manifest.json").write_text("null"),
    "manifest without sums": lambda at: edit(at / "manifest.json", sha256={}),
    "manifest with odd sums": lambda at: edit(at / "manifest.json", sha256="x"),
    "another model": lambda at: edit(at / "manifest.json", model="another"),
    "another dim": lambda at: edit(at / "manifest.json", dim=DIM + 1),
    "another generation": lambda at: edit(at / "manifest.json", generation=0),
    "another format": lambda at: edit(at / "manifest.json", format=99),
    "a folder for a file": lambda at: (
        (at / "roles.npy").unlink(),
        (at / "roles.npy").mkdir(),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_snapshot_is_left_aside_told_of_and_healed(
    store: Store, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    a_filing().add_to(store)
    pointer = an_index(folder).build(store)
    assert an_index(folder).problems(store) == ()

    DAMAGES[damage](folder / pointer.name)

    index = an_index(folder)
    with caplog.at_level(logging.WARNING):
        seen = index.view(store)
    [warning] = caplog.messages
    assert pointer.name in warning
    assert_same(seen, from_database(store, tmp_path))
    [problem] = index.problems(store)
    assert problem.startswith(f"index {pointer.name}: ")

    index.build(store)

    assert index.problems(store) == ()
    caplog.clear()
    healed = an_index(folder).view(store)
    assert caplog.messages == []
    assert_same(healed, from_database(store, tmp_path))


def test_a_snapshot_is_not_written_to_again(store: Store, folder: Path) -> None:
    a_filing().add_to(store)
    first = folder / an_index(folder).build(store).name
    before = {path.name: path.read_bytes() for path in first.iterdir()}

    a_filing("Små steg først.", original=b"two").add_to(store)
    an_index(folder).build(store)

    assert {path.name: path.read_bytes() for path in first.iterdir()} == before


def test_what_problems_says_of_lessons_without_vectors(store: Store, folder: Path) -> None:
    a_filing("Én.", "To.").add_to(store)

    assert an_index(folder, "another").problems(store) == (
        "2 published lessons lack vectors of another",
    )


# ---- the pointer and the old snapshots


def snapshots(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("g"))


def test_the_pointer_never_goes_back(store: Store, folder: Path) -> None:
    a_filing().add_to(store)
    older = an_index(folder).build(store)
    a_filing("Små steg først.", original=b"two").add_to(store)
    newer = an_index(folder).build(store)

    assert not store.point_index(older.name, older.generation, MODEL)
    assert store.index_pointer() == newer


def test_a_builder_that_saw_less_does_not_win(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its snapshot is of a state before the one pointed at, as if it had been held up."""
    a_filing().add_to(store)
    a_filing("Små steg først.", original=b"two").add_to(store)
    newer = an_index(folder).build(store)

    monkeypatch.setattr(Store, "generation", lambda self: 1)
    an_index(folder).build(store)
    monkeypatch.undo()

    assert store.index_pointer() == newer
    assert newer.name in snapshots(folder)


def test_old_snapshots_go_but_never_the_one_in_use(store: Store, folder: Path) -> None:
    index = an_index(folder)
    a_filing().add_to(store)
    names = [index.build(store).name for _ in range(5)]

    assert snapshots(folder) == sorted(names)[-2:]
    assert store.index_pointer().name in snapshots(folder)


def test_the_one_in_use_stays_though_its_name_sorts_first(store: Store, folder: Path) -> None:
    a_filing().add_to(store)
    index = an_index(folder)
    for number in (7, 8, 9):
        (folder / f"g{number:012d}-1-1").mkdir(parents=True)

    used = index.build(store).name

    assert snapshots(folder) == [used, "g000000000008-1-1", "g000000000009-1-1"]


def test_tidying_takes_leftovers_and_leaves_what_is_not_ours(store: Store, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / ".tmp-g1").mkdir()
    (folder / ".tmp-g1" / "vectors.faiss").write_bytes(b"half")
    (folder / "README").write_text("kept")

    an_index(folder).build(store)

    names = {path.name for path in folder.iterdir()}
    assert not [name for name in names if name.startswith(".tmp-")]
    assert "README" in names


def test_readers_with_an_old_snapshot_in_hand_go_on(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    a_filing().add_to(store)
    reader = an_index(folder)
    reader.build(store)
    reader.view(store)

    for number in range(3):
        a_filing(f"Lærdom nummer {number}.", original=str(number).encode()).add_to(store)
        an_index(folder).build(store)

    assert_same(reader.view(store), from_database(store, tmp_path))


# ---- killed while building

POINTS = ["folder made", "vectors written", "rows written", "manifest written", "synced"]
POINTS += ["renamed", "COMMIT", "pointed", "tidying"]

CHILD = """
import os, signal, sys
from pathlib import Path

import faiss
import numpy as np
from sqlalchemy import Engine, event

import kb.index
import kb.vectors
from kb.store import Store
from tests.make import DIM, MODEL, a_filing

home, point = Path(sys.argv[1]), sys.argv[2]
store = Store.open(home)
a_filing("Små steg først.", original=b"second").add_to(store)


def die(*args, **named):
    os.kill(os.getpid(), signal.SIGKILL)


def after(owner, name, *, wanted=lambda args: True):
    whole = getattr(owner, name)
    def then_die(*args, **named):
        whole(*args, **named)
        if wanted(args):
            die()
    setattr(owner, name, then_die)


if point == "folder made":
    after(Path, "mkdir", wanted=lambda args: ".tmp-" in args[0].name)
elif point == "vectors written":
    after(kb.vectors.faiss, "write_index")
elif point == "rows written":
    after(np, "save")
elif point == "manifest written":
    after(Path, "write_text", wanted=lambda args: args[0].name == "manifest.json")
elif point == "synced":
    after(kb.index, "seal")
elif point == "renamed":
    after(Path, "rename")
elif point == "COMMIT":
    store.generation()
    seen = []
    event.listen(Engine, "before_cursor_execute",
        lambda c, cur, s, *rest: seen.append(s) if s.startswith("UPDATE state") else None)
    event.listen(Engine, "commit", lambda *a: seen and die())
elif point == "pointed":
    after(Store, "point_index")
elif point == "tidying":
    kb.index.shutil.rmtree = die
kb.index.LessonIndex(home / "index", MODEL, DIM).build(store)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, int, IndexPointer]]:
    """Home, exit code and pointer before, of a builder killed at each point; two at a time."""
    started = {}
    for point in POINTS:
        home = tmp_path_factory.mktemp("killed") / "home"
        with Store.open(home) as store:
            a_filing(original=b"first").add_to(store)
            for _ in range(2):
                pointer = an_index(home / "index").build(store)
        started[point] = (home, pointer)
    ends = {}
    for first in range(0, len(POINTS), 2):
        pair = POINTS[first : first + 2]
        children = [
            subprocess.Popen(
                [sys.executable, "-c", CHILD, str(started[point][0]), point],
                cwd=Path(__file__).parents[2],
            )
            for point in pair
        ]
        ends |= {point: child.wait(60) for point, child in zip(pair, children, strict=True)}
    return {point: (started[point][0], ends[point], started[point][1]) for point in POINTS}


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_builder_leaves_search_right_and_the_next_one_tidies(
    killed: dict[str, tuple[Path, int, IndexPointer]], tmp_path: Path, point: str
) -> None:
    home, code, before = killed[point]
    folder = home / "index"

    assert code == -signal.SIGKILL, f"{point!r} was never reached"
    with Store.open(home) as store:
        is_moved = store.index_pointer() != before
        assert is_moved == (point in {"pointed", "tidying"})
        assert an_index(folder).problems(store) == ()
        assert_same(an_index(folder).view(store), from_database(store, tmp_path))
        assert len(an_index(folder).view(store).lesson_ids) == 3

        pointer = an_index(folder).build(store)

        assert store.index_pointer() == pointer
        assert not list(folder.glob(".tmp-*"))
        assert len(snapshots(folder)) == 2
        assert_same(an_index(folder).view(store), from_database(store, tmp_path))


# ---- scores


def test_only_those_among_are_looked_at(store: Store, folder: Path) -> None:
    filing = a_filing(*write_quotes(random.Random(1), 12)).add_to(store)
    index = an_index(folder)
    index.build(store)
    set_status(store, [filing.lessons[3].id], Status.REJECTED)
    a_filing("Små steg først.", original=b"two").add_to(store)
    view = index.view(store)
    dice = np.random.default_rng(3)
    whole = view.scores(a_question(), "nb")

    for _ in range(10):
        among = dice.random(len(view.lesson_ids)) < 0.4
        some = view.scores(a_question(), "nb", among)
        for mine, all_of in ((some.passage, whole.passage), (some.sentence, whole.sentence)):
            assert mine[among] == pytest.approx(all_of[among], abs=1e-6)
            assert (mine[~among] == -1).all()


def test_a_lesson_scores_its_best_quote_and_its_best_sentence(store: Store, folder: Path) -> None:
    """The cosines of single passages, which are reckoned in another way, say the same."""
    a_filing(*write_quotes(random.Random(2), 6)).add_to(store)
    view = an_index(folder).view(store)
    question = a_question(5)
    scores = view.scores(question, "nb")

    for number, lesson_id in enumerate(view.lesson_ids):
        roles = next(row.roles for row in store.rows(MODEL) if row.lesson_id == lesson_id)
        cosines = view.cosines(question, "nb", lesson_id)
        quotes = [c for c, role in zip(cosines, roles, strict=True) if role == "quote"]
        sentences = [c for c, role in zip(cosines, roles, strict=True) if role == "sentence"]
        assert scores.passage[number] == pytest.approx(max(quotes), abs=1e-6)
        assert scores.sentence[number] == pytest.approx(max(sentences), abs=1e-6)


def test_scores_are_cosines_after_the_mean_is_taken_away(store: Store, folder: Path) -> None:
    """One language: its mean is that of all, drawn twice towards nothing by 20 passages."""
    filing = a_filing(*write_quotes(random.Random(4), 7)).add_to(store)
    view = an_index(folder).view(store)
    quotes = np.stack(
        [filing.vectors[one.id][0].astype("<f2").astype(np.float64) for one in filing.lessons]
    )
    everything = quotes.sum(axis=0) / (7 + 20)
    mean = (quotes.sum(axis=0) + 20 * everything) / (7 + 20)
    question = a_question() - mean
    turned = quotes - mean
    wanted = turned @ question / np.linalg.norm(question) / np.linalg.norm(turned, axis=1)

    scores = view.scores(a_question(), "nb")

    by_id = dict(zip(view.lesson_ids, scores.passage, strict=True))
    for one, cosine in zip(filing.lessons, wanted, strict=True):
        assert by_id[one.id] == pytest.approx(cosine, abs=1e-5)


def test_a_question_in_a_language_nobody_has_is_centred_like_all(
    store: Store, folder: Path
) -> None:
    in_languages(a_filing(*write_quotes(random.Random(5), 9)), "nb", "en").add_to(store)
    view = an_index(folder).view(store)

    finnish, sami = scores_of(view, language="fi"), scores_of(view, language="se")

    assert finnish == sami
    assert finnish != scores_of(view, language="en")
    assert np.isfinite(list(finnish.values())).all()


def test_a_language_that_adds_the_same_to_all_its_texts_does_not_decide(
    store: Store, folder: Path
) -> None:
    """What centring is for: a question finds its topic in both languages, not its own language.

    All vectors of a language share a large part. By plain cosine it decides; centred it does not.
    """
    dice = np.random.default_rng(6)
    filing = in_languages(a_filing(*(f"Lærdom {number}." for number in range(400))), "nb", "en")
    topics = dice.normal(size=(200, DIM))
    shared = 4 * np.eye(2, DIM)
    vectors = np.repeat(topics, 2, axis=0) + np.tile(shared, (200, 1))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    both = {one.id: np.tile(own, (2, 1)) for one, own in zip(filing.lessons, vectors, strict=True)}
    replace(filing, vectors=both).add_to(store)
    view = an_index(folder).view(store)
    order = [view.lesson_ids.index(one.id) for one in filing.lessons]

    centred, plain = 0, 0
    for topic in range(200):
        asked = vectors[2 * topic]
        scores = view.scores(asked, "nb").passage[order]
        centred += set(np.argsort(-scores)[:2]) == {2 * topic, 2 * topic + 1}
        plain += set(np.argsort(-(vectors @ asked))[:2]) == {2 * topic, 2 * topic + 1}

    assert plain < 10
    assert centred > 100


def test_other_languages_move_a_language_by_no_more_than_the_shared_mean(
    store: Store, folder: Path
) -> None:
    """Its mean is drawn towards the mean of all as by 20 passages, so by at most 20 / (n + 20)."""
    own = a_filing(*write_quotes(random.Random(7), 40)).add_to(store)
    before = scores_of(an_index(folder).view(store))
    in_languages(a_filing(*write_quotes(random.Random(8), 200), original=b"english"), "en").add_to(
        store
    )

    after = scores_of(an_index(folder).view(store))

    moved = [np.abs(np.subtract(after[one.id], before[one.id])).max() for one in own.lessons]
    shift = 20 / (40 + 20)  # of a unit vector, at most, in the mean taken away
    vectors = np.concatenate([own.vectors[one.id] for one in own.lessons])
    shortest = np.linalg.norm(vectors - vectors.mean(axis=0), axis=1).min()
    assert 0 < max(moved) <= 4 * shift / shortest


def test_a_language_with_many_lessons_hardly_feels_the_others(store: Store, folder: Path) -> None:
    own = a_filing(*(f"Lærdom nummer {number}." for number in range(800))).add_to(store)
    before = scores_of(an_index(folder).view(store))
    in_languages(a_filing(*write_quotes(random.Random(8), 30), original=b"english"), "en").add_to(
        store
    )

    after = scores_of(an_index(folder).view(store))

    moved = [np.abs(np.subtract(after[one.id], before[one.id])).max() for one in own.lessons]
    assert max(moved) < 0.05


# ---- edges


def test_an_empty_base_works_with_and_without_a_snapshot(store: Store, folder: Path) -> None:
    index = an_index(folder)
    for _ in range(2):
        view = an_index(folder).view(store)
        assert view.lesson_ids == ()
        assert view.scores(a_question(), "nb").passage.shape == (0,)
        assert view.vectors_of("0" * 12) is None
        assert view.cosines(a_question(), "nb", "0" * 12).shape == (0,)
        assert index.problems(store) == ()
        index.build(store)


def test_a_base_emptied_after_its_snapshot_works(store: Store, folder: Path) -> None:
    filing = a_filing().add_to(store)
    index = an_index(folder)
    index.build(store)

    store.remove_report(filing.report.id)

    assert scores_of(an_index(folder).view(store)) == {}


def test_a_snapshot_of_an_empty_base_serves_what_comes_later(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    an_index(folder).build(store)
    a_filing().add_to(store)

    assert_same(an_index(folder).view(store), from_database(store, tmp_path))


def test_vectors_of_a_lesson_are_those_stored(store: Store, folder: Path) -> None:
    filing = a_filing().add_to(store)
    an_index(folder).build(store)
    view = an_index(folder).view(store)

    for lesson_id, vectors in filing.vectors.items():
        assert view.vectors_of(lesson_id) == pytest.approx(vectors, abs=1e-3)


@pytest.mark.parametrize("is_built", [False, True])
def test_vectors_of_another_model_are_refused(store: Store, folder: Path, is_built: bool) -> None:
    a_filing().add_to(store)
    if is_built:
        an_index(folder).build(store)

    with pytest.raises(StaleIndexError, match="kb reindex"):
        an_index(folder, "another").view(store)


def test_a_base_with_lessons_of_two_models_is_refused_by_both(store: Store, folder: Path) -> None:
    a_filing().add_to(store)
    replace(a_filing("Små steg først.", original=b"two"), model_id="another").add_to(store)

    for model_id in (MODEL, "another"):
        with pytest.raises(StaleIndexError):
            an_index(folder, model_id).view(store)


def test_after_new_vectors_the_old_model_is_refused_and_the_new_one_serves(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    filing = a_filing().add_to(store)
    an_index(folder).build(store)

    store.put_vectors(filing.vectors, "another")

    with pytest.raises(StaleIndexError):
        an_index(folder).view(store)
    index = an_index(folder, "another")
    before = index.view(store)
    index.build(store)
    assert_same(an_index(folder, "another").view(store), before)
    assert index.problems(store) == ()


def test_within_a_read_transaction_a_view_does_not_move(store: Store, folder: Path) -> None:
    a_filing().add_to(store)
    index = an_index(folder)
    with Store.open(folder.parent) as writer, store.reading():
        before = index.view(store)
        a_filing("Små steg først.", original=b"two").add_to(writer)
        an_index(folder).build(writer)

        assert index.view(writer).lesson_ids != before.lesson_ids
        assert_same(index.view(store), before)
