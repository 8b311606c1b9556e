"""«Mente du …»: a word that the base does not know, beside one that it knows and that looks alike.

Norwegian builds new words all the time, so a word that is unknown as a whole but made of known
parts, or part of a known one, is not misspelt. Nothing is replaced; it is for the reader to choose.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kb.lexical import STEM_MARK, stem, stem_token
from kb.question import parse
from kb.store import Store
from kb.text import STOP_WORDS, language_of, words

_SHORTEST = 6
"""A shorter word is near too many others: «snart» is not «start»."""
_LONG = 10
"""From so many letters on, two slips are forgiven; before, one."""
_SHORTEST_PART = 3
_SHORTEST_INSIDE = 5
_LOOKED_AT = 5


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The stems of all published lessons, with how many lessons hold each, at one generation."""

    generation: int
    counts: Mapping[str, int]
    everything: str

    def knows(self, word: str) -> bool:
        """Whether ``word`` is known in some form, is part of a known one, or is built of such."""
        root = stem(word)
        if root in self.counts or (len(root) >= _SHORTEST_INSIDE and root in self.everything):
            return True
        if "-" in word or "–" in word:
            return all(self.knows(part) for part in re.split("[-–]", word) if part)
        cuts = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
        return any(self._is_part(word[:cut]) and stem(word[cut:]) in self.counts for cut in cuts)

    def _is_part(self, head: str) -> bool:
        """Whether ``head`` can begin a compound: a known word, perhaps with the joint s or e."""
        return stem(head) in self.counts or (head[-1] in "se" and stem(head[:-1]) in self.counts)


class Speller:
    """Knows the words of one base. Shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vocabulary: _Vocabulary | None = None

    def suggest(self, store: Store, question: str) -> str | None:
        """Return ``question`` with its unknown words replaced by known ones that look alike.

        None when every word is known, or nothing looks alike. Fields and exclusions stay.
        """
        parsed = parse(question)
        if (
            language_of(parsed.text) == "en"
        ):  # in a base that is mostly Norwegian: «target», «torget»
            return None
        asked = [word for word in dict.fromkeys(words(parsed.text)) if _may_be_slip(word)]
        tokens = {stem_token(word): word for word in asked}
        known = store.gram_counts(list(tokens))
        unknown = [word for token, word in tokens.items() if token not in known]
        if not unknown:
            return None
        vocabulary = self._read(store)
        better = {
            word: other
            for word in unknown
            if not vocabulary.knows(word) and (other := _like(store, vocabulary, word))
        }
        if not better:
            return None
        pattern = re.compile(
            r"(?<![\w-])(" + "|".join(map(re.escape, better)) + r")(?![\w-])", re.I
        )
        replaced = pattern.sub(lambda match: better[match[0].lower()], question)
        return replaced if replaced != question else None

    def _read(self, store: Store) -> _Vocabulary:
        generation = store.generation()
        with self._lock:
            if self._vocabulary is None or self._vocabulary.generation != generation:
                terms = store.gram_terms(STEM_MARK)
                counts = {term.removeprefix(STEM_MARK): n for term, n in terms.items()}
                everything = " ".join(sorted(counts))
                self._vocabulary = _Vocabulary(generation, counts, everything)
            return self._vocabulary


def _may_be_slip(word: str) -> bool:
    return len(word) >= _SHORTEST and word not in STOP_WORDS and not word[0].isdigit()


def _like(store: Store, vocabulary: _Vocabulary, word: str) -> str | None:
    """Return a word of the base that differs from ``word`` by a slip or two, None if none does."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - only when a word is unknown

    root = stem(word)
    most = 1 if len(word) < _LONG else 2
    near = [
        (OSA.distance(root, other, score_cutoff=most), -count, other)
        for other, count in vocabulary.counts.items()
        if other[:1] == root[:1] and abs(len(other) - len(root)) <= most
    ]
    near = sorted(one for one in near if one[0] <= most)
    forms = set(_forms(store, near[0][2])) if near else set()
    # Stems may be near where the words are not: «forsvinner» is not «forsinket»;
    # and what only ends in another way is another form of the word.
    like = [
        form
        for form in forms
        if OSA.distance(word, form) <= most and not (word.startswith(form) or form.startswith(word))
    ]
    return min(like, key=lambda form: (OSA.distance(word, form), form), default=None)


def _forms(store: Store, root: str) -> Iterator[str]:
    """Yield the forms in which some lessons hold the word with this stem."""
    found = store.grams_match([STEM_MARK + root])
    best = sorted(found, key=lambda lesson_id: (-found[lesson_id], lesson_id))[:_LOOKED_AT]
    for lesson in store.lessons(best).values():
        for text in (lesson.statement, *(one.quote for one in lesson.evidence)):
            yield from (word for word in words(text) if stem(word) == root)
