"""Fits the head that finds lessons: examples in, a head with its figures out (`kb train`).

Every figure is of passages that the head at work had not seen: each style is judged by a head
fitted to all the others. ``python -m ingest.train`` rewrites the shipped head.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.classifier import (
    Embed,
    Exemplar,
    Features,
    Floats,
    Head,
    Labelled,
    feature_names,
    features,
    fit_head,
    fit_parting,
    logistic,
    logits,
    never_parted,
    pairs,
)
from ingest.lessons import by_head
from ingest.marked import Example, shipped_examples
from ingest.reading import Reading, read_blocks
from ingest.types import Block, Candidate
from kb.domain import Kind, Span
from kb.taxonomy import Cues

HEAD_FILE = "head.json"

_WANTED_RECALL = 0.975
"""Of the passages with a lesson, on average over styles: a missed lesson is gone, a wrong proposal
costs a reader seconds. Some are lost later, as not understood alone."""
_WRONGLY_PARTED = 0.35
"""Of the neighbouring sentences that tell one lesson; about as many as the rules part. A lesson in
two proposals costs a reader a click, one hidden in another's quote is not found as what it is."""
_REACH = 3
_FEWEST = 10
"""With fewer labelled passages of a sort, a style has no share of its own in the threshold."""
_LARGE = 60
"""Passages. The smallest sample report has 69."""
_SMALL_FOLDS = 5
_TOLERANCE = 0.01
"""Fitting to a few more examples moves the share of right decisions by so much either way."""
_EXEMPLARS = 96
_EXEMPLAR_CHARS = (50, 160)
_EXEMPLAR_SUBSTANCE = 6


@dataclass(frozen=True, slots=True, eq=False)
class _Style:
    """The examples of one style, read. ``is_known`` and ``kinds`` go by sentence."""

    name: str
    language: str
    examples: tuple[Example, ...]
    readings: tuple[Reading, ...]
    known: Features
    is_known: NDArray[np.bool_]
    kinds: tuple[Kind | None, ...]

    def labelled(self) -> Labelled:
        rows = np.flatnonzero(self.is_known)
        part = Features(self.known.rows[rows], self.known.vectors[rows], self.known.block[rows])
        return part, self.language, [self.kinds[row] for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How one style fared, judged by a head that had not seen it. Shares are 0 to 1.

    A passage is right when a lesson is proposed in it if, and only if, it holds one. ``auc`` is
    the chance that the best sentence of a passage with a lesson is judged higher than that of one
    without. ``leakage`` is the share of sentences outside lessons that stand in a quote,
    ``quote_precision`` the share of quotes that are half a lesson or more. ``parted`` is the share
    of neighbouring lessons, both found, that no quote holds together; ``torn`` the share of lessons
    found that several quotes share. None: nothing to count.
    """

    style: str
    language: str
    digest: str
    passages: int
    right: float
    recall: float | None
    precision: float | None
    auc: float | None
    sentence_auc: float | None
    quote_recall: float | None
    quote_precision: float | None
    leakage: float | None
    parted: float | None
    torn: float | None
    kind_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Shares of passages decided rightly by the old and the new head, neither having seen them."""

    old: float
    new: float
    passages: int

    @property
    def is_worse(self) -> bool:
        """Whether the new head had better not replace the old one."""
        return self.new < self.old - _TOLERANCE


def train(examples: Sequence[Example], cues: Cues, model_id: str, embed: Embed) -> Head:
    """Return a head fitted to ``examples``, with its figures; the same input gives the same head.

    ``embed`` is the encoder's ``embed_passages``, best :func:`remembered`: it is asked for the
    sentences of all examples.
    """
    styles = _read(examples, cues, embed)
    names = feature_names(cues)
    whole = fit_head(model_id, names, [one.labelled() for one in styles])
    folds = _folds(styles)
    trials = [
        _Trial(one, head)
        for fold in folds
        for rest in [[other.labelled() for other in styles if other not in fold]]
        for head in [fit_head(model_id, names, rest, whole)]
        for one in fold
    ]
    threshold = _threshold(trials)
    tried = []
    for fold in folds:
        parting = _parting(names, [one for one in trials if one.style not in fold])
        tried += [
            _Trial(one.style, replace(one.head, threshold=threshold, parting=parting))
            for one in trials
            if one.style in fold
        ]
    return replace(
        whole,
        parting=_parting(names, trials),
        threshold=threshold,
        calibration=_calibration(tried),
        exemplars=_exemplars(styles, whole),
        figures=_summary([one.figures() for one in tried]),
    )


def compare(
    old: Head, new: Head, examples: Sequence[Example], cues: Cues, embed: Embed
) -> Comparison:
    """Return how the two heads do on ``examples``, which ``new`` was fitted to.

    Both by what their own training measured without having seen a style; a style that ``old`` was
    not trained on is judged by ``old`` as it is.
    """
    measured = {one["digest"]: one["right"] for one in old.figures["styles"]}
    mine = {one["digest"]: one["right"] for one in new.figures["styles"]}
    styles = _read(examples, cues, embed)
    counts = np.array([len(_Trial(one, new).truth) for one in styles])
    earlier = [
        measured[digest] if (digest := _digest(one)) in measured else _Trial(one, old).right
        for one in styles
    ]
    later = [mine[_digest(one)] for one in styles]
    return Comparison(
        old=float(np.average(earlier, weights=counts)),
        new=float(np.average(later, weights=counts)),
        passages=int(counts.sum()),
    )


def remembered(embed: Embed, model_id: str, file: Path) -> Embed:
    """Return ``embed`` with a memory in ``file``, which may be deleted at any time.

    Vectors go by the hash of model and text, so neither can be taken for another.
    """
    known: dict[str, NDArray[np.float32]] = {}
    if file.exists():
        with np.load(file, allow_pickle=False) as stored:
            known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))

    def recall(texts: Sequence[str]) -> NDArray[np.float32]:
        keys = [hashlib.sha256(f"{model_id}\0{text}".encode()).hexdigest() for text in texts]
        lacking = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if lacking:
            known.update(zip(lacking, embed(list(lacking.values())), strict=True))
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(".part.npz")
            np.savez(part, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
            part.replace(file)
        return np.stack([known[key] for key in keys])

    return recall


def table(head: Head) -> str:
    """Return the figures of ``head`` as a Markdown table, one row for each style."""
    columns = (
        *("recall", "precision", "auc", "sentence_auc"),
        *("quote_recall", "quote_precision", "leakage", "parted", "torn", "kind_accuracy"),
    )
    rows = [
        f"| style | language | passages | {' | '.join(columns)} |",
        "|" + "---|" * (3 + len(columns)),
    ]
    means = [{"style": f"mean {name}", **one} for name, one in head.figures["means"].items()]
    for one in [*head.figures["styles"], *means]:
        told = ("–" if one.get(name) is None else f"{one[name]:.3f}" for name in columns)
        rows.append(
            f"| {one['style']} | {one['language']} | {one['passages']} | {' | '.join(told)} |"
        )
    return "\n".join(rows)


# ---- reading the examples


def _read(examples: Sequence[Example], cues: Cues, embed: Embed) -> list[_Style]:
    by_style: dict[tuple[str, str], list[Example]] = {}
    for one in examples:
        by_style.setdefault((one.style, one.language), []).append(one)
    return [
        _style(name, language, ones, cues, embed) for (name, language), ones in by_style.items()
    ]


def _style(
    name: str, language: str, examples: Sequence[Example], cues: Cues, embed: Embed
) -> _Style:
    blocks = [_block(one, number) for number, one in enumerate(examples, start=1)]
    readings = read_blocks(blocks, cues, language)
    # A label («Læringspunkt») is no passage to the reader; its example teaches nothing.
    kept = tuple(examples[one.block.spans[0].page - 1] for one in readings)
    labels = [
        example.label(sentence.start, sentence.end)
        for example, reading in zip(kept, readings, strict=True)
        for sentence in reading.sentences
    ]
    return _Style(
        name=name,
        language=language,
        examples=kept,
        readings=readings,
        known=features(readings, cues, embed),
        is_known=np.array([known for known, _ in labels], bool),
        kinds=tuple(kind for _, kind in labels),
    )


def _block(example: Example, number: int) -> Block:
    """Return the example as a block on a page of its own: a quote then tells where it is from."""
    return Block(
        role=example.role,
        level=0,
        text=example.text,
        spans=(Span(page=number, start=0, end=len(example.text)),),
        section=example.section,
        lead_in=example.lead_in,
    )


def _digest(style: _Style) -> str:
    """Return what tells whether figures are of these examples as they are read today."""
    told = repr(style.examples) + repr(np.round(style.known.rows, 3).tolist())
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def digests(examples: Sequence[Example], cues: Cues) -> dict[str, str]:
    """Return the digest of each style, by name; needs no encoder."""
    return {one.name: _digest(one) for one in _read(examples, cues, _no_vectors)}


def _no_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.zeros((len(texts), 1), np.float32)


def _folds(styles: Sequence[_Style]) -> list[list[_Style]]:
    """Return the styles in groups that are left out together.

    A house style alone; reports of which staff have decided little are dealt out to a few groups,
    so that a hundred of them do not take a hundred fits.
    """
    small = [one for one in styles if len(one.examples) < _LARGE]
    groups = [small[at::_SMALL_FOLDS] for at in range(min(_SMALL_FOLDS, len(small)))]
    return [*([one] for one in styles if len(one.examples) >= _LARGE), *groups]


# ---- measuring


class _Trial:
    """A head tried on a style it has not seen.

    ``best``, ``truth`` and ``proposed`` go by passage, of those in which something is known: the
    highest logit of its known sentences, whether it holds a lesson, whether one is proposed there.
    """

    def __init__(self, style: _Style, head: Head) -> None:
        self.style, self.head = style, head
        self.logits = logits(head.scale.inputs(style.known, style.language), head.lesson)
        self.labels = np.array([kind is not None for kind in style.kinds], bool)
        found = by_head(style.readings, style.known, head, style.language)
        self._quotes = [_located(one, style) for one in found]
        self._told = np.array(list(self._told_sentences()), bool)
        known, block = style.is_known, style.known.block
        counted = np.unique(block[known])
        self.best = np.array([self.logits[known & (block == one)].max() for one in counted])
        self.truth = np.array([self.labels[known & (block == one)].any() for one in counted])
        self.proposed = np.array([self._told[known & (block == one)].any() for one in counted])

    def _told_sentences(self) -> Iterator[bool]:
        """Yield for each sentence whether half of it stands in a quote."""
        for number, reading in enumerate(self.style.readings):
            spans = [(start, end) for at, start, end, _ in self._quotes if at == number]
            for one in reading.sentences:
                common = (min(one.end, end) - max(one.start, start) for start, end in spans)
                yield any(2 * shared >= one.end - one.start for shared in common)

    @property
    def right(self) -> float:
        """Share of passages decided rightly."""
        return float((self.truth == self.proposed).mean())

    def quotes(self) -> list[tuple[float, bool]]:
        """Return of each quote in a passage known whole its best logit, and whether it is right."""
        return [
            (one.score, any(_overlap(span, (start, end)) for span in self._lessons(at)))
            for at, start, end, one in self._quotes
            if self.style.examples[at].is_complete
        ]

    def _lessons(self, number: int) -> list[tuple[int, int]]:
        example = self.style.examples[number]
        starts = [example.text.find(one.quote) for one in example.lessons]
        return [(at, at + len(one.quote)) for at, one in zip(starts, example.lessons, strict=True)]

    def figures(self) -> Figures:
        known = self.style.is_known
        quotes, lessons = self.quotes(), list(self._found_lessons())
        return Figures(
            style=self.style.name,
            language=self.style.language,
            digest=_digest(self.style),
            passages=len(self.truth),
            right=self.right,
            recall=_share(self.proposed[self.truth]),
            precision=_share(self.truth[self.proposed]),
            auc=area_under_curve(self.best, self.truth),
            sentence_auc=area_under_curve(self.logits[known], self.labels[known]),
            quote_recall=_share([found is not None for found, _ in lessons]),
            quote_precision=_share([is_right for _, is_right in quotes]),
            leakage=_share(self._told[known & ~self.labels]),
            parted=_share(list(self._parted())),
            torn=_share(list(self._torn())),
            kind_accuracy=_share([found is kind for found, kind in lessons if found]),
        )

    def _found_lessons(self) -> Iterator[tuple[Kind | None, Kind]]:
        """Yield for each lesson the kind it was proposed as, None where it was not, and its own."""
        for number, example in enumerate(self.style.examples):
            mine = [quote for quote in self._quotes if quote[0] == number]
            for span, lesson in zip(self._lessons(number), example.lessons, strict=True):
                hits = [one for _, start, end, one in mine if _overlap(span, (start, end))]
                yield (hits[0].kind if hits else None), lesson.kind

    def _parted(self) -> Iterator[bool]:
        """Yield for neighbouring lessons, both found, whether no quote holds half of each."""
        for hits in self._hits():
            for one, other in pairwise(hits):
                if one and other:
                    yield not one & other

    def _torn(self) -> Iterator[bool]:
        """Yield for each lesson found whether several quotes share it."""
        return (len(one) > 1 for hits in self._hits() for one in hits if one)

    def _hits(self) -> Iterator[list[set[int]]]:
        """Yield for each passage the quotes that find each of its lessons, in reading order."""
        for number in range(len(self.style.examples)):
            yield [
                {
                    which
                    for which, (at, start, end, _) in enumerate(self._quotes)
                    if at == number and _overlap(span, (start, end))
                }
                for span in sorted(self._lessons(number))
            ]


def _located(candidate: Candidate, style: _Style) -> tuple[int, int, int, Candidate]:
    """Return the number of the passage, and start and end of the quote in it."""
    (span,) = candidate.evidence.spans
    pages = [one.block.spans[0].page for one in style.readings]
    return pages.index(span.page), span.start, span.end, candidate


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Return whether two stretches share half of the shorter one."""
    common = min(one[1], other[1]) - max(one[0], other[0])
    return 2 * common >= min(one[1] - one[0], other[1] - other[0])


def _share(flags: Sequence[bool] | NDArray[np.bool_]) -> float | None:
    return round(float(np.mean(flags)), 4) if len(flags) else None


def area_under_curve(scores: Floats, labels: NDArray[np.bool_]) -> float | None:
    """Return the chance that a labelled one scores higher than another; a tie is half a chance."""
    higher, lower = scores[labels], np.sort(scores[~labels])
    if not len(higher) or not len(lower):
        return None
    beaten = np.searchsorted(lower, higher, "left") + np.searchsorted(lower, higher, "right")
    return round(float(beaten.mean() / 2 / len(lower)), 4)


def _summary(figures: Sequence[Figures]) -> dict[str, Any]:
    """Return the figures of each style, and their means over all styles and over each language."""
    means = {"all": _mean(figures)} | {
        language: _mean([one for one in figures if one.language == language])
        for language in sorted({one.language for one in figures})
    }
    return {"styles": [_told(asdict(one)) for one in figures], "means": means}


def _mean(figures: Sequence[Figures]) -> dict[str, Any]:
    columns: dict[str, list[float]] = {}
    for one in figures:
        for name, value in asdict(one).items():
            if isinstance(value, float):
                columns.setdefault(name, []).append(value)
    told: dict[str, Any] = {name: float(np.mean(values)) for name, values in columns.items()}
    spoken = "/".join(sorted({one.language for one in figures}))
    return _told(told | {"language": spoken, "passages": sum(one.passages for one in figures)})


def _told(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in figures.items()
    }


# ---- what is set by the trials


def _parting(names: tuple[str, ...], trials: Sequence[_Trial]) -> Floats:
    """Return the weights that part neighbouring lessons.

    Learned from trials: logits of sentences that a head was fitted to are surer than those it will
    meet. Lessons of neighbouring passages stand in for the few that are told side by side.
    """
    rows: list[Floats] = []
    is_parted: list[bool] = []
    for trial in trials:
        inputs = trial.head.scale.inputs(trial.style.known, trial.style.language)
        told = list(_neighbours(trial.style))
        if told:
            first, second, parted = zip(*told, strict=True)
            rows.append(pairs(trial.head, inputs, first, second))
            is_parted += parted
    if not rows:
        return never_parted(names)
    return fit_parting(names, np.vstack(rows), np.array(is_parted), _WRONGLY_PARTED)


def _neighbours(style: _Style) -> Iterator[tuple[int, int, bool]]:
    """Yield pairs of sentences (rows) that each tell a lesson, and whether they tell two.

    Neighbours within a passage, and the last and the first of two passages that stand together.
    """
    told = _told_by_passage(style)
    for number, here in enumerate(told):
        for (row, lesson), (following, other) in pairwise(here):
            if following == row + 1:
                yield row, following, lesson != other
        for beyond in range(number + 1, min(number + 1 + _REACH, len(told))):
            blocks = style.readings[number].block, style.readings[beyond].block
            if here and told[beyond] and blocks[0].section == blocks[1].section:
                yield here[-1][0], told[beyond][0][0], True


def _told_by_passage(style: _Style) -> list[list[tuple[int, int]]]:
    """Return for each passage the rows of its sentences that tell a lesson, with its number."""
    rows = iter(range(len(style.kinds)))
    return [
        [
            (row, lesson)
            for one, row in zip(reading.sentences, rows, strict=False)
            if (lesson := example.lesson_at(one.start, one.end)) is not None
        ]
        for example, reading in zip(style.examples, style.readings, strict=True)
    ]


def _threshold(trials: Sequence[_Trial]) -> float:
    """Return the logit that finds the wanted share of passages with lessons, a style as a whole."""
    lessons = [one.best[one.truth] for one in trials if one.truth.sum() >= _FEWEST]
    if not lessons:
        return 0.0
    tried = np.round(np.arange(-3, 3, 0.05), 2)
    recalls = [np.mean([(best >= logit).mean() for best in lessons]) for logit in tried]
    enough = [
        logit for logit, recall in zip(tried, recalls, strict=True) if recall >= _WANTED_RECALL
    ]
    return float(max(enough, default=tried[0]))


def _calibration(trials: Sequence[_Trial]) -> tuple[float, float]:
    quotes = [quote for one in trials for quote in one.quotes()]
    if not quotes:
        return 1.0, 0.0
    scores = np.array([[score] for score, _ in quotes])
    slope, intercept = logistic(scores, np.array([right for _, right in quotes]), np.ones(1))
    return float(slope), float(intercept)


def _exemplars(styles: Sequence[_Style], head: Head) -> tuple[Exemplar, ...]:
    """Return lessons that differ from each other as much as may be: each next is the farthest."""
    shortest, longest = _EXEMPLAR_CHARS
    texts: list[str] = []
    rows: list[Floats] = []
    for style in styles:
        centred = head.scale.centred(style.known.vectors, style.language)
        told = [sentence for reading in style.readings for sentence in reading.sentences]
        for sentence, kind, row in zip(told, style.kinds, centred, strict=True):
            is_clear = sentence.stands_alone and sentence.substance >= _EXEMPLAR_SUBSTANCE
            if kind and is_clear and shortest <= len(sentence.text) <= longest:
                texts.append(sentence.text)
                rows.append(row)
    if not rows:
        return ()
    vectors = np.stack(rows)
    chosen = [0]
    nearest = vectors @ vectors[0]
    while len(chosen) < min(_EXEMPLARS, len(rows)):
        chosen.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, vectors @ vectors[chosen[-1]])
    return tuple(Exemplar(texts[at], vectors[at]) for at in chosen)


def main() -> None:
    """Rewrite the shipped head and print its figures."""
    from kb.config import Config  # noqa: PLC0415  # only the program needs settings and an encoder
    from kb.embed import open_encoder  # noqa: PLC0415  # as above
    from kb.taxonomy import load_cues  # noqa: PLC0415  # as above

    config = Config.load()
    encoder = open_encoder(config.model, config.home)
    file = config.home / "training" / f"{encoder.model_id}.npz"
    embed = remembered(encoder.embed_passages, encoder.model_id, file)
    head = train(
        shipped_examples(config.corpus),
        load_cues(config.corpus / "cues.toml"),
        encoder.model_id,
        embed,
    )
    (config.corpus / HEAD_FILE).write_text(head.as_json(), encoding="utf-8")
    print(table(head))  # noqa: T201  # a tool: its output is what it measured
    print(f"threshold {head.threshold}")  # noqa: T201  # as above


if __name__ == "__main__":
    main()
