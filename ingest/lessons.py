"""Which passages of a report another programme can learn from.

Every sentence gets a score: what its section promises, plus what its turns of phrase say. A lesson
is a run of whole sentences around one that passes the threshold, reaching back as far as a reader
needs to understand it; what cannot be understood on its own is not a lesson. All wordings and
weights stand in ``corpus/cues.toml``; here is only how they are put together. Knows no themes and
no vectors.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.types import Block, Candidate, Role
from kb.domain import Evidence, Kind, Span
from kb.taxonomy import Cue, Cues, Section, SectionRole, cue_text
from kb.text import content_words, sentence_spans

MAX_SENTENCES = 3
"""A longer quote is cut: nine of ten lessons in our own readings of reports take three or fewer."""
_MIN_CHARS = 25
_STEM = 6
_BRIEF, _AMPLE = 50, 150
_SHOWN_CUES = 3
_ONE_POINT = 2
_LABEL_CHARS = 60
_FEW_SENTENCES = 40
_TELLING = frozenset({Role.PARAGRAPH, Role.BULLET, Role.TABLE_ROW})
_LINKS_BACK = re.compile(
    r"^(og |men |så )?("
    # «Det er viktig at …» points forward, «Det gjorde at …» points back
    r"(det|it)\b(?! (er|var|ble|blei|vart|blir|har (ikke |ikkje |også |òg )?(vært|vore|blitt)|"
    r"kan|kunne|bør|burde|må|måtte|tar|tek|tok|finnes|fins|finst|is|was|has been|can|should|"
    r"takes|took|would)\b)|"
    r"(dette|disse|desse|den|denne|de|dei|slike?|slikt|derfor|difor|dermed|da|då|spesielt|samtidig|"
    r"samstundes|likevel|ellers|elles|etter det|etterpå|så|der|her|han|ho|hun|this|these|that|"
    r"those|they|then|there|such|therefore|thus|still|yet|in particular|especially|otherwise|"
    r"after that)\b)"
)
_POINTS_FORWARD = re.compile(
    # «De som …» and «De største bedriftene …» say whom they mean, «Det lønner seg å …» says what
    r"^(og |men |så )?("
    r"(den|det|de|dei|those) (som|der|who|that|which)\b|"
    r"(den|det|de|dei) (to |tre |fire |fem |\d+ )?"
    r"(\w+(ste|[ie]ge|ale|ske|elle)|gode|nye|store|små) \w+(en|et|a|ene|ane)\b|"
    r"(de|dei) (fleste|færreste|ansatte|tilsette|små|store|minste|største)\b|"
    r"(det|it) (løn+[ea]r seg|spiller|gjelder|gjeld|trengs|kreve?s|krevst|vis(er|te|t) seg|"
    r"synte seg|pays|helps|matters|turned out|tends)\b|"
    r"(da|då) \w+(en|et|a|ene|ane) [^,.]{3,80}, (?!og\b|men\b|som\b|så\b|for\b)|"
    r"there (is|are|was|were)\b|så (lenge|snart)\b"
    r")"
)
_SAYS_LITTLE = frozenset(
    "en én ein éin ei ett eitt to tre fire fem seks sju syv åtte ni ti elleve tolv "
    "one two three four five six seven eight nine ten eleven twelve "
    "gjort gjorde ting".split()
)
_ENOUGH = 4
"""With fewer content words, numbers and the like apart, a sentence says too little alone."""
_ENOUGH_TOGETHER = 6
"""So many, where none of the sentences stands alone."""
_ENOUGH_FOR_A_POINT = 2
"""In a list, and under a heading that promises lessons, a few words are a point."""
_ANNOUNCING = "lead-in"
"""The id of the cue for sentences that only say that something follows."""
_COMMON_SHARE = 0.12
"""A stem in more than this share of a report's sentences ties no two of them together."""
_SETTING = frozenset({SectionRole.METHOD, SectionRole.BACKGROUND})


@dataclass(frozen=True, slots=True)
class _Reading:
    """What reading one report takes: the cues, its language, and the stems it uses all the time."""

    cues: Cues
    language: str
    common: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of a block with what was found in it; ``start`` and ``end`` are in the block."""

    start: int
    end: int
    text: str
    score: float
    cues: tuple[tuple[Cue, str], ...]
    stems: frozenset[str]
    substance: int

    @property
    def links_back(self) -> bool:
        return bool(_LINKS_BACK.match(cue_text(self.text)))

    @property
    def leans(self) -> bool:
        """Whether it goes with the sentence before it: it links back, or says little alone."""
        return self.links_back or self.substance < _ENOUGH

    @property
    def points_back(self) -> bool:
        """Whether it begins with a word that only the sentence before it explains."""
        return self.links_back and not _POINTS_FORWARD.match(cue_text(self.text))

    @property
    def stands_alone(self) -> bool:
        announces = any(cue.id == _ANNOUNCING for cue, _ in self.cues)
        return self.substance >= _ENOUGH and not self.points_back and not announces


@dataclass(frozen=True, slots=True)
class _Read:
    """A block with what its headings promise and what its sentences score."""

    block: Block
    section: Section | None
    sentences: tuple[_Sentence, ...]


def find_lessons(blocks: Sequence[Block], cues: Cues, language: str) -> tuple[Candidate, ...]:
    """Return the passages that may be lessons, in reading order.

    Headings, captions, footnotes and lead-in lines (ending in a colon) are never lessons, nor is
    what needs a sentence that its block does not have («Dette ble vurdert som positivt.»). The
    evidence has no report yet (``report_id`` is empty: the caller knows it), the phase is set with
    the themes. Works in ``nb``, ``nn`` and ``en``.
    """
    telling = _under_labels([block for block in blocks if block.role in _TELLING], cues)
    reading = _Reading(cues=cues, language=language, common=_common_stems(telling))
    read = [_read(block, reading) for block in telling]
    threshold = _threshold(read, cues)
    return tuple(
        _candidate(one.block, one.section, run, language)
        for one in read
        for run in _runs(one, threshold, min(cues.joined, threshold))
        if _is_understood(one, run)
    )


def _read(block: Block, reading: _Reading) -> _Read:
    section = _section_of(block, reading)
    sentences = _sentences(block, section, reading)
    return _Read(block=block, section=section, sentences=tuple(sentences))


def _threshold(read: Sequence[_Read], cues: Cues) -> float:
    """Return the score from which a sentence carries a lesson in this report.

    With one threshold for all, the reports told as stories gave .75 and .79 of their lessons and
    the analytical ones .93; in a handful of sentences a share means nothing.
    """
    scores = sorted(
        (
            sentence.score
            for one in read
            if one.block.role is not Role.TABLE_ROW
            and not (one.section and one.section.role in _SETTING)
            for sentence in one.sentences
        ),
        reverse=True,
    )
    if len(scores) < _FEW_SENTENCES:
        return cues.threshold
    passing = scores[int(cues.least_share * len(scores))]
    return max(min(cues.threshold, passing), cues.floor)


def _under_labels(blocks: Sequence[Block], cues: Cues) -> list[Block]:
    """Return the blocks without labels; what a label stands above has it as its lead-in.

    A label is a line of a few words that promises lessons: «Læringspunkt» at the top of a box holds
    for the paragraph below it, «Prosjekt Status Lærdom» at the top of a table for all its rows.
    """
    found: list[Block] = []
    label: Block | None = None
    for block in blocks:
        if block.role is not Role.BULLET and _is_label(block.text, cues):
            label = block
            continue
        if label and block.lead_in is None and block.role is label.role:
            found.append(replace(block, lead_in=label.text))
        else:
            found.append(block)
        if block.role is not Role.TABLE_ROW:
            label = None
    return found


def _is_label(text: str, cues: Cues) -> bool:
    if len(text) > _LABEL_CHARS or text.endswith((".", "!", "?")):
        return False
    folded = cue_text(text)
    return any(s.role is SectionRole.LESSON and s.matches(folded) for s in cues.sections)


def _substance(text: str) -> int:
    """Return how many words of ``text`` say what it is about."""
    told = {word for word in content_words(text) if not word[0].isdigit()}
    return len(told - _SAYS_LITTLE)


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in content_words(text))


def _common_stems(blocks: Sequence[Block]) -> frozenset[str]:
    sentences = [
        block.text[start:end] for block in blocks for start, end in sentence_spans(block.text)
    ]
    counts = Counter(stem for sentence in sentences for stem in _stems(sentence))
    return frozenset(
        stem for stem, n in counts.items() if n > max(2, _COMMON_SHARE * len(sentences))
    )


def _section_of(block: Block, reading: _Reading) -> Section | None:
    """Return what the headings above ``block`` promise, None where they tell nothing.

    A heading that promises lessons holds for everything below it, and so does a lead-in that does.
    Method and background are believed only from the innermost heading that tells anything; an
    assessing chapter outweighs the neutral names of its parts («5.2 Måloppnåelse»).
    """
    sections = reading.cues.sections
    told = [
        next((section for section in sections if section.matches(cue_text(heading))), None)
        for heading in block.section
    ]
    known = [section for section in told if section]
    promised = [section for section in known if section.role is SectionRole.LESSON]
    if block.lead_in and not _governing(block, reading):
        lead_in = cue_text(block.lead_in)
        promised += [s for s in sections if s.role is SectionRole.LESSON and s.matches(lead_in)]
    if promised:
        return promised[-1]
    if not known or known[-1].role in _SETTING:
        return known[-1] if known else None
    return next((s for s in known if s.role is SectionRole.ASSESS), known[-1])


def _governing(block: Block, reading: _Reading) -> list[Cue]:
    """Return the cues in the lead-in that hold for its whole list.

    «Styringsgruppa anbefalte følgende:» makes every bullet history.
    """
    lead_in = cue_text(block.lead_in or "").rstrip(" :")
    return [
        cue
        for cue in reading.cues.cues
        if cue.governs_list and cue.found_in(lead_in, reading.language)
    ]


def _sentences(block: Block, section: Section | None, reading: _Reading) -> list[_Sentence]:
    spans = sentence_spans(block.text)
    base = _base(block, section, reading)
    return [
        _sentence(block.text, span, reading, base + _opening(block, position, len(spans), reading))
        for position, span in enumerate(spans)
    ]


def _sentence(text: str, span: tuple[int, int], reading: _Reading, base: float) -> _Sentence:
    start, end = span
    folded = cue_text(text[start:end])
    hits = tuple(
        (cue, words)
        for cue in reading.cues.cues
        if (words := cue.found_in(folded, reading.language))
    )
    place = reading.cues.place
    length = place.brief * (end - start < _BRIEF) + place.ample * (end - start > _AMPLE)
    return _Sentence(
        start=start,
        end=end,
        text=text[start:end],
        score=base + length + sum(cue.weight for cue, _ in hits),
        cues=hits,
        stems=_stems(text[start:end]) - reading.common,
        substance=_substance(text[start:end]),
    )


def _opening(block: Block, position: int, count: int, reading: _Reading) -> float:
    is_opening = position == 0 and count > 1 and block.role is Role.PARAGRAPH
    return reading.cues.place.opening if is_opening else 0.0


def _base(block: Block, section: Section | None, reading: _Reading) -> float:
    """Return what every sentence of the block starts with: its section, role and lead-in."""
    base = sum(cue.weight for cue in _governing(block, reading))
    if section:
        is_point = block.role is Role.BULLET or block.lead_in
        base += section.prior + (section.bullet if is_point else 0.0)
    if block.role is Role.TABLE_ROW:
        base += reading.cues.place.table_row
    return base


def _runs(read: _Read, threshold: float, joined: float) -> Iterator[list[_Sentence]]:
    """Yield runs of neighbouring sentences, each around at least one that carries a lesson.

    A bullet of two sentences is one point and its grounds: 22 of 30 such pairs in twelve reports
    were one lesson, against 11 of 22 pairs in running text.
    """
    is_one_point = read.block.role is Role.BULLET and len(read.sentences) <= _ONE_POINT
    run: list[_Sentence] = []
    left_out: list[_Sentence] = []
    for sentence in read.sentences:
        if sentence.text.endswith(":") or sentence.score < joined:
            yield from _trimmed(run, threshold)
            left_out = [sentence] if run else [*left_out, sentence]
            run = []
            continue
        splits = not is_one_point and _changes_subject(run, sentence, threshold)
        if splits or len(run) == MAX_SENTENCES:
            cut = len(run) if splits else _cut(run, sentence)
            yield from _trimmed(run[:cut], threshold)
            run = run[cut:]
        if not run and sentence.leans:
            run += _context(left_out)
        run.append(sentence)
        left_out = []
    yield from _trimmed(run, threshold)


def _cut(run: Sequence[_Sentence], following: _Sentence) -> int:
    """Return where a full run ends: a sentence that leans takes along what it leans on."""
    if not following.leans:
        return len(run)
    return max((at for at, one in enumerate(run) if at and not one.leans), default=len(run))


def _context(left_out: Sequence[_Sentence]) -> list[_Sentence]:
    """Return what explains the sentence after ``left_out``.

    Back to one that does not lean itself; out of reach, the nearest has to do.
    """
    taken: list[_Sentence] = []
    for sentence in reversed(left_out[-(MAX_SENTENCES - 1) :]):
        if sentence.text.endswith(":"):
            break
        taken.insert(0, sentence)
        if not sentence.leans:
            return taken
    return taken[-1:]


def _changes_subject(run: Sequence[_Sentence], sentence: _Sentence, threshold: float) -> bool:
    """Return whether ``sentence`` is a lesson of its own: strong, and nothing ties it on."""
    if not run or sentence.leans or sentence.score < threshold:
        return False
    if _turns(run, sentence):
        return True
    return not any(before.stems & sentence.stems for before in run)


def _turns(run: Sequence[_Sentence], sentence: _Sentence) -> bool:
    """Return whether praise turns into what should be done otherwise, or the other way round."""
    kinds = {_most_voted(run), _most_voted([sentence])}
    return Kind.SUCCESS in kinds and not kinds.isdisjoint({Kind.WARNING, Kind.RECOMMENDATION})


def _most_voted(sentences: Sequence[_Sentence]) -> Kind | None:
    votes = _votes(sentences)
    return max(votes, key=lambda kind: votes[kind]) if votes else None


def _votes(sentences: Sequence[_Sentence]) -> Counter[Kind]:
    votes: Counter[Kind] = Counter()
    for cue in {cue.id: cue for sentence in sentences for cue, _ in sentence.cues}.values():
        votes.update(cue.kinds)
    return votes


def _trimmed(run: Sequence[_Sentence], threshold: float) -> Iterator[list[_Sentence]]:
    """Yield ``run`` without the weak ends that nothing ties to it; nothing if it is all weak."""
    kept = list(run)
    while kept and kept[-1].score < threshold and not kept[-1].links_back:
        kept.pop()
    while kept and kept[0].score < threshold and not (kept[1:] and kept[1].leans):
        kept.pop(0)
    is_long_enough = kept and kept[-1].end - kept[0].start >= _MIN_CHARS
    if is_long_enough and max(sentence.score for sentence in kept) >= threshold:
        yield kept


def _is_understood(read: _Read, run: Sequence[_Sentence]) -> bool:
    """Return whether ``run`` tells something to a reader who has nothing else before them."""
    if any(sentence.stands_alone for sentence in run):
        return True
    is_point = read.block.role is Role.BULLET or bool(read.block.lead_in)
    if read.section and read.section.role is SectionRole.LESSON:
        is_point = True
    substance = sum(sentence.substance for sentence in run)
    enough = _ENOUGH_FOR_A_POINT if is_point else _ENOUGH_TOGETHER
    return substance >= enough and not run[0].points_back


def _candidate(
    block: Block, section: Section | None, run: Sequence[_Sentence], language: str
) -> Candidate:
    start, end = run[0].start, run[-1].end
    spans = _part(block.spans, start, end)
    best = max(run, key=_says_it_best)
    return Candidate(
        statement=best.text,
        evidence=Evidence(
            report_id="",
            section=block.section,
            spans=spans,
            quote=block.text[start:end],
            lead_in=block.lead_in,
        ),
        kind=_kind(section, run),
        phase=None,
        language=language,
        score=round(max(sentence.score for sentence in run), 2),
        reason=_reason(section, best),
    )


def _part(spans: Sequence[Span], start: int, end: int) -> tuple[Span, ...]:
    """Return where ``block.text[start:end]`` stands: the block's spans joined by one blank."""
    part = []
    offset = 0
    for span in spans:
        length = span.end - span.start
        first, last = max(start - offset, 0), min(end - offset, length)
        if first < last:
            part.append(Span(page=span.page, start=span.start + first, end=span.start + last))
        offset += length + 1
    return tuple(part)


def _says_it_best(sentence: _Sentence) -> tuple[bool, int, float]:
    """Order by what can stand alone: not «Dette førte til …», not «Reis ut.»; then by the score."""
    clarity = min(sentence.substance, _ENOUGH) + (0 if sentence.points_back else _ENOUGH // 2)
    return (sentence.stands_alone, clarity, sentence.score)


def _kind(section: Section | None, run: Sequence[_Sentence]) -> Kind:
    """Return the kind most votes are for; a tie, and silence, goes to the first of ``Kind``."""
    votes = _votes(run)
    if section:
        votes.update(section.kinds)
    return max(Kind, key=lambda kind: votes[kind])


def _reason(section: Section | None, sentence: _Sentence) -> str:
    """Return the section and the strongest cues in words, for the person who reviews."""
    speaking = sorted(
        ((cue, words) for cue, words in sentence.cues if cue.weight > 0),
        key=lambda hit: -hit[0].weight,
    )
    parts = [f"{cue.label} («{words}»)" for cue, words in speaking[:_SHOWN_CUES]]
    if section and section.prior > 0:
        parts.insert(0, f"stands in {section.label}")
    return "; ".join(parts) or "stands among sentences that tell a lesson"
