"""The only door to FAISS: how near the passages of lessons are to a question.

E5's vectors share a large common part; taking the mean away raises nDCG@10 from .575 to .629. Part
of what they share is their language, which makes an English question find whatever is English:
each lesson is centred on the mean of its own language, and so is the question. The means move with
every new lesson while the index stays as it is, so the present ones are taken off in the inner
products.

Up to ``EXACT_UP_TO`` vectors are all looked at. More are kept centred on the means of their time:
as codes of one bit per dimension, which are all looked at, and in half precision, out of which the
most promising lessons are reckoned exactly, with the present means (ADR 0017).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from kb.domain import LessonId
from kb.passages import PassageRole
from kb.postings import Postings, Words
from kb.snapshot import Arrays
from kb.store import IndexRow

EXACT_UP_TO = 20_000
"""So many vectors are looked at one by one in 2 ms."""

CODED = "IVF16,RaBitQfs,Refine(SQfp16)"
_LISTS = 16
"""All are looked at: they are there because codes of one bit need vectors centred on something."""

_REFINED = 4
"""Of so many times the rows asked for, the nearest by their codes, halves are looked at too."""

_TRAINED_ON = 65_536
_ADDED = 16_384
_SHRINK = 20
"""A mean counts as if it held so many passages of nothing in particular besides its own."""

_QUOTE, _SENTENCE = 1, 2
_FAISS_FILE = "vectors.faiss"

Vector = NDArray[np.float32]
Places = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Nearest:
    """The places that near passages stand at; no passage elsewhere is nearer than ``beyond``."""

    places: NDArray[np.intp]
    beyond: float


@dataclass(frozen=True, slots=True)
class DenseScores:
    """Mean-centred cosines of a question with lessons, float32 of shape (n,), -1 to 1.

    ``passage`` is the best whole quote of the lesson, ``sentence`` its best single sentence.
    """

    passage: Vector
    sentence: Vector


# --- lessons as columns ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Lessons as arrays, and which of the rows of vectors are whose; the vectors stand elsewhere.

    The rows of lesson ``i`` are ``starts[i]:starts[i + 1]``; ``roles`` says of each row whether it
    is a whole quote (1), a sentence (2) or a quote of one sentence (3), which is kept once;
    ``squares`` is its squared length. ``languages`` are places in ``tongues``; ``totals`` and
    ``quotes`` are the sum and the number of the quotes of each. The token ids of lesson ``i`` are
    ``pieces[piece_starts[i]:piece_starts[i + 1]]``; ``piece_counts`` says of each token how many
    lessons have it. ``by_id`` sorts the lessons by id.
    """

    lesson_ids: NDArray[np.bytes_]
    by_id: NDArray[np.int32]
    numbers: NDArray[np.int64]
    languages: NDArray[np.int16]
    tongues: NDArray[np.str_]
    starts: NDArray[np.int64]
    roles: NDArray[np.uint8]
    squares: Vector
    totals: NDArray[np.float64]
    quotes: NDArray[np.int64]
    pieces: NDArray[np.int32]
    piece_starts: NDArray[np.int64]
    piece_counts: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.numbers)

    def find(self, wanted: Iterable[LessonId]) -> Places:
        """Return where those of the ``wanted`` lessons stand that are here."""
        sought = np.array([one.encode() for one in wanted], np.bytes_)
        if not len(self) or not len(sought):
            return np.zeros(0, np.intp)
        near = np.searchsorted(self.lesson_ids, sought, sorter=self.by_id)
        found: Places = self.by_id[np.minimum(near, len(self) - 1)].astype(np.intp)
        kept: Places = found[self.lesson_ids[found] == sought]
        return kept

    def rows_of(self, lessons: Places) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of some lessons, one lesson after the other, and where each begins."""
        return _ranges(self.starts, lessons)

    def pieces_of(self, lessons: Places) -> NDArray[np.int32]:
        """Return the token ids of some lessons."""
        return self.pieces[_ranges(self.piece_starts, lessons)[0]]


def _ranges(
    starts: NDArray[np.int64], which: Places
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sizes = starts[which + 1] - starts[which]
    begins = np.cumsum(sizes) - sizes
    return np.repeat(starts[which] - begins, sizes) + np.arange(int(sizes.sum())), begins


def columns_of(rows: Iterable[IndexRow], dim: int) -> tuple[Columns, NDArray[np.float16]]:
    """Return lessons as columns, and their vectors as they are stored, float16 of (rows, dim)."""
    ids: list[str] = []
    numbers: list[int] = []
    spoken: list[str] = []
    roles: list[int] = []
    counts: list[int] = []
    halves: list[NDArray[np.float16]] = [np.zeros((0, dim), np.float16)]
    pieces: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    for row in rows:
        ids.append(row.lesson_id)
        numbers.append(row.number)
        spoken.append(row.language)
        own = [_QUOTE if role is PassageRole.QUOTE else _SENTENCE for role in row.roles]
        own, kept = _merged(own, row.vectors.astype(np.float16))
        roles += own
        counts.append(len(own))
        halves.append(kept)
        pieces.append(row.pieces)
    tongues = sorted(set(spoken))
    matrix = np.concatenate(halves)
    languages = np.array([tongues.index(one) for one in spoken], np.int16)
    marked = np.array(roles, np.uint8)
    totals, quotes = _totals(matrix, marked, np.repeat(languages, counts), len(tongues))
    encoded = np.array([one.encode() for one in ids], np.bytes_)
    tokens = np.concatenate(pieces)
    columns = Columns(
        lesson_ids=encoded,
        by_id=np.argsort(encoded).astype(np.int32),
        numbers=np.array(numbers, np.int64),
        languages=languages,
        tongues=np.array(tongues, np.str_),
        starts=_starts(counts),
        roles=marked,
        squares=_squares(matrix),
        totals=totals,
        quotes=quotes,
        pieces=tokens,
        piece_starts=_starts([len(own) for own in pieces[1:]]),
        piece_counts=np.bincount(tokens).astype(np.int32),
    )
    return columns, matrix


def _merged(
    roles: Sequence[int], vectors: NDArray[np.float16]
) -> tuple[list[int], NDArray[np.float16]]:
    """Return the rows of a lesson without a sentence that is the whole of the quote before it."""
    kept: list[int] = []
    joined: list[int] = []
    for row, role in enumerate(roles):
        is_whole = role == _SENTENCE and row > 0 and roles[row - 1] == _QUOTE
        if is_whole and np.array_equal(vectors[row], vectors[row - 1]):
            joined[-1] = _QUOTE | _SENTENCE
        else:
            kept.append(row)
            joined.append(role)
    return joined, vectors if len(kept) == len(roles) else vectors[kept]


def _starts(counts: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + _ADDED) for start in range(0, count, _ADDED))


def _squares(matrix: NDArray[np.float16]) -> Vector:
    squares = np.empty(len(matrix), np.float32)
    for block in _blocks(len(matrix)):
        own = matrix[block].astype(np.float32)
        squares[block] = np.einsum("ij,ij->i", own, own)
    return squares


def _totals(
    matrix: NDArray[np.float16], roles: NDArray[np.uint8], spoken: NDArray[np.int16], tongues: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    totals = np.zeros((tongues, matrix.shape[1]))
    is_quote = (roles & _QUOTE) > 0
    for block in _blocks(len(matrix)):
        for tongue in range(tongues):
            chosen = is_quote[block] & (spoken[block] == tongue)
            totals[tongue] += matrix[block][chosen].sum(axis=0, dtype=np.float64)
    return totals, np.bincount(spoken[is_quote], minlength=tongues).astype(np.int64)


def _means(totals: NDArray[np.float64], counts: NDArray[np.int64]) -> Vector:
    """Return the mean quote of all languages (row 0) and of each.

    A mean over a handful of passages is their topic, not what the model or language adds: all are
    drawn towards nothing, those of a language towards the mean of all.
    """
    everything = totals.sum(axis=0) / (counts.sum() + _SHRINK)
    means = (totals + _SHRINK * everything) / (counts + _SHRINK)[:, None]
    return np.concatenate([everything[None], means]).astype(np.float32)


# --- where the vectors stand -------------------------------------------------------------------


class _Exact:
    """Vectors as the encoder gave them, in a Flat index."""

    def __init__(self, index: Any) -> None:
        self.index = index

    def matrix(self) -> Vector:
        """Return all vectors without a copy; valid while this lives."""
        count, dim = self.index.ntotal, self.index.d
        flat: Vector = faiss.rev_swig_ptr(self.index.get_xb(), count * dim)
        return flat.reshape(count, dim)

    def vectors(self, rows: NDArray[np.int64]) -> Vector:
        """Return some of the vectors."""
        return self.matrix()[rows]

    def products(self, rows: NDArray[np.int64] | None, others: Vector) -> Vector:
        """Return the inner products of rows, or of all, with ``others``, (rows, others)."""
        found: Vector = (self.matrix() if rows is None else self.matrix()[rows]) @ others.T
        return found


class _Coded:
    """Vectors centred on fixed means, of length 1, as codes; from them the vectors are reckoned."""

    def __init__(self, index: Any, means: Vector, which: NDArray[np.int16], norms: Vector) -> None:
        """Take over ``index``; ``which`` of ``means`` was taken off each row, of what length."""
        self.index = index  # keeps the memory that the parts below lie in
        self.means, self._which, self.norms = means, which, norms
        refined: Any = faiss.downcast_index(index)
        halves: Any = faiss.downcast_index(refined.refine_index)
        self._halves = halves
        size = halves.sq.code_size
        flat = faiss.rev_swig_ptr(halves.codes.data(), index.ntotal * size)
        self._codes = flat.reshape(index.ntotal, size)

    def _units(self, rows: NDArray[np.int64] | None) -> Vector:
        units: Vector = self._halves.sq.decode(self._codes if rows is None else self._codes[rows])
        return units

    def vectors(self, rows: NDArray[np.int64]) -> Vector:
        """Return some of the vectors."""
        away = self.means[self._which[rows]]
        found: Vector = self._units(rows) * self.norms[rows, None] + away
        return found

    def products(self, rows: NDArray[np.int64] | None, others: Vector) -> Vector:
        """Return the inner products of rows, or of all, with ``others``, (rows, others)."""
        kept = slice(None) if rows is None else rows
        products = self._units(rows) @ others.T * self.norms[kept, None]
        found: Vector = products + (self.means @ others.T)[self._which[kept]]
        return found

    def cosines(self, rows: NDArray[np.int64] | None, question: Vector) -> Vector:
        """Return the cosines as they were with the means of the time of building."""
        found: Vector = self._units(rows) @ question
        return found

    def nearest(
        self, question: Vector, count: int, wanted: Mask | None
    ) -> tuple[NDArray[np.int64], Vector]:
        """Return about the ``count`` nearest of the ``wanted`` rows, and their cosines.

        All codes are looked at.
        """
        lists = faiss.SearchParametersIVF()
        lists.nprobe = _LISTS
        if wanted is not None:
            selector = faiss.IDSelectorBitmap(np.packbits(wanted, bitorder="little"))  # type: ignore[call-arg, arg-type]  # the stub lacks the wrapper
            lists.sel = selector
        how: Any = faiss.IndexRefineSearchParameters()
        how.k_factor, how.base_index_params = _REFINED, lists
        cosines, rows = self.index.search(question[None], count, params=how)
        found = rows[0] >= 0
        return rows[0][found], cosines[0][found]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some lessons with their vectors, and their words where FTS5 does not serve."""

    columns: Columns
    vectors: _Exact | _Coded
    words: Postings | None = None

    @property
    def is_exact(self) -> bool:
        """Whether all vectors are looked at one by one."""
        return isinstance(self.vectors, _Exact)


def exact_part(
    columns: Columns, matrix: NDArray[np.float16], words: Postings | None = None
) -> Part:
    """Return lessons of which every vector is looked at."""
    index = faiss.IndexFlatIP(matrix.shape[1])
    if len(matrix):
        index.add(np.ascontiguousarray(matrix, np.float32))
    return Part(columns, _Exact(index), words)


def coded_part(columns: Columns, matrix: NDArray[np.float16], words: Postings | None) -> Part:
    """Return many lessons, to be looked at by codes; a block of vectors at a time."""
    index = faiss.index_factory(matrix.shape[1], CODED, faiss.METRIC_INNER_PRODUCT)
    means = _means(columns.totals, columns.quotes)
    which = np.repeat(columns.languages + np.int16(1), np.diff(columns.starts))
    norms = np.empty(len(matrix), np.float32)
    some = np.linspace(0, len(matrix) - 1, min(len(matrix), _TRAINED_ON)).astype(np.int64)
    index.train(_centred(matrix[some], means[which[some]])[0])
    for block in _blocks(len(matrix)):
        units, norms[block] = _centred(matrix[block], means[which[block]])
        index.add(units)
    return Part(columns, _Coded(index, means, which, norms), words)


def save(part: Part, folder: Path) -> Arrays:
    """Write the FAISS file of ``part`` into ``folder``; return all else that :func:`opened` needs.

    The vectors of an exact part are written as they are, so that they can be mapped.
    """
    faiss.write_index(part.vectors.index, str(folder / _FAISS_FILE))
    arrays = {field.name: getattr(part.columns, field.name) for field in fields(Columns)}
    if part.words is not None:
        arrays |= {f"word_{one.name}": getattr(part.words, one.name) for one in fields(Postings)}
    if isinstance(part.vectors, _Coded):
        arrays |= {"means": part.vectors.means, "norms": part.vectors.norms}
    return {name: np.asarray(values) for name, values in arrays.items()}


def opened(folder: Path, arrays: Arrays) -> Part:
    """Return the part that :func:`save` wrote, mapped."""
    index = faiss.read_index(str(folder / _FAISS_FILE), faiss.IO_FLAG_MMAP_IFC)
    columns = Columns(**{field.name: arrays[field.name] for field in fields(Columns)})
    words = None
    if "word_keys" in arrays:
        own: dict[str, Any] = {one.name: arrays[f"word_{one.name}"] for one in fields(Postings)}
        words = Postings(**{**own, "usual": float(own["usual"])})
    if "means" not in arrays:
        return Part(columns, _Exact(index), words)
    which = np.repeat(columns.languages + np.int16(1), np.diff(columns.starts))
    return Part(columns, _Coded(index, arrays["means"], which, arrays["norms"]), words)


def _centred(matrix: NDArray[np.float16], away: Vector) -> tuple[Vector, Vector]:
    moved = matrix.astype(np.float32) - away
    norms = np.linalg.norm(moved, axis=1)
    return moved / np.maximum(norms, 1e-9)[:, None], norms


# --- a view ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Living:
    """A part, the lessons of it that count, and their places in the view.

    ``tongues`` tells the row of ``means`` for each language of the part, ``distances`` how far each
    row of an exact part is from its mean; ``is_as_built`` whether the means of a coded part are
    still those of now.
    """

    part: Part
    alive: Mask
    lessons: Places
    place: NDArray[np.int32]
    first: int
    tongues: NDArray[np.intp]
    distances: Vector | None
    is_as_built: bool


class VectorView:
    """All published lessons at one generation. Immutable; shared by threads.

    A lesson's place counts from 0 through all of them, in no order that means anything.
    """

    def __init__(self, parts: Sequence[tuple[Part, Mask]], dim: int) -> None:
        """Take parts, each with the lessons in it that count."""
        self.dim = dim
        known = {str(one) for part, alive in parts if alive.any() for one in _spoken(part, alive)}
        self._tongues = {tongue: number for number, tongue in enumerate(sorted(known), 1)}
        self._means = self._find_means(parts)
        self._parts: list[_Living] = []
        for part, alive in parts:
            self._parts.append(self._living(part, alive))
        self.count = sum(len(one.lessons) for one in self._parts)
        columns = [(one.part.columns, one.lessons) for one in self._parts]
        self.numbers = np.concatenate([own.numbers[kept] for own, kept in columns])
        self._tongue = np.concatenate(
            [one.tongues[one.part.columns.languages[one.lessons]] for one in self._parts]
        )

    def _living(self, part: Part, alive: Mask) -> _Living:
        lessons = np.flatnonzero(alive)
        first = sum(len(one.lessons) for one in self._parts)
        place = np.full(len(alive), -1, np.int32)
        place[lessons] = np.arange(first, first + len(lessons), dtype=np.int32)
        own = [self._tongues.get(str(tongue), 0) for tongue in part.columns.tongues]
        tongues = np.array(own, np.intp)
        distances = None
        if part.is_exact:  # of all rows, now; of a coded part only where they are asked for
            products = part.vectors.products(None, self._means)
            rows = np.repeat(tongues[part.columns.languages], np.diff(part.columns.starts))
            distances = self._distances(part.columns.squares, products, rows)
        is_as_built = isinstance(part.vectors, _Coded) and np.array_equal(
            part.vectors.means[1:], self._means[tongues]
        )
        return _Living(part, alive, lessons, place, first, tongues, distances, is_as_built)

    def _distances(self, squares: Vector, products: Vector, which: NDArray[np.intp]) -> Vector:
        """Return how far rows are from the means that are ``which``, by products with all."""
        along = products[np.arange(len(which)), which]
        away = np.einsum("ij,ij->i", self._means, self._means)[which]
        return np.asarray(np.sqrt(np.maximum(squares - 2 * along + away, 0)), np.float32)

    def _find_means(self, parts: Sequence[tuple[Part, Mask]]) -> Vector:
        """Return the mean quote over all lessons (row 0) and over those of each language."""
        totals = np.zeros((len(self._tongues), self.dim))
        counts = np.zeros(len(totals), np.int64)
        for part, alive in parts:
            own, held = part.columns.totals.copy(), part.columns.quotes.copy()
            dead = np.flatnonzero(~alive)
            rows, _ = part.columns.rows_of(dead)
            spoken = np.repeat(part.columns.languages[dead], np.diff(part.columns.starts)[dead])
            is_quote = (part.columns.roles[rows] & _QUOTE) > 0
            np.subtract.at(own, spoken[is_quote], part.vectors.vectors(rows[is_quote]))
            np.subtract.at(held, spoken[is_quote], 1)
            for number, tongue in enumerate(part.columns.tongues):
                if str(tongue) in self._tongues:
                    totals[self._tongues[str(tongue)] - 1] += own[number]
                    counts[self._tongues[str(tongue)] - 1] += held[number]
        return _means(totals, counts)

    @property
    def is_exact(self) -> bool:
        """Whether every vector is looked at; else the best are sought first."""
        return all(one.part.is_exact for one in self._parts)

    @cached_property
    def lesson_ids(self) -> tuple[LessonId, ...]:
        """The lessons by place."""
        return self.ids(np.arange(self.count))

    def ids(self, places: Places) -> tuple[LessonId, ...]:
        """Return the lessons at some places."""
        found = [""] * len(places)
        for one, own, at in self._split(places):
            for number, lesson_id in zip(at, one.part.columns.lesson_ids[own], strict=True):
                found[number] = lesson_id.decode()
        return tuple(found)

    def place_of(self, lesson_id: LessonId) -> int | None:
        """Return the place of a lesson; None if it is not here."""
        for one in self._parts:
            for own in one.part.columns.find([lesson_id]):
                if one.alive[own]:
                    return int(one.place[own])
        return None

    def _split(self, places: Places) -> Iterator[tuple[_Living, Places, Places]]:
        """Yield each part with its own numbers of ``places``, and where in ``places`` they are."""
        for one in self._parts:
            mine = (places >= one.first) & (places < one.first + len(one.lessons))
            at = np.flatnonzero(mine)
            if len(at):
                yield one, one.lessons[places[at] - one.first], at

    # --- meaning

    @property
    def means(self) -> Vector:
        """The mean quote of all lessons (row 0) and of each language."""
        return self._means

    @property
    def tongues(self) -> NDArray[np.intp]:
        """For each lesson by place the row of its language in ``means``."""
        return self._tongue

    def mean_of(self, language: str) -> Vector:
        """Return the mean quote of a language; of all when no lesson has it."""
        mean: Vector = self._means[self._tongues.get(language, 0)]
        return mean

    def _centred(self, query: Vector, language: str) -> Vector:
        return _unit(query - self.mean_of(language))

    def nearest(
        self, query: Vector, language: str, count: int, among: Mask | None = None
    ) -> Nearest:
        """Return the places that the best ``count`` passages may stand at; all if they are few.

        Args:
            query: float32 of shape (dim,), L2 norm 1.
            language: of the question.
            count: of passages, of which several may be of one lesson.
            among: bool of shape (n,); only these lessons are looked at.
        """
        centred = self._centred(query, language)
        found, beyond = [], -1.0
        for one in self._parts:
            wanted = None if one.alive.all() else one.alive
            if among is not None:
                own = np.zeros(len(one.alive), bool)
                own[one.lessons] = among[one.first : one.first + len(one.lessons)]
                wanted = own
            if isinstance(one.part.vectors, _Exact):
                lessons = one.lessons if wanted is None else np.flatnonzero(wanted)
            else:
                lessons, least = _nearest_lessons(one.part, centred, count, wanted)
                beyond = max(beyond, least)
            found.append(one.place[lessons].astype(np.intp))
        return Nearest(np.sort(np.concatenate(found)), beyond)

    def scores(self, query: Vector, language: str, among: Mask | None = None) -> DenseScores:
        """Return the scores of every lesson by place.

        Args:
            query: float32 of shape (dim,), L2 norm 1.
            language: of the question; one that no lesson has is centred like all lessons.
            among: bool of shape (n,); lessons outside it are not looked at and score -1.
        """
        if among is None:
            return self.scores_at(query, language, np.arange(self.count))
        places = np.flatnonzero(among)
        some = self.scores_at(query, language, places)
        passage = np.full(self.count, -1, np.float32)
        sentence = passage.copy()
        passage[places], sentence[places] = some.passage, some.sentence
        return DenseScores(passage, sentence)

    def scores_at(self, query: Vector, language: str, places: Places) -> DenseScores:
        """Return the exact scores of the lessons at some places, in their order."""
        centred = self._centred(query, language)
        passage = np.full(len(places), -1, np.float32)
        sentence = passage.copy()
        for one, lessons, at in self._split(places):
            is_whole = len(lessons) == len(one.alive)
            cosines, begins, roles = self._cosines(one, None if is_whole else lessons, centred)
            to = at[np.argsort(lessons)] if is_whole else at
            for scores, role in ((passage, _QUOTE), (sentence, _SENTENCE)):
                own = np.where(roles & role, cosines, np.float32(-1))
                scores[to] = np.maximum.reduceat(own, begins)
        return DenseScores(passage=passage, sentence=sentence)

    def _cosines(
        self, one: _Living, lessons: Places | None, centred: Vector
    ) -> tuple[Vector, NDArray[np.int64], NDArray[np.uint8]]:
        """Return the cosine of each row of some lessons, or of all; where each begins; roles."""
        columns = one.part.columns
        offsets = self._means @ centred
        if lessons is None:
            rows, begins = None, columns.starts[:-1]
            which = np.repeat(one.tongues[columns.languages], np.diff(columns.starts))
            roles, squares = columns.roles, columns.squares
        else:
            rows, begins = columns.rows_of(lessons)
            sizes = np.diff(begins, append=len(rows))
            which = np.repeat(one.tongues[columns.languages[lessons]], sizes)
            roles, squares = columns.roles[rows], columns.squares[rows]
        if isinstance(one.part.vectors, _Coded) and one.is_as_built:
            return one.part.vectors.cosines(rows, centred), begins, roles
        if one.distances is None:
            products = one.part.vectors.products(rows, np.vstack([self._means, centred]))
            distances, along = self._distances(squares, products, which), products[:, -1]
        else:
            distances = one.distances if rows is None else one.distances[rows]
            along = one.part.vectors.products(rows, centred[None])[:, 0]
        cosines = (along - offsets[which]) / np.maximum(distances, 1e-9)
        return cosines.astype(np.float32), begins, roles

    def vectors_of(self, lesson_id: LessonId) -> Vector | None:
        """Return a lesson's vectors in the order of its passages, (n, dim); None if not here."""
        place = self.place_of(lesson_id)
        return None if place is None else self._vectors_at(place)

    def _vectors_at(self, place: int) -> Vector:
        one = next(o for o in self._parts if o.first <= place < o.first + len(o.lessons))
        columns, lesson = one.part.columns, one.lessons[place - one.first]
        rows = np.arange(columns.starts[lesson], columns.starts[lesson + 1])
        twice = 1 + (columns.roles[rows] == _QUOTE | _SENTENCE)
        return np.repeat(one.part.vectors.vectors(rows), twice, axis=0)

    def cosines(self, query: Vector, language: str, lesson_id: LessonId) -> Vector:
        """Return the centred cosine of each passage of one lesson, (n,); (0,) if not here."""
        place = self.place_of(lesson_id)
        if place is None:
            return np.zeros(0, np.float32)
        vectors, mean = self._vectors_at(place), self._means[self._tongue[place]]
        cosines: Vector = _unit(vectors - mean) @ self._centred(query, language)
        return cosines

    # --- words

    @cached_property
    def words(self) -> Words | None:
        """The word leg by place; None where FTS5 serves."""
        own = [(one.part.words, one.alive) for one in self._parts if one.part.words is not None]
        return Words(own) if len(own) == len(self._parts) else None

    def lessons_with(self, pieces: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return in how many lessons each of these tokens occurs, (n,)."""
        known = pieces < len(self._piece_counts)
        counts = np.zeros(len(pieces), np.int64)
        counts[known] = self._piece_counts[pieces[known]]
        return counts

    @cached_property
    def _piece_counts(self) -> NDArray[np.int64]:
        most = max(len(one.part.columns.piece_counts) for one in self._parts)
        counts = np.zeros(most, np.int64)
        for one in self._parts:
            own = one.part.columns
            counts[: len(own.piece_counts)] += own.piece_counts
            counts -= np.bincount(own.pieces_of(np.flatnonzero(~one.alive)), minlength=most)
        return counts


def _nearest_lessons(
    part: Part, centred: Vector, count: int, wanted: Mask | None
) -> tuple[Places, float]:
    """Return the lessons of the nearest rows, and the cosine that no other row exceeds."""
    columns, vectors = part.columns, part.vectors
    assert isinstance(vectors, _Coded)  # noqa: S101  # callers have asked
    rows_wanted = None if wanted is None else np.repeat(wanted, np.diff(columns.starts))
    most = len(columns.roles) if rows_wanted is None else int(rows_wanted.sum())
    if not most:
        return np.zeros(0, np.intp), -1.0
    rows, cosines = vectors.nearest(centred, min(count, most), rows_wanted)
    lessons = np.unique(np.searchsorted(columns.starts, rows, side="right") - 1)
    return lessons, float(cosines[-1]) if len(rows) < most else -1.0


def _spoken(part: Part, alive: Mask) -> NDArray[np.str_]:
    return part.columns.tongues[np.unique(part.columns.languages[alive])]


def _unit(vectors: Vector) -> Vector:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vector = vectors / np.maximum(norms, 1e-9)
    return unit
