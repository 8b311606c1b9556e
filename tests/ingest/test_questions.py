"""The questions that the encoder learned from share nothing with what search is judged by."""

import hashlib
import json
import subprocess
import sys
import tomllib
from collections import Counter
from itertools import chain
from pathlib import Path

from kb.embed import LEARNED, learned_questions
from tests.ingest.test_training_set import CORPUS, PASSAGES, REAL, SALT, runs

QUESTIONS = [
    json.loads(line)
    for path in sorted(CORPUS.glob("questions/*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]
TEXTS = [one["query"] for one in QUESTIONS]
DEVELOPMENT = Path(__file__).with_name("dev-question-shingles.txt")
"""Salted hashes of all runs of four words in the questions of the development set."""


def hashed(texts: list[str], length: int) -> dict[str, str]:
    found = set(chain.from_iterable(runs(text, length) for text in texts))
    return {hashlib.sha256((SALT + run).encode()).hexdigest()[:10]: run for run in found}


def test_there_are_enough_in_three_languages_and_each_has_its_answer():
    lessons = {told["id"]: told["lessons"] for _, told in PASSAGES}

    assert len(TEXTS) >= 3_000
    assert len(set(TEXTS)) == len(TEXTS)
    assert all(0 <= one["lesson"] < len(lessons[one["passage"]]) for one in QUESTIONS)
    assert min(Counter(one["language"] for one in QUESTIONS).values()) >= 600
    assert {one["style"] for one in QUESTIONS} == {"paraphrase", "keyword", "misspelled", "direct"}


def test_they_share_no_four_words_with_the_development_questions():
    judged = set(DEVELOPMENT.read_text(encoding="utf-8").split())
    mine = hashed(TEXTS, 4)

    assert len(judged) > 600
    assert [run for key, run in mine.items() if key in judged] == []


def test_they_share_no_four_words_with_the_judged_questions():
    judged = tomllib.loads((CORPUS / "queries.toml").read_text(encoding="utf-8"))
    asked = [one["text"] for one in [*judged["query"], *judged["out_of_scope"]]]

    shared = hashed(TEXTS, 4).keys() & hashed(asked, 4).keys()

    assert [hashed(TEXTS, 4)[key] for key in shared] == []


def test_they_share_no_seven_words_with_the_real_report_or_the_samples():
    real = set(REAL.read_text(encoding="utf-8").split())
    mine = hashed(TEXTS, 7)
    samples = [
        path.read_text(encoding="utf-8") for path in sorted(CORPUS.glob("reports/*/report.md"))
    ]

    assert [run for key, run in mine.items() if key in real] == []
    assert mine.keys() & hashed(samples, 7).keys() == set()


# ---- what was learned of them


def test_the_shipped_file_was_made_of_the_questions_as_they_are():
    """If this fails, run ``python corpus/adapt.py``."""
    checked = subprocess.run(
        [sys.executable, str(CORPUS / "curriculum.py")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert checked.returncode == 0, checked.stderr


def test_the_shipped_file_is_small_and_whole():
    file = CORPUS.parent / "kb" / "data" / LEARNED

    learned = learned_questions()

    assert file.stat().st_size <= 10_000_000
    assert len(learned) == 24
    assert all(down.shape[1] == up.shape[0] for down, up in learned.values())
