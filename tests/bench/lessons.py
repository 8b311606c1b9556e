"""How well lessons are found in marked reports: ``python -m tests.bench.lessons FOLDER…``.

Each folder holds ``<slug>.pdf`` and ``expected.toml``: the lessons a careful reader marked, with
every place that tells them, and passages that look like lessons but are none. The reports under
``tests/unseen`` were written and marked by others, without knowledge of the program; nothing is
trained or tuned on them.

A marked quote is found when half of the shorter of the two texts recurs in the other (letters and
digits, runs of eight). Precision counts proposals that find a lesson, apart from those that only
find an optional one; leakage the marked non-lessons of which half stands in a proposal.
"""

import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from kb.config import Config
from kb.domain import Lesson
from kb.embed import Encoder, open_encoder
from kb.store import Store
from kb.text import key

_RUN = 8
_ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one report; they add up over reports."""

    found: int
    lessons: int
    right: int
    proposals: int
    leaked: int
    non_lessons: int
    joined_right: int
    joined: int
    same: int
    kind_right: int
    theme_right: int

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, n) + getattr(other, n) for n in Score.__slots__))

    @property
    def recall(self) -> float:
        return self.found / max(1, self.lessons)

    @property
    def precision(self) -> float:
        return self.right / max(1, self.proposals)

    @property
    def leakage(self) -> float:
        return self.leaked / max(1, self.non_lessons)

    def row(self) -> str:
        joined = f"{self.joined_right}/{self.joined} of {self.same}"
        return (
            f"R {self.recall:.2f}  P {self.precision:.2f}  leak {self.leakage:.2f}  "
            f"pairs {joined:12} kind {self.kind_right / max(1, self.found):.2f}  "
            f"theme {self.theme_right / max(1, self.found):.2f}  n {self.lessons}/{self.proposals}"
        )


@dataclass(frozen=True, slots=True)
class _Text:
    letters: str
    runs: frozenset[str]


def _text(words: str) -> _Text:
    letters = key(words)
    runs = frozenset(letters[i : i + _RUN] for i in range(max(1, len(letters) - _RUN + 1)))
    return _Text(letters, runs)


def _covered(text: _Text, other: _Text) -> float:
    """Return the share of ``text`` that recurs in ``other``."""
    marks = bytearray(len(text.letters))
    for i in range(max(1, len(text.letters) - _RUN + 1)):
        if text.letters[i : i + _RUN] in other.runs:
            marks[i : i + _RUN] = b"\1" * len(marks[i : i + _RUN])
    return sum(marks) / max(1, len(marks))


def _overlap(one: _Text, other: _Text) -> float:
    shorter, longer = sorted((one, other), key=lambda text: len(text.letters))
    return _covered(shorter, longer)


def score(proposals: Sequence[Lesson], expected: dict[str, Any]) -> Score:
    """Compare the proposals of one report with what a reader marked."""
    own = [[_text(e.quote) for e in lesson.evidence] for lesson in proposals]
    marked = [(one, _text(quote)) for one in expected["lesson"] for quote in one["quotes"]]
    hits = [{i for i, texts in enumerate(own) if _finds(texts, quote)} for _, quote in marked]
    needed = [not one.get("optional", False) for one, _ in marked]
    right = set().union(*(hit for hit, must in zip(hits, needed, strict=True) if must))
    spare = set().union(*(hit for hit, must in zip(hits, needed, strict=True) if not must)) - right
    best = _best(own, marked, hits)
    pairs = [
        (marked[a][0]["id"] == marked[b][0]["id"], bool(hits[a] & hits[b]))
        for a, b in combinations(range(len(marked)), 2)
        if hits[a] and hits[b]
    ]
    leaked = [
        any(_covered(_text(one["text"]), text) >= _ENOUGH for texts in own for text in texts)
        for one in expected["not_lesson"]
    ]
    by_id = {one["id"]: one for one in expected["lesson"] if not one.get("optional", False)}
    return Score(
        found=sum(one in best for one in by_id),
        lessons=len(by_id),
        right=len(right),
        proposals=len(proposals) - len(spare),
        leaked=sum(leaked),
        non_lessons=len(leaked),
        joined_right=sum(same and joined for same, joined in pairs),
        joined=sum(joined for _, joined in pairs),
        same=sum(same for same, _ in pairs),
        kind_right=sum(
            proposals[best[i]].kind == one["kind"] for i, one in by_id.items() if i in best
        ),
        theme_right=sum(
            bool(proposals[best[i]].tags) and proposals[best[i]].tags[0].theme in one["themes"]
            for i, one in by_id.items()
            if i in best
        ),
    )


def _finds(texts: Iterable[_Text], quote: _Text) -> bool:
    return any(_overlap(text, quote) >= _ENOUGH for text in texts)


def _best(
    own: Sequence[Sequence[_Text]],
    marked: Sequence[tuple[dict[str, Any], _Text]],
    hits: Sequence[set[int]],
) -> dict[str, int]:
    """Return for each found lesson (by id) the proposal that finds it best."""
    found: dict[str, tuple[float, int]] = {}
    for (one, quote), hit in zip(marked, hits, strict=True):
        for i in hit:
            much = max(_overlap(text, quote) for text in own[i])
            found[one["id"]] = max(found.get(one["id"], (0.0, 0)), (much, i))
    return {id_: i for id_, (_, i) in found.items()}


def scores(folders: Sequence[Path], encoder: Encoder) -> Iterator[tuple[str, Score]]:
    """Ingest each report into a store of its own and score it."""
    from ingest import Ingestor

    for folder in folders:
        with tempfile.TemporaryDirectory() as home, Store.open(Path(home)) as store:
            config = Config.load({"KB_HOME": home})
            Ingestor(encoder, config).add(store, folder / f"{folder.name}.pdf", publish=False)
            proposals = list(store.lessons(store.lesson_ids()).values())
        expected = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))
        yield folder.name, score(proposals, expected)


def main() -> None:
    """Print one row per report and one for all."""
    config = Config.load()
    total = None
    for name, one in scores(
        [Path(p) for p in sys.argv[1:]], open_encoder(config.model, config.home)
    ):
        print(f"{name:16} {one.row()}", flush=True)
        total = one if total is None else total + one
    if total is not None:
        print(f"{'all':16} {total.row()}")


if __name__ == "__main__":
    main()
