"""The interface for programs: what it promises in its OpenAPI document, it keeps."""

import gc
import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import schemathesis
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema

from kb.__main__ import main
from kb.domain import Status
from kb.store import Store
from tests.make import set_status
from tests.web.world import World, build_world
from web import auth, create_app
from web.views import api

BASE = "/api/v1"


@pytest.fixture(autouse=True)
def unlimited() -> Iterator[None]:
    """Begin every test with nothing counted; schemathesis asks more often than anyone may."""
    auth.limiter.reset()
    auth.limiter.enabled = False
    yield
    auth.limiter.enabled = True
    auth.limiter.reset()


# ---- the document


@pytest.fixture(scope="module")
def openapi(app: Flask) -> BaseSchema:
    return schemathesis.openapi.from_wsgi(f"{BASE}/openapi.json", app)


OPERATIONS = ["search", "lesson", "similar", "reports", "report", "programmes", "themes", "phases"]


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_answer_breaks_the_document(
    openapi: BaseSchema, world: World, name: str, mode: GenerationMode
):
    """Ask what may and what may not be asked, for what is there and for what is not."""
    operation = openapi.find_operation_by_id(name)
    there = {"lesson_id": world.lessons["styret"], "report_id": world.reports["fjellvik"]}
    path = {one.name: there[one.name] for one in operation.path_parameters}
    cases = operation.as_strategy(mode)
    if path and mode is GenerationMode.POSITIVE:
        cases = cases | operation.as_strategy(mode, path_parameters=path)

    @given(case=cases)
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    def ask(case: Case) -> None:
        case.call_and_validate()

    ask()


@pytest.fixture(scope="module")
def document(app: Flask) -> dict:
    return app.test_client().get(f"{BASE}/openapi.json").json


def test_the_document_has_every_address_and_no_other(app: Flask, document: dict):
    offered = {
        rule.rule.removeprefix(BASE).replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(f"{BASE}/")
    }

    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == offered - {"/openapi.json"}
    assert sorted(OPERATIONS) == sorted(
        one["get"]["operationId"] for one in document["paths"].values()
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("SearchResult", "/search?q=styret+seminar"),
        ("SearchResult", "/search?grupper=program"),
        ("Lesson", "/lessons/{styret}"),
        ("SimilarLessons", "/lessons/{styret}/similar"),
        ("Reports", "/reports"),
        ("Report", "/reports/{fjellvik}"),
        ("Programmes", "/programmes"),
        ("Themes", "/themes"),
        ("Phases", "/phases"),
    ],
)
def test_every_name_in_an_answer_is_explained(
    client: FlaskClient, world: World, document: dict, name: str, path: str
):
    answer = client.get(BASE + path.format(**world.lessons, **world.reports)).json

    assert _unexplained(answer, name, document["components"]["schemas"]) == set()


def _unexplained(value: object, name: str, schemas: dict) -> set[str]:
    """Return the names in ``value`` that its schema lacks; a schema would let them pass."""
    if isinstance(value, list):
        return {one for each in value for one in _unexplained(each, name, schemas)}
    if not isinstance(value, dict) or name not in schemas:
        return set()
    known, found = schemas[name]["properties"], set()
    for key, each in value.items():
        schema = known.get(key, {})
        inner = schema.get("$ref", schema.get("items", {}).get("$ref", "")).rpartition("/")[2]
        found |= _unexplained(each, inner, schemas) if schema else {f"{name}.{key}"}
    return found


# ---- the same as the page and the program


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("q=styret+seminar", ["styret seminar"]),
        ("q=styret&sorter=nyest", ["styret", "--sort", "nyest"]),
        (
            "q=styret&tema=styreseminar&fase=gjennomforing",
            ["styret", "--theme", "styreseminar", "--phase", "gjennomforing"],
        ),
    ],
)
def test_the_command_the_page_and_the_interface_agree(
    client: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch, query: str, options: list
):
    monkeypatch.setenv("KB_HOME", str(world.config.home))
    monkeypatch.setattr("kb.__main__.open_encoder", lambda _config: world.encoder)

    said = CliRunner().invoke(main, ["search", *options, "--json"])
    gc.enable()  # the command switches it off and ends; this process goes on
    answer = client.get(f"{BASE}/search?{query}").json
    page = client.get(f"/sok?{query}").text

    ids = [each["id"] for each in answer["results"]]
    assert ids
    assert [each["id"] for each in json.loads(said.stdout)["results"]] == ids
    assert re.findall(r'<li id="hit-(\w+)"', page)[: len(ids)] == ids


def test_pages_of_a_list_hold_each_thing_once_and_lead_on(client: FlaskClient):
    path, seen = f"{BASE}/themes?antall=10", []
    while path:
        answer = client.get(path)
        seen += [one["id"] for one in answer.json["results"]]
        following = re.search(
            r'<http://localhost([^>]+)>; rel="next"', str(answer.headers.getlist("Link"))
        )
        path = following[1] if following else ""

    assert len(seen) == len(set(seen)) == answer.json["total"] == 26


def test_the_addresses_in_an_answer_lead_to_the_quote(client: FlaskClient, world: World):
    lesson = client.get(f"{BASE}/lessons/{world.lessons['styret']}").json

    assert client.get(lesson["url"].removeprefix("http://localhost")).status_code == 200
    page = client.get(lesson["quotes"][0]["url"].removeprefix("http://localhost"))
    assert lesson["quotes"][0]["text"] in html.unescape(page.text)


def test_what_is_not_published_is_not_told(client: FlaskClient, world: World):
    draft, rejected = world.reports["kladd"], world.lessons["seminaret"]

    assert client.get(f"{BASE}/reports/{draft}").status_code == 404
    assert client.get(f"{BASE}/lessons/{rejected}").status_code == 404
    assert client.get(f"{BASE}/lessons/{rejected}/similar").status_code == 404
    for path in ("reports", "programmes"):
        assert "kladd" not in client.get(f"{BASE}/{path}").text.lower()


# ---- how it answers


@pytest.mark.parametrize("path", ["/api/v1/search?q=styret", "/api/v1/themes", "/feed/sok.atom"])
def test_what_has_not_changed_is_not_sent_again(client: FlaskClient, path: str):
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    by_time = client.get(path, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    other = client.get(path, headers={"If-None-Match": 'W/"0-x"'})

    assert (again.status_code, again.data) == (304, b"")
    assert by_time.status_code == 304
    assert other.status_code == 200
    assert first.headers["Cache-Control"] == "public, no-cache"


def test_a_change_of_the_base_is_seen_at_once(tmp_path: Path):
    world = build_world(tmp_path)
    client = create_app(world.config, world.encoder).test_client()
    path = f"{BASE}/lessons/{world.lessons['styret']}"
    kept = client.get(path).headers

    with Store.open(tmp_path) as store:
        set_status(store, [world.lessons["styret"]], Status.REJECTED)

    assert client.get(path, headers={"If-None-Match": kept["ETag"]}).status_code == 404
    other = f"{BASE}/themes"
    since = {"If-Modified-Since": kept["Last-Modified"]}
    assert client.get(other, headers=since).status_code == 200


def test_scripts_of_other_sites_may_read_without_a_cookie(client: FlaskClient):
    for path in (f"{BASE}/search", f"{BASE}/lessons/x", f"{BASE}/openapi.json"):
        answer = client.get(path, headers={"Origin": "https://example.org"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers
    before = client.options(f"{BASE}/search", headers={"Origin": "https://example.org"})
    assert before.status_code == 200
    assert "If-None-Match" in before.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in client.get("/sok").headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/search?antall=101", 400, "invalid-query"),
        ("GET", "/themes?side=0", 400, "invalid-query"),
        ("GET", "/lessons/000000000000", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("POST", "/search", 405, "method-not-allowed"),
    ],
)
def test_errors_are_problems_with_a_stable_code(
    client: FlaskClient, method: str, path: str, status: int, code: str
):
    answer = client.open(BASE + path, method=method, headers={"Accept-Language": "nn"})

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert set(answer.json) == {"type", "title", "status", "code", "detail"}
    assert (answer.json["status"], answer.json["code"]) == (status, code)
    assert answer.json["detail"].endswith(".")
    assert ("GET" in answer.headers.get("Allow", "")) is (status == 405)


def test_who_asks_too_often_is_told_when_to_come_back(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    auth.limiter.enabled = True
    monkeypatch.setattr(api, "PER_ADDRESS", "5 per minute")

    answers = [client.get(f"{BASE}/{path}") for path in ("phases", "themes") for _ in range(3)]

    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert answers[5].json["code"] == "too-many-requests"
    assert int(answers[5].headers["Retry-After"]) > 0
    assert client.get("/sok").status_code == 200, "pages are not counted"


def test_the_page_about_it_names_every_address_in_every_language(
    client: FlaskClient, document: dict
):
    for language in ("nb", "nn", "en"):
        client.set_cookie("sprak", language)
        page = client.get("/api").text
        assert f'<html lang="{language}"' in page
        assert all(f"GET {BASE}{path}" in page for path in document["paths"])


def test_the_public_address_is_the_one_that_is_set(world: World):
    config = replace(world.config, public_url="https://erfaring.example.no")
    client = create_app(config, world.encoder).test_client()

    lesson = client.get(f"{BASE}/lessons/{world.lessons['styret']}").json

    assert lesson["url"].startswith("https://erfaring.example.no/laerdom/")
    document = client.get(f"{BASE}/openapi.json").json
    assert document["servers"] == [{"url": "https://erfaring.example.no/api/v1"}]


# ---- what passing programs read


def test_search_engines_are_asked_to_stay_away(client: FlaskClient, world: World):
    robots = client.get("/robots.txt")

    assert robots.mimetype == "text/plain"
    assert robots.text == "User-agent: *\nDisallow: /\n"
    for path in ("/", f"/laerdom/{world.lessons['styret']}", f"{BASE}/search", "/feed/sok.atom"):
        assert client.get(path).headers["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("kind", ["laerdom", "rapport"])
def test_reference_managers_find_the_report(client: FlaskClient, world: World, kind: str):
    own = world.lessons["styret"] if kind == "laerdom" else world.reports["fjellvik"]
    page = client.get(f"/{kind}/{own}").text

    tags = {
        name: html.unescape(value)
        for name, value in re.findall(r'<meta name="citation_(\w+)" content="([^"]*)">', page)
    }
    assert tags == {
        "title": "Omstilling i Fjellvik <2017–2021>",
        "author": "Analyse AS",
        "technical_report_institution": "Analyse AS",
        "publication_date": "2021",
        "language": "nb",
        "public_url": f"http://localhost/rapport/{world.reports['fjellvik']}",
        "pdf_url": f"http://localhost/rapport/{world.reports['fjellvik']}/fil",
    }
