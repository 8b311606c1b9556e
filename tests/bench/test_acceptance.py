"""A programme leader's own words find the lesson among the first three, by way of the whole chain.

The report is the retelling of the Hallingdal evaluation; no word of the questions was chosen after
its text. The eighth question of the set, «for mange små søknader», finds its lesson further down.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import Ingestor
from kb.config import Config
from kb.embed import open_encoder
from kb.search import Searcher, SearchQuery
from kb.store import Store

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("TEST_MODEL_CACHE", ROOT / ".kb" / "test-models"))

pytestmark = [pytest.mark.model, pytest.mark.bench]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    home = tmp_path_factory.mktemp("acceptance")
    config = Config(home=home)
    encoder = open_encoder("default", CACHE)
    searcher = Searcher(encoder, home)
    report: Path = config.corpus / "reports/hallingdal-gjenfortalt/hallingdal-gjenfortalt.pdf"
    with Store.open(home) as store:
        Ingestor(encoder, config).add(store, report, publish=True)
        yield lambda text: searcher.search(store, SearchQuery(text=text, limit=3)).hits


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("hva bør vi kalle programmet", "Hva programmet heter"),
        ("opplæring av nytt styre", "introduksjonskurset"),
        ("konflikt med næringshagen", "avklaringen med næringshagen"),
        ("få med de store bedriftene", "De største bedriftene"),
        ("arbeidsplassmål når det mangler folk", "hender som manglet"),
        pytest.param(
            "korleis vidareføre arbeidet",
            "leve videre",
            marks=pytest.mark.xfail(
                strict=True, reason="third when questions were read plainly, now fourth: ADR 0018"
            ),
        ),
        ("board seminar after the first year", "styreseminar"),
    ],
)
def test_the_right_lesson_is_among_the_first_three(search, question, told):
    quotes = [one.quote for hit in search(question) for one in hit.lesson.evidence]

    assert any(told in quote for quote in quotes), quotes
