"""The PDFs of ``pdfs/``, one per producer or trap, are read without an error (see ``make.py``).

The floors of `make bench-ingest` are lower; here a file that gets worse is seen at once.
"""

import json
from pathlib import Path

import pytest

from tests.bench.ingest import OWN, Score, read_body, score

TRUTHS = sorted(OWN.glob("truth/*.json"))


def read(path: Path) -> Score:
    truth = json.loads(path.read_text(encoding="utf-8"))
    return score(truth, read_body(OWN / "pdf" / truth["pdf"], ocr=False))


@pytest.mark.parametrize("path", TRUTHS, ids=lambda path: path.stem)
def test_a_report_is_read_as_it_is_written(path):
    result = read(path)

    assert result.wrong == []
    assert result.cer == 0
    assert result.words.value == 1


def test_every_pdf_has_its_truth_and_all_are_small():
    files = sorted(OWN.glob("pdf/*.pdf"))

    assert [file.stem for file in files] == [path.stem for path in TRUTHS]
    assert sum(file.stat().st_size for file in files) < 1_000_000


def test_the_score_sees_what_is_missing():
    truth = json.loads(TRUTHS[0].read_text(encoding="utf-8"))
    body = read_body(OWN / "pdf" / truth["pdf"], ocr=False)
    truth["headings"][0]["level"] = 3
    truth["bullets"].append({"page": 2, "level": 1, "text": "Dette står det ikke noe om."})

    result = score(truth, body)

    assert result.heading_f1 < 1
    assert result.bullets.right == result.bullets.of - 1
    assert len(result.wrong) == 3
