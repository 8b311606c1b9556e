"""Passages that somebody has read for lessons, and the files the shipped ones stand in.

``corpus/training/*.jsonl`` holds passages written for the purpose, one file for each house style;
its form is told in ``corpus/training/README.md``. The invented sample reports count as further
styles. What staff decide comes from the store, as :class:`Example` too.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.types import Role
from kb.domain import Kind
from kb.text import normalise, sentences

_FORMS = {
    "paragraph": Role.PARAGRAPH,
    "box": Role.PARAGRAPH,
    "bullet": Role.BULLET,
    "row": Role.TABLE_ROW,
}
_MARKUP = re.compile(r"\*+|\[\^\d+\](?!:)")
_ASIDE = re.compile(r"\\pagebreak|\[\^|\|-|(Tabell|Table|Figur|Figure) \d+:")
_HEADING = re.compile(r"(#+) (.*)")
_POINT = re.compile(r"(?:-|\d+\.) (.*)")


@dataclass(frozen=True, slots=True)
class Marked:
    """A lesson in a passage: its quote, whole sentences of the passage, and its kind."""

    quote: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A passage (a block of a report) with what a reader marked in it.

    Examples of one ``style`` (a house style, or one report) stand in reading order. ``refused`` are
    quotes that are no lessons. Where ``is_complete`` nothing but ``lessons`` is one; where it is
    not, sentences that are in neither say nothing.
    """

    style: str
    language: str
    section: tuple[str, ...]
    role: Role
    lead_in: str | None
    text: str
    lessons: tuple[Marked, ...] = ()
    refused: tuple[str, ...] = ()
    is_complete: bool = True

    def label(self, start: int, end: int) -> tuple[bool, Kind | None]:
        """Return whether it is known what ``text[start:end]`` is, and the kind of its lesson."""
        lesson = self.lesson_at(start, end)
        if lesson is not None:
            return True, self.lessons[lesson].kind
        is_refused = any(_is_shared(self.text, quote, start, end) for quote in self.refused)
        return self.is_complete or is_refused, None

    def lesson_at(self, start: int, end: int) -> int | None:
        """Return which of the lessons ``text[start:end]`` tells, counted from 0."""
        told = (_is_shared(self.text, one.quote, start, end) for one in self.lessons)
        return next((number for number, is_told in enumerate(told) if is_told), None)


def _is_shared(text: str, quote: str, start: int, end: int) -> bool:
    """Return whether ``quote`` and ``text[start:end]`` share half of the shorter one."""
    at = text.find(quote)
    common = min(end, at + len(quote)) - max(start, at)
    return at >= 0 and 2 * common >= min(end - start, len(quote))


def shipped_examples(corpus: Path) -> tuple[Example, ...]:
    """Read the training passages and the invented sample reports of ``corpus``.

    A retold real report is left out: it tells what the report tells that we develop against.

    Raises:
        ValueError: a passage is not as the README says; the message names its line.
    """
    found: list[Example] = []
    for path in sorted(corpus.glob("training/*.jsonl")):
        found += _passages(path)
    for path in sorted(corpus.glob("reports/*/expected.toml")):
        source = tomllib.loads(path.with_name("source.toml").read_text(encoding="utf-8"))
        if source["fictional"]:
            found += _report(path.parent, source["language"])
    return tuple(found)


def _passages(path: Path) -> Iterator[Example]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield _passage(path.stem, json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name}, line {number}: {error!r}") from error


def _passage(style: str, told: dict[str, Any]) -> Example:
    text = _on_one_line(told["text"])
    lessons = tuple(
        Marked(_on_one_line(one["quote"]), Kind(one["kind"])) for one in told["lessons"]
    )
    for one in lessons:
        if one.quote not in text:
            raise ValueError(f"not in the text: {one.quote}")
    return Example(
        style=style,
        language=told["language"],
        section=tuple(map(normalise, told["section"])),
        role=_FORMS[told["form"]],
        lead_in=normalise(told["lead_in"]) if told["lead_in"] else None,
        text=text,
        lessons=lessons,
    )


def _on_one_line(text: str) -> str:
    """Return ``text`` as a block has it: only a blank tells the cells of a row apart."""
    return " ".join(normalise(text.replace("|", " ")).split())


def _report(folder: Path, language: str) -> Iterator[Example]:
    """Yield the passages of a sample report, read from its source."""
    lessons = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))["lesson"]
    marked = [
        Marked(_on_one_line(quote), Kind(one["kind"])) for one in lessons for quote in one["quotes"]
    ]
    for section, role, lead_in, text in _blocks((folder / "report.md").read_text(encoding="utf-8")):
        yield Example(
            style=folder.name,
            language=language,
            section=section,
            role=role,
            lead_in=lead_in,
            text=text,
            lessons=tuple(_marked_in(text, marked)),
        )


def _marked_in(text: str, marked: Sequence[Marked]) -> Iterator[Marked]:
    """Yield what is marked in ``text``, also where a quote goes on beyond it."""
    for one in marked:
        if one.quote in text:
            yield one
        elif text in one.quote:
            yield Marked(text, one.kind)


def _blocks(markdown: str) -> Iterator[tuple[tuple[str, ...], Role, str | None, str]]:
    """Yield section, role, lead-in and text of each block that can hold a lesson."""
    path: list[str] = []
    lead_in: str | None = None
    for line in markdown.splitlines():
        text = _MARKUP.sub("", line).strip()
        if not text or _ASIDE.match(text):
            continue
        if heading := _HEADING.match(text):
            path, lead_in = [*path[: len(heading[1]) - 1], heading[2]], None
            continue
        point = _POINT.match(text)
        body = _on_one_line(point[1] if point else text.strip("|> "))
        if not body:
            continue
        if point:
            yield tuple(path[1:]), Role.BULLET, lead_in, body
            continue
        role = Role.TABLE_ROW if text.startswith("|") else Role.PARAGRAPH
        yield tuple(path[1:]), role, None, body
        lead_in = sentences(body)[-1] if body.endswith(":") else None
