"""How a report is read for lessons: its telling blocks in sentences, with what each of them shows.

The one place where cues meet text. A sentence gets the cues found in it, what its headings promise
and the score of the rules; the rules and the learned head (:mod:`ingest.classifier`) judge the same
reading. All wordings and weights stand in ``corpus/cues.toml``. Knows no themes and no vectors.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.types import Block, Role
from kb.taxonomy import Cue, Cues, Section, SectionRole, cue_text
from kb.text import content_words, sentence_spans

ENOUGH = 4
"""With fewer content words, numbers and the like apart, a sentence says too little alone."""
BRIEF = 50
"""Characters: a shorter sentence is often a heading or an aside."""
SETTING = frozenset({SectionRole.METHOD, SectionRole.BACKGROUND})

_STEM = 6
_AMPLE = 150
_LABEL_CHARS = 60
_HEADING_WORDS = 5
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
_ANNOUNCING = "lead-in"
"""The id of the cue for sentences that only say that something follows."""
_COMMON_SHARE = 0.12
"""A stem in more than this share of a report's sentences ties no two of them together."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a block with what was found in it; ``start`` and ``end`` are in the block.

    ``score`` is the rules': the prior of its section plus the weights of its cues. ``is_heading``
    is true for a few words in front of a paragraph that say what it is about («Tid er ein
    føresetnad.»). ``begins_anew``: whether it tells a lesson of its own if the one before it tells
    one, None where nobody has judged that.
    """

    start: int
    end: int
    text: str
    score: float
    cues: tuple[tuple[Cue, str], ...]
    stems: frozenset[str]
    substance: int
    is_heading: bool = False
    begins_anew: bool | None = None

    @property
    def links_back(self) -> bool:
        """Whether it begins with a word that ties it to the sentence before it."""
        return bool(_LINKS_BACK.match(cue_text(self.text)))

    @property
    def leans(self) -> bool:
        """Whether it goes with the sentence before it: it links back, or says little alone."""
        return self.links_back or self.substance < ENOUGH

    @property
    def points_back(self) -> bool:
        """Whether it begins with a word that only the sentence before it explains."""
        return self.links_back and not _POINTS_FORWARD.match(cue_text(self.text))

    @property
    def announces(self) -> bool:
        """Whether it only says that something follows."""
        return self.text.endswith(":") or any(cue.id == _ANNOUNCING for cue, _ in self.cues)

    @property
    def stands_alone(self) -> bool:
        """Whether a reader understands it who has read nothing else."""
        return self.substance >= ENOUGH and not self.points_back and not self.announces


@dataclass(frozen=True, slots=True)
class Reading:
    """A block with what its headings promise, and its sentences in order.

    ``is_governed``: what introduces its list says that the whole list is history, goals or facts.
    """

    block: Block
    section: Section | None
    is_governed: bool
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class _Context:
    """What reading one report takes: the cues, its language, and the stems it uses all the time."""

    cues: Cues
    language: str
    common: frozenset[str]


def read_blocks(blocks: Sequence[Block], cues: Cues, language: str) -> tuple[Reading, ...]:
    """Return what there is to read in ``blocks``: paragraphs, bullets and table rows, in order.

    Headings, captions, footnotes and labels are left out; a label becomes the lead-in of what
    stands under it.
    """
    telling = _under_labels([block for block in blocks if block.role in _TELLING], cues)
    context = _Context(cues=cues, language=language, common=_common_stems(telling))
    return tuple(_read(block, context) for block in telling)


def _read(block: Block, context: _Context) -> Reading:
    governing = _governing(block, context)
    section = _section_of(block, context, is_governed=bool(governing))
    return Reading(
        block=block,
        section=section,
        is_governed=bool(governing),
        sentences=tuple(_sentences(block, section, governing, context)),
    )


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


def _section_of(block: Block, context: _Context, *, is_governed: bool) -> Section | None:
    """Return what the headings above ``block`` promise, None where they tell nothing.

    A heading that promises lessons holds for everything below it, and so does a lead-in that does.
    Method and background are believed only from the innermost heading that tells anything; an
    assessing chapter outweighs the neutral names of its parts («5.2 Måloppnåelse»).
    """
    sections = context.cues.sections
    told = [
        next((section for section in sections if section.matches(cue_text(heading))), None)
        for heading in block.section
    ]
    known = [section for section in told if section]
    promised = [section for section in known if section.role is SectionRole.LESSON]
    if block.lead_in and not is_governed:
        lead_in = cue_text(block.lead_in)
        promised += [s for s in sections if s.role is SectionRole.LESSON and s.matches(lead_in)]
    if promised:
        return promised[-1]
    if not known or known[-1].role in SETTING:
        return known[-1] if known else None
    return next((s for s in known if s.role is SectionRole.ASSESS), known[-1])


def _governing(block: Block, context: _Context) -> list[Cue]:
    """Return the cues in the lead-in that hold for its whole list.

    «Styringsgruppa anbefalte følgende:» makes every bullet history.
    """
    lead_in = cue_text(block.lead_in or "").rstrip(" :")
    return [
        cue
        for cue in context.cues.cues
        if cue.governs_list and cue.found_in(lead_in, context.language)
    ]


def _sentences(
    block: Block, section: Section | None, governing: Sequence[Cue], context: _Context
) -> list[Sentence]:
    spans = sentence_spans(block.text)
    base = _base(block, section, context) + sum(cue.weight for cue in governing)
    found = [
        _sentence(block.text, span, context, base + _opening(block, position, len(spans), context))
        for position, span in enumerate(spans)
    ]
    if len(found) > 1 and _is_run_in(found[0].text):
        found[0] = replace(found[0], is_heading=True)
    return found


def _is_run_in(text: str) -> bool:
    return len(text) < BRIEF and len(text.split()) <= _HEADING_WORDS


def _sentence(text: str, span: tuple[int, int], context: _Context, base: float) -> Sentence:
    start, end = span
    folded = cue_text(text[start:end])
    hits = tuple(
        (cue, words)
        for cue in context.cues.cues
        if (words := cue.found_in(folded, context.language))
    )
    place = context.cues.place
    length = place.brief * (end - start < BRIEF) + place.ample * (end - start > _AMPLE)
    return Sentence(
        start=start,
        end=end,
        text=text[start:end],
        score=base + length + sum(cue.weight for cue, _ in hits),
        cues=hits,
        stems=_stems(text[start:end]) - context.common,
        substance=_substance(text[start:end]),
    )


def _opening(block: Block, position: int, count: int, context: _Context) -> float:
    is_opening = position == 0 and count > 1 and block.role is Role.PARAGRAPH
    return context.cues.place.opening if is_opening else 0.0


def _base(block: Block, section: Section | None, context: _Context) -> float:
    """Return what every sentence of the block starts with: its section and role."""
    base = 0.0
    if section:
        is_point = block.role is Role.BULLET or block.lead_in
        base += section.prior + (section.bullet if is_point else 0.0)
    if block.role is Role.TABLE_ROW:
        base += context.cues.place.table_row
    return base
