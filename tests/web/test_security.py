"""Nothing foreign runs, nothing leaks, and errors say little to strangers."""

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kb.domain import Lesson
from kb.errors import StaleIndexError
from tests.fakes import BrokenEncoder
from tests.web.test_routes import addresses
from tests.web.world import World
from web import create_app
from web.present import marked


def test_every_answer_carries_the_policy(client: FlaskClient, world: World):
    paths = [*addresses(world).values(), "/finnes-ikke", "/healthz", "/static/site.css"]
    for path in paths:
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Robots-Tag"] == "noindex"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_nonce_is_new_every_time_and_that_of_the_page(client: FlaskClient):
    nonces = set()
    for _ in range(3):
        answer = client.get("/sok")
        [nonce] = re.findall(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
        assert set(re.findall(r'nonce="([^"]+)"', answer.text)) == {nonce}
        nonces.add(nonce)
    assert len(nonces) == 3


def test_no_page_has_inline_code_or_style(client: FlaskClient, world: World):
    for path in addresses(world).values():
        page = client.get(path).text
        assert " style=" not in page
        assert "<style" not in page
        assert not re.search(r"\son\w+=", page)
        assert not re.search(r"<script(?![^>]*src=)", page)
        assert "javascript:" not in page


def test_every_page_fetches_from_itself_only(client: FlaskClient, world: World):
    for path in addresses(world).values():
        page = client.get(path).text
        fetched = re.findall(
            r'<(?:script|link|img|image|use|iframe)[^>]*(?:src|href)="([^"]*)"', page
        )
        assert all(address.startswith("/") and address[:2] != "//" for address in fetched)


@pytest.mark.parametrize(
    "evil",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "%(x)s %s %d {0}"],
)
def test_what_the_reader_writes_is_shown_as_text(client: FlaskClient, evil: str):
    page = client.get("/sok", query_string={"q": evil, "tema": evil}).text

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert ">49<" not in page
    assert page.count("Valgte filtre") == 1


def test_marks_in_a_quote_cannot_bring_code_in():
    quote = '<a>before <b onclick="x">«A & B»</b> <i>after'

    shown = marked(quote, [(10, 14), (13, 20), (5, 5), (30, 33)])

    assert html.unescape(re.sub("</?mark>", "", shown)) == quote
    assert not re.search("<(?!/?mark>)", shown)
    assert shown.count("<mark>") == 2
    assert marked("ab", [(1, 99)]) == "a<mark>b</mark>"


def test_a_wrong_method_is_refused(client: FlaskClient):
    answer = client.post("/sok")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_a_large_form_is_refused(client: FlaskClient):
    assert client.post("/sprak", data={"sprak": "n" * 100_000}).status_code in {400, 413}


def test_a_missing_model_is_our_fault_and_says_so(world: World):
    broken = create_app(world.config, BrokenEncoder()).test_client()

    answer = broken.get("/sok?q=styret")
    machine = broken.get("/api/v1/search?q=styret")

    assert answer.status_code == 503
    assert "Språkmodellen kan ikke lastes" in answer.text
    assert "on purpose" not in answer.text
    assert machine.status_code == 503
    assert machine.json["code"] in {"model-unavailable", "stale-index"}
    assert broken.get("/").status_code == 200, "pages that need no model still answer"


def test_a_fault_of_ours_is_500_without_its_details(
    app: Flask,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    def fail(*_args: object) -> Lesson:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("web.views.lessons.published_lesson", fail)
    answer = client.get("/laerdom/x")

    assert answer.status_code == 500
    assert "Noe gikk galt hos oss" in answer.text
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text


def test_a_stale_index_tells_operations_what_to_run(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    def stale(*_args: object) -> Lesson:
        raise StaleIndexError("another model")

    monkeypatch.setattr("web.views.lessons.published_lesson", stale)
    answer = client.get("/laerdom/x")

    assert answer.status_code == 503
    assert "kb reindex" in answer.text
    assert "stale-index" in answer.text
