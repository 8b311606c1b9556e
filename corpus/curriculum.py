"""What the encoder learns to read questions from: the questions, and the passages they are asked of.

``python corpus/curriculum.py`` says whether ``kb/data/questions.npz`` was made of them as they are.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kb.embed import LEARNED

CORPUS = Path(__file__).resolve().parent
FILE = CORPUS.parent / "kb" / "data" / LEARNED


LATER = "contrast-"
"""Passages of these styles teach the head alone: they were written after the questions."""


@dataclass(frozen=True)
class Asked:
    """A question and the name of the lesson or passage that answers it."""

    text: str
    language: str
    style: str
    group: str
    answer: str


@dataclass(frozen=True)
class Told:
    """A lesson's quote, or a passage that holds no lesson and only stands in the way."""

    name: str
    text: str
    themes: tuple[str, ...]


def _lines(pattern: str) -> Iterator[dict[str, Any]]:
    for path in sorted(CORPUS.glob(pattern)):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def questions() -> list[Asked]:
    """Return all questions, in the order of their files."""
    return [
        Asked(
            one["query"],
            one["language"],
            one["style"],
            one["passage"].rpartition("-")[0],
            f"{one['passage']}#{one['lesson']}",
        )
        for one in _lines("questions/*.jsonl")
    ]


def passages() -> list[Told]:
    """Return what the questions are asked of, in the order of its files."""
    found = []
    for one in _lines("training/*.jsonl"):
        if one["id"].startswith(LATER):
            continue
        for number, lesson in enumerate(one["lessons"]):
            name = f"{one['id']}#{number}"
            found.append(Told(name, lesson["quote"], tuple(lesson["themes"])))
        if not one["lessons"]:
            found.append(Told(one["id"], one["text"], ()))
    return found


def digest() -> str:
    """Return the SHA-256 of everything that is learned from."""
    return hashlib.sha256(repr((questions(), passages())).encode()).hexdigest()


def main() -> None:
    """Compare the digest in the file with that of the questions."""
    with np.load(FILE, allow_pickle=False) as kept:
        is_same = str(kept["sources"]) == digest()
    sys.exit(0 if is_same else f"{FILE.name} was made of other questions: run corpus/adapt.py")


if __name__ == "__main__":
    main()
