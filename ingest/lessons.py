"""Which passages of a report another programme can learn from.

Every sentence is judged, by the learned head (:mod:`ingest.classifier`) or, where none can be
loaded, by the rules of ``corpus/cues.toml``. A lesson is a run of whole sentences around one that
passes the threshold, reaching back as far as a reader needs to understand it; what cannot be
understood on its own is not a lesson. Knows no themes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ingest.classifier import Embed, Features, Floats, Head, features, logits, pairs
from ingest.reading import ENOUGH, SETTING, Reading, Sentence, read_blocks
from ingest.types import Block, Candidate, Role
from kb.domain import Evidence, Kind, part_of
from kb.taxonomy import Cue, Cues, Section, SectionRole

MAX_SENTENCES = 3
"""A longer quote is cut: nine of ten lessons in our own readings of reports take three or fewer."""
_MIN_CHARS = 25
_SHOWN_CUES = 3
_ONE_POINT = 2
_FEW_SENTENCES = 40
_ENOUGH_TOGETHER = 6
"""So many, where none of the sentences stands alone."""
_CONTINUED = 0.3
"""A sentence so little below the head's threshold may still go on with a lesson."""
_FAR_STRONGER = 1.0
_KINDS = {
    Kind.SUCCESS: "suksessfaktor",
    Kind.WARNING: "fallgruve",
    Kind.RECOMMENDATION: "anbefaling",
    Kind.CHALLENGE: "utfordring",
}
_ENOUGH_FOR_A_POINT = 2
"""In a list, and under a heading that promises lessons, a few words are a point."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A head, and the encoder whose vectors it was fitted to."""

    head: Head
    embed: Embed


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What is said of a run of sentences besides where it stands."""

    kind: Kind
    kind_reason: str
    confidence: float | None
    reason: str


def find_lessons(
    blocks: Sequence[Block], cues: Cues, language: str, learned: Learned | None = None
) -> tuple[Candidate, ...]:
    """Return the passages that may be lessons, in reading order.

    Headings, captions, footnotes and lead-in lines (ending in a colon) are never lessons, nor is
    what needs a sentence that its block does not have («Dette ble vurdert som positivt.»). The
    evidence has no report yet (``report_id`` is empty: the caller knows it), the phase is set with
    the themes. Works in ``nb``, ``nn`` and ``en``. Without ``learned`` the rules decide; then no
    candidate has a confidence. ``learned.embed`` is called once, with every sentence.
    """
    readings = read_blocks(blocks, cues, language)
    if learned is None:
        return _by_rules(readings, cues, language)
    return by_head(readings, features(readings, cues, learned.embed), learned.head, language)


def by_head(
    readings: Sequence[Reading], known: Features, head: Head, language: str
) -> tuple[Candidate, ...]:
    """Return what the learned head finds in ``readings``, whose features are ``known``."""
    if not len(known.rows):
        return ()
    inputs = head.scale.inputs(known, language)
    judged = _judged(readings, inputs, head)
    found = []
    for number, whole in _found(judged, head.threshold, head.threshold - _CONTINUED):
        run = _pruned(whole, head.threshold)
        rows = np.flatnonzero(known.block == number)
        first = judged[number].sentences.index(run[0])
        row = inputs[rows[first : first + len(run)]]
        judgement = _learned(head, row, readings[number].section, run)
        found.append(_candidate(readings[number].block, run, language, judgement))
    return tuple(found)


def _by_rules(readings: Sequence[Reading], cues: Cues, language: str) -> tuple[Candidate, ...]:
    threshold = _threshold(readings, cues)
    return tuple(
        _candidate(readings[number].block, run, language, _ruled(readings[number].section, run))
        for number, run in _found(readings, threshold, min(cues.joined, threshold))
    )


def _threshold(readings: Sequence[Reading], cues: Cues) -> float:
    """Return the score of the rules from which a sentence carries a lesson in this report.

    With one threshold for all, the reports told as stories gave .75 and .79 of their lessons and
    the analytical ones .93; in a handful of sentences a share means nothing.
    """
    scores = sorted(
        (
            sentence.score
            for one in readings
            if one.block.role is not Role.TABLE_ROW
            and not (one.section and one.section.role in SETTING)
            for sentence in one.sentences
        ),
        reverse=True,
    )
    if len(scores) < _FEW_SENTENCES:
        return cues.threshold
    passing = scores[int(cues.least_share * len(scores))]
    return max(min(cues.threshold, passing), cues.floor)


def _judged(readings: Sequence[Reading], inputs: Floats, head: Head) -> list[Reading]:
    """Return the readings as the head sees each sentence, by itself and after the one before."""
    rows = range(1, len(inputs))
    parting = logits(pairs(head, inputs, [row - 1 for row in rows], rows), head.parting)
    told = zip(logits(inputs, head.lesson), [-1.0, *parting], strict=True)
    return [
        replace(
            one,
            sentences=tuple(
                replace(sentence, score=round(float(score), 4), begins_anew=bool(parted > 0))
                for sentence, (score, parted) in zip(one.sentences, told, strict=False)
            ),
        )
        for one in readings
    ]


# ---- from scores to runs of sentences


def _found(
    readings: Sequence[Reading], threshold: float, joined: float
) -> Iterator[tuple[int, list[Sentence]]]:
    """Yield the runs of sentences that are lessons, each with the number of its reading."""
    for number, one in enumerate(readings):
        for run in _runs(one, threshold, joined):
            if _is_understood(one, run):
                yield number, run


def _runs(reading: Reading, threshold: float, joined: float) -> Iterator[list[Sentence]]:
    """Yield runs of neighbouring sentences, each around at least one that carries a lesson."""
    run: list[Sentence] = []
    left_out: list[Sentence] = []
    for sentence in reading.sentences:
        if sentence.text.endswith(":") or sentence.score < joined:
            yield from _trimmed(run, threshold)
            left_out = [sentence] if run else [*left_out, sentence]
            run = []
            continue
        splits = _is_another(reading, run, sentence, threshold)
        if splits or len(run) == MAX_SENTENCES:
            cut = len(run) if splits else _cut(run, sentence)
            yield from _trimmed(run[:cut], threshold)
            run = run[cut:]
        if not run and sentence.leans:
            run += _context(left_out)
        run.append(sentence)
        left_out = []
    yield from _trimmed(run, threshold)


def _cut(run: Sequence[Sentence], following: Sentence) -> int:
    """Return where a full run ends: a sentence that leans takes along what it leans on."""
    if not following.leans:
        return len(run)
    return max((at for at, one in enumerate(run) if at and not one.leans), default=len(run))


def _context(left_out: Sequence[Sentence]) -> list[Sentence]:
    """Return what explains the sentence after ``left_out``.

    Back to one that does not lean itself; out of reach, the nearest has to do.
    """
    taken: list[Sentence] = []
    for sentence in reversed(left_out[-(MAX_SENTENCES - 1) :]):
        if sentence.text.endswith(":"):
            break
        taken.insert(0, sentence)
        if not sentence.leans:
            return taken
    return taken[-1:]


def _is_another(
    reading: Reading, run: Sequence[Sentence], sentence: Sentence, threshold: float
) -> bool:
    """Return whether ``sentence`` after ``run`` is a lesson of its own.

    It has to be strong, and clear without what stands before it. The head has judged the rest; for
    the rules nothing may tie it on, and a bullet of two sentences is one point and its grounds: 22
    of 30 such pairs in twelve reports were one lesson, against 11 of 22 pairs in running text.
    """
    if not run or sentence.score < threshold:
        return False
    if sentence.begins_anew is not None:
        return sentence.begins_anew and sentence.stands_alone
    if reading.block.role is Role.BULLET and len(reading.sentences) <= _ONE_POINT:
        return False
    if sentence.leans:
        return False
    return _turns(run, sentence) or not any(before.stems & sentence.stems for before in run)


def _turns(run: Sequence[Sentence], sentence: Sentence) -> bool:
    """Return whether praise turns into what should be done otherwise, or the other way round."""
    kinds = {_most_voted(run), _most_voted([sentence])}
    return Kind.SUCCESS in kinds and not kinds.isdisjoint({Kind.WARNING, Kind.RECOMMENDATION})


def _most_voted(sentences: Sequence[Sentence]) -> Kind | None:
    votes = _votes(sentences)
    return max(votes, key=lambda kind: votes[kind]) if votes else None


def _votes(sentences: Sequence[Sentence]) -> Counter[Kind]:
    votes: Counter[Kind] = Counter()
    for cue in {cue.id: cue for sentence in sentences for cue, _ in sentence.cues}.values():
        votes.update(cue.kinds)
    return votes


def _trimmed(run: Sequence[Sentence], threshold: float) -> Iterator[list[Sentence]]:
    """Yield ``run`` without the weak ends that nothing ties to it; nothing if it is all weak."""
    kept = list(run)
    while kept and kept[-1].score < threshold and not kept[-1].links_back:
        kept.pop()
    while kept and kept[0].score < threshold and not (kept[1:] and kept[1].leans):
        kept.pop(0)
    if len(kept) > 1 and kept[0].is_heading and not kept[1].leans:
        kept.pop(0)
    is_long_enough = kept and kept[-1].end - kept[0].start >= _MIN_CHARS
    if is_long_enough and max(sentence.score for sentence in kept) >= threshold:
        yield kept


def _pruned(run: Sequence[Sentence], threshold: float) -> Sequence[Sentence]:
    """Return ``run`` without ends that barely pass beside a far stronger sentence.

    Ends that something ties on stay, and so does all that a reader needs to understand the rest.
    """
    kept = list(run)
    least = min(threshold + _CONTINUED, max(one.score for one in run) - _FAR_STRONGER)
    while kept[-1].score < least and not kept[-1].links_back:
        kept.pop()
    while kept[0].score < least and not kept[1].leans:
        kept.pop(0)
    return kept if any(one.stands_alone for one in kept) else run


def _is_understood(reading: Reading, run: Sequence[Sentence]) -> bool:
    """Return whether ``run`` tells something to a reader who has nothing else before them."""
    if len(run) == 1 and run[0].is_heading:
        return False
    if any(sentence.stands_alone for sentence in run):
        return True
    is_point = reading.block.role is Role.BULLET or bool(reading.block.lead_in)
    if reading.section and reading.section.role is SectionRole.LESSON:
        is_point = True
    substance = sum(sentence.substance for sentence in run)
    enough = _ENOUGH_FOR_A_POINT if is_point else _ENOUGH_TOGETHER
    return substance >= enough and not run[0].points_back


# ---- from runs to candidates


def _candidate(
    block: Block, run: Sequence[Sentence], language: str, judgement: _Judgement
) -> Candidate:
    start, end = run[0].start, run[-1].end
    return Candidate(
        statement=max(run, key=_says_it_best).text,
        evidence=Evidence(
            report_id="",
            section=block.section,
            spans=part_of(block.spans, start, end),
            quote=block.text[start:end],
            lead_in=block.lead_in,
        ),
        kind=judgement.kind,
        phase=None,
        language=language,
        score=round(max(sentence.score for sentence in run), 2),
        confidence=judgement.confidence,
        reason=judgement.reason,
        kind_reason=judgement.kind_reason,
    )


def _says_it_best(sentence: Sentence) -> tuple[bool, int, float]:
    """Order by what can stand alone: not «Dette førte til …», not «Reis ut.»; then by the score."""
    clarity = min(sentence.substance, ENOUGH) + (0 if sentence.points_back else ENOUGH // 2)
    return (sentence.stands_alone, clarity, sentence.score)


def _ruled(section: Section | None, run: Sequence[Sentence]) -> _Judgement:
    """Return the kind most votes are for; a tie, and silence, goes to the first of ``Kind``."""
    votes = _votes(run)
    if section:
        votes.update(section.kinds)
    best = max(run, key=_says_it_best)
    speaking = sorted(
        (hit for hit in best.cues if hit[0].weight > 0), key=lambda hit: -hit[0].weight
    )
    kind = max(Kind, key=lambda kind: votes[kind])
    return _Judgement(
        kind=kind,
        kind_reason=_kind_reason(kind, section, run) or "ingen kjent vending forteller typen",
        confidence=None,
        reason=_reason(section, speaking) or "står blant setninger som forteller en lærdom",
    )


def _reason(section: Section | None, speaking: Sequence[tuple[Cue, str]]) -> str:
    """Return the section and the strongest cues in words, for the person who reviews."""
    parts = [f"{cue.label} («{words}»)" for cue, words in speaking[:_SHOWN_CUES]]
    if section and section.prior > 0:
        parts.insert(0, f"står i {section.label}")
    return "; ".join(parts)


def _kind_reason(kind: Kind, section: Section | None, run: Sequence[Sentence]) -> str:
    """Return in words what votes for ``kind``: the section, and the strongest cues of the run."""
    hits = {cue.id: (cue, words) for one in run for cue, words in one.cues}
    voting = sorted(
        (hit for hit in hits.values() if hit[0].kinds.get(kind, 0) > 0),
        key=lambda hit: -hit[0].kinds[kind],
    )
    parts = [f"{cue.label} («{words}»)" for cue, words in voting[:_SHOWN_CUES]]
    if section and section.kinds.get(kind, 0) > 0:
        parts.insert(0, f"står i {section.label}")
    return "; ".join(parts)


def _learned(
    head: Head, inputs: Floats, section: Section | None, run: Sequence[Sentence]
) -> _Judgement:
    """Return what the head says of a run, and what spoke for the sentence that decided."""
    at = max(range(len(run)), key=lambda position: run[position].score)
    names = head.scale.names
    speaks = dict(zip(names, inputs[at, : len(names)] * head.lesson[: len(names)], strict=True))
    speaking = [hit for hit in run[at].cues if hit[0].weight > 0 and speaks[f"cue {hit[0].id}"] > 0]
    speaking.sort(key=lambda hit: -speaks[f"cue {hit[0].id}"])
    reason = _reason(None, speaking)
    if not reason:
        like = head.nearest(inputs[at, len(names) :])
        reason = "ingen kjent vending; språkmodellen mener at setningen er en lærdom"
        if like:
            reason += f", nærmest av eksemplene er «{like.text}»"
    told = inputs.mean(axis=0)
    kind, other = sorted(Kind, key=lambda kind: -float(logits(told, head.kinds[kind])))[:2]
    return _Judgement(
        kind=kind,
        kind_reason=_kind_reason(kind, section, run)
        or f"ingen kjent vending; språkmodellen mener {_KINDS[kind]}, dernest {_KINDS[other]}",
        confidence=head.confidence(run[at].score),
        reason=reason,
    )
