"""The addresses are those that are promised, and each gives its page."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.world import World

_ROUTES = Path(__file__).resolve().parents[1] / "routes.txt"


def addresses(world: World) -> dict[str, str]:
    """Return one address of every page that can be read, by a name."""
    report, lesson = world.reports["fjellvik"], world.lessons["styret"]
    text_report = world.reports["harbour"]
    return {
        "front": "/",
        "search": "/sok?q=styret+seminar",
        "all lessons": "/sok",
        "search with filters": "/sok?q=styret+seminar&tema=styreseminar&program=fjellvik",
        "no hits": "/sok?q=xyzzy",
        "no hits with filters": "/sok?q=styret&ar=1950",
        "lesson": f"/laerdom/{lesson}",
        "report": f"/rapport/{report}",
        "programmes": "/program",
        "programme": "/program/fjellvik",
        "themes": "/tema",
        "theme": "/tema/styreseminar",
        "theme without lessons": "/tema/maal",
        "theme, narrowed": "/tema/styreseminar?fase=gjennomforing&type=success",
        "theme, narrowed to nothing": "/tema/styreseminar?type=challenge",
        "matrix": "/matrise",
        "matrix by phase": "/matrise?kolonner=fase",
        "collection in the address": f"/samling?l={lesson}&q=styret+seminar",
        "note": "/notat?tema=styreseminar",
        "paper": "/eksport/utskrift?tema=styreseminar&gruppe=program",
        "source": f"/kilde/{report}/side/2?l={lesson}",
        "source of text": f"/kilde/{text_report}/side/1?l={world.lessons['the']}",
        "now": "/na",
        "now, told": "/na?min-ar=2026&min-maned=2&min-type=enkeltkommune&min-lengde=3",
        "checklists": "/sjekkliste",
        "checklist": "/sjekkliste/styreseminar",
        "start pack": "/startpakke",
        "self-check": f"/egensjekk/gjennomforing?gjort={lesson}",
        "help": "/hjelp",
        "about": "/om",
        "interface": "/api",
    }


def test_the_addresses_are_the_promised_ones(app: Flask):
    promised = {
        tuple(line.split())
        for line in _ROUTES.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    }

    offered = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert offered == promised


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_page_answers_in_every_language(client: FlaskClient, world: World, language: str):
    client.set_cookie("sprak", language)

    answers = {name: client.get(path) for name, path in addresses(world).items()}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        answers, 200
    )
    assert all(f'<html lang="{language}"' in answer.text for answer in answers.values())


@pytest.mark.parametrize(
    "path",
    [
        "/finnes-ikke",
        "/laerdom/000000000000",
        "/rapport/000000000000",
        "/rapport/000000000000/fil",
        "/kilde/000000000000/side/1",
        "/kilde/000000000000/side/1.webp",
        "/program/finnes-ikke",
        "/tema/finnes-ikke",
        "/rapport/..%2f..%2fetc%2fpasswd/fil",
        "/sok?q=styret&side=500",
    ],
)
def test_what_is_not_there_is_404_with_a_way_on(client: FlaskClient, path: str):
    answer = client.get(path)

    assert answer.status_code == 404
    assert "Vi finner ikke det du ba om" in answer.text
    assert 'href="/sok"' in answer.text


def test_pages_outside_the_report_are_404(client: FlaskClient, world: World):
    report = world.reports["fjellvik"]

    assert client.get(f"/kilde/{report}/side/0").status_code == 404
    assert client.get(f"/kilde/{report}/side/4").status_code == 404
    assert client.get(f"/kilde/{report}/side/4.webp").status_code == 404
    assert client.get(f"/kilde/{world.reports['harbour']}/side/1.webp").status_code == 404


def test_what_is_not_published_does_not_exist(client: FlaskClient, world: World):
    draft, rejected = world.reports["kladd"], world.lessons["seminaret"]

    for path in (f"/rapport/{draft}", f"/rapport/{draft}/fil", f"/kilde/{draft}/side/1"):
        assert client.get(path).status_code == 404
    assert client.get(f"/kilde/{draft}/side/1.webp").status_code == 404
    assert client.get(f"/laerdom/{world.lessons['dette']}").status_code == 404
    assert client.get(f"/laerdom/{rejected}").status_code == 404
    assert client.get("/program/kladd").status_code == 404
    for path in ("/", "/program", "/matrise", "/sok", "/tema/navn"):
        assert "Kladd" not in client.get(path).text


def test_an_empty_base_says_so_everywhere(empty_client: FlaskClient):
    for path in ("/", "/program", "/matrise"):
        assert "Basen er tom" in empty_client.get(path).text
    assert "Basen har ingen lærdommer her ennå." in empty_client.get("/sok").text
    assert empty_client.get("/tema/navn").status_code == 200
    assert empty_client.get("/healthz").json["lessons"] == 0


def test_getting_changes_nothing(client: FlaskClient, world: World):
    before = client.get("/healthz").json["generation"]

    for path in addresses(world).values():
        client.get(path)
        assert client.post(path.split("?")[0]).status_code in {404, 405}

    assert client.get("/healthz").json["generation"] == before
