"""What programs get: JSON of a fixed shape, health, and a log that keeps questions private."""

import json
import logging

import pytest
from flask.testing import FlaskClient

from tests.web.world import FJELLVIK, World


def test_the_search_as_json_has_the_promised_shape(client: FlaskClient, world: World):
    answer = client.get("/api/v1/search?q=styret+seminar+mandatet").json

    told = {"query", "no_match", "total", "took_ms", "results"}
    assert set(answer) == told | {"state", "weak", "did_you_mean", "hints"}
    assert answer["query"] == "styret seminar mandatet"
    assert answer["no_match"] is False
    hit = next(each for each in answer["results"] if each["id"] == world.lessons["styret"])
    assert {name: hit[name] for name in ("kind", "themes", "phase", "programme", "report")} == {
        "kind": "success",
        "themes": ["styreseminar", "styrearbeid"],
        "phase": "gjennomforing",
        "programme": "Fjellvik i vekst",
        "report": "fjellvik rapport.pdf",
    }
    assert hit["quotes"][0] == {
        "text": FJELLVIK[1][1],
        "page": 2,
        "section": "3 Vurderinger › 3.1 Styret",
        "url": f"http://localhost/kilde/{world.reports['fjellvik']}/side/2?l={hit['id']}",
    }
    assert [each["rank"] for each in answer["results"]] == list(
        range(1, len(answer["results"]) + 1)
    )


def test_nothing_found_is_an_answer(client: FlaskClient):
    answer = client.get("/api/v1/search?q=xyzzy")

    assert answer.status_code == 200
    assert answer.json["no_match"] is True
    assert answer.json["results"] == []


def test_the_same_filters_and_pages_as_on_the_page(client: FlaskClient):
    first = client.get("/api/v1/search?tema=portefolje&antall=15").json
    second = client.get("/api/v1/search?tema=portefolje&antall=15&side=2").json

    assert (first["total"], len(first["results"]), len(second["results"])) == (20, 15, 5)


@pytest.mark.parametrize("query_string", ["antall=0", "antall=101", "antall=x", "side=x", "type=x"])
def test_what_cannot_be_is_refused_as_json(client: FlaskClient, query_string: str):
    answer = client.get(f"/api/v1/search?{query_string}")

    assert answer.status_code == 400
    assert answer.json["code"] == "invalid-query"
    assert answer.json["detail"]


def test_health_says_what_is_served(client: FlaskClient):
    health = client.get("/healthz").json

    assert health["ok"] is True
    assert health["lessons"] == 29
    assert health["model"] == "word-hash-64"
    assert health["generation"] > 0


def test_a_damaged_base_is_not_healthy(world: World, tmp_path):
    from web import create_app

    (tmp_path / "erfaringsbanken.db").write_bytes(b"this is not a database" * 100)
    for name in ("kb.db", "store.db", "base.sqlite", "kb.sqlite"):
        (tmp_path / name).write_bytes(b"this is not a database" * 100)
    config = type(world.config)(home=tmp_path, corpus=world.config.corpus)
    answer = create_app(config, world.encoder).test_client().get("/healthz")

    assert answer.status_code == 503
    assert answer.json["code"] == "store-damaged"


def test_the_log_tells_how_it_went_but_not_what_was_asked(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO, logger="web.access"):
        client.get("/sok?q=hemmelig+styret")

    [line] = [json.loads(each.message) for each in caplog.records if each.name == "web.access"]
    assert line["path"] == "/sok"
    assert line["status"] == 200
    assert line["query_chars"] == len("hemmelig styret")
    assert isinstance(line["hits"], int)
    assert line["ms"] > 0
    assert "hemmelig" not in caplog.text
