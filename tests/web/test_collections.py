"""A collection is its owner's alone; a link opens it to others until it is closed."""

import io
import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import docx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from kb.config import Config
from kb.domain import Status
from kb.store import Role, Store
from tests.make import set_status
from tests.web.conftest import site_over
from tests.web.staff import log_in, send, token_in
from tests.web.world import World


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, staffed: Path) -> Path:
    folder = tmp_path_factory.mktemp("collections") / "home"
    shutil.copytree(staffed, folder)
    return folder


@pytest.fixture(scope="module")
def site(home: Path, world: World) -> Flask:
    site = site_over(Config(home=home, corpus=world.config.corpus), world.encoder)
    site.testing = False
    return site


@pytest.fixture
def reader(site: Flask) -> FlaskClient:
    client = site.test_client()
    log_in(client, Role.READER)
    return client


@pytest.fixture
def stranger(site: Flask) -> FlaskClient:
    return site.test_client()


@pytest.fixture
def made(reader: FlaskClient, world: World) -> Iterator[str]:
    """Return the address of a collection of three lessons."""
    lessons = [world.lessons[word] for word in ("styret", "ingen", "arbeidet")]
    answer = send(reader, "/samlinger", "/samlinger", navn="Forstudie", l=lessons)
    assert answer.status_code == 303
    yield answer.location
    send(reader, f"{answer.location}/slett", "/samlinger")


def order(page: str) -> list[str]:
    return re.findall(r'id="l-([0-9a-f]{12})"', page)


def share(reader: FlaskClient, made: str) -> str:
    page = send(reader, f"{made}/del", made).text
    return re.search(r'value="http://localhost(/delt/[\w-]+)"', page)[1]


def test_a_lesson_is_saved_from_its_page_and_the_page_says_where(reader: FlaskClient, world: World):
    lesson = world.lessons["styret"]
    page = f"/laerdom/{lesson}"

    answer = send(reader, "/samlinger/lagre", page, laerdom=lesson, samling="ny", tilbake=page)

    assert answer.status_code == 303
    assert answer.location == f"{page}#lagre-{lesson}"
    assert "Lagret i «Min samling»" in reader.get(page).text
    assert "Min samling" in reader.get("/samlinger").text


def test_saving_goes_to_the_collection_used_last(reader: FlaskClient, made: str, world: World):
    lesson = world.lessons["the"]

    send(reader, "/samlinger/lagre", made, laerdom=lesson, tilbake="//annet.example/")

    assert order(reader.get(made).text)[-1] == lesson


def test_saving_leads_to_no_other_site(reader: FlaskClient, made: str, world: World):
    lesson = world.lessons["the"]

    answer = send(reader, "/samlinger/lagre", made, laerdom=lesson, tilbake="//annet.example/")

    assert answer.location == f"/#lagre-{lesson}"


def test_what_is_not_published_cannot_be_saved(reader: FlaskClient, made: str, world: World):
    hidden = world.lessons["dette"]

    assert send(reader, "/samlinger/lagre", made, laerdom=hidden).status_code == 404
    assert hidden not in reader.get(made).text


def test_lessons_move_by_a_button(reader: FlaskClient, made: str, world: World):
    a, b, c = (world.lessons[word] for word in ("styret", "ingen", "arbeidet"))

    answer = send(reader, f"{made}/laerdom/{c}/flytt", made, retning="opp")

    assert answer.location == f"{made}#l-{c}"
    assert order(reader.get(made).text) == [a, c, b]


def test_a_removed_lesson_comes_back_by_a_button(reader: FlaskClient, made: str, world: World):
    a, b, c = (world.lessons[word] for word in ("styret", "ingen", "arbeidet"))

    send(reader, f"{made}/laerdom/{b}/fjern", made)
    page = reader.get(made).text
    assert order(page) == [a, c]
    assert f'action="{made}/laerdom/{b}/tilbake"' in page
    send(reader, f"{made}/laerdom/{b}/tilbake", made)

    assert order(reader.get(made).text) == [a, b, c]


def test_name_introduction_and_comment_are_kept_as_plain_text(
    reader: FlaskClient, made: str, world: World
):
    lesson = world.lessons["styret"]

    send(reader, f"{made}/beskriv", made, navn="<b>Ny</b>", innledning="Linje 1\r\nLinje 2")
    send(reader, f"{made}/laerdom/{lesson}/kommentar", made, kommentar="<i>Viktig</i>")

    page = reader.get(made).text
    assert "&lt;b&gt;Ny&lt;/b&gt;" in page
    assert "&lt;i&gt;Viktig&lt;/i&gt;" in page
    assert "Linje 1\nLinje 2" in page


def test_a_deleted_collection_is_restored_from_the_list(reader: FlaskClient, made: str):
    send(reader, f"{made}/slett", made)
    assert reader.get(made).status_code == 404

    send(reader, f"{made}/gjenopprett", "/samlinger")

    assert reader.get(made).status_code == 200


def test_a_collection_is_taken_along_with_its_comments(
    reader: FlaskClient, made: str, world: World
):
    lesson = world.lessons["ingen"]
    send(reader, f"{made}/laerdom/{lesson}/kommentar", made, kommentar="Ta opp med Kari.")

    answer = reader.get(f"{made}/eksport/docx?gruppe=")

    texts = [one.text for one in docx.Document(io.BytesIO(answer.data)).paragraphs]
    assert texts[0] == "Forstudie"
    assert "Kommentar: Ta opp med Kari." in texts
    assert f"Adresse: http://localhost{made}" in texts


def test_a_withdrawn_lesson_is_shown_as_withdrawn_and_its_words_nowhere(
    reader: FlaskClient, made: str, home: Path, world: World
):
    lesson = world.lessons["ingen"]
    shared = share(reader, made)
    with Store.open(home) as store:
        words = store.lessons([lesson])[lesson].statement
        set_status(store, [lesson], Status.RETIRED)

        pages = [reader.get(made).text, reader.get(shared).text]
        file = reader.get(f"{made}/eksport/md").text
        set_status(store, [lesson], Status.PUBLISHED)

    assert all(lesson in page and "er trukket tilbake" in page for page in pages)
    assert all(words not in page for page in [*pages, file])
    assert "1 lærdom i samlingen er trukket tilbake og er ikke med." in file
    assert words in reader.get(made).text


# ---- who may


PLACES = [
    ("GET", ""),
    ("GET", "/eksport/docx"),
    *(("POST", f"/{act}") for act in ("beskriv", "slett", "gjenopprett", "del", "slutt-aa-dele")),
    *(("POST", f"/laerdom/{{lesson}}/{act}") for act in ("flytt", "kommentar", "fjern", "tilbake")),
]


@pytest.mark.parametrize(("method", "place"), PLACES)
def test_another_persons_collection_does_not_exist(
    site: Flask, reader: FlaskClient, made: str, world: World, method: str, place: str
):
    other = site.test_client()
    log_in(other, Role.EDITOR)
    path = made + place.format(lesson=world.lessons["styret"])
    before = order(reader.get(made).text)

    answer = other.get(path) if method == "GET" else send(other, path, "/samlinger", navn="Min")

    assert answer.status_code == 404
    assert order(reader.get(made).text) == before
    assert "Forstudie" in reader.get(made).text


@pytest.mark.parametrize(("method", "place"), [("GET", ""), ("POST", ""), ("POST", "/lagre")])
def test_without_an_account_there_are_no_collections(
    stranger: FlaskClient, method: str, place: str
):
    answer = stranger.open(f"/samlinger{place}", method=method, data={"navn": "x"})

    assert (answer.status_code, answer.location) in {
        (303, "/inn?neste=/samlinger"),
        (400, None),  # no token of a session
    }


@pytest.mark.parametrize("place", [place for method, place in PLACES if method == "POST"])
def test_a_form_of_another_site_changes_nothing(
    reader: FlaskClient, made: str, world: World, place: str
):
    before = reader.get(made).text

    answer = reader.post(made + place.format(lesson=world.lessons["styret"]), data={"navn": "x"})

    assert answer.status_code == 400
    assert order(reader.get(made).text) == order(before)


def test_a_link_shows_the_collection_to_anyone_and_lets_nobody_change_it(
    reader: FlaskClient, stranger: FlaskClient, made: str, world: World
):
    lesson = world.lessons["styret"]
    send(reader, f"{made}/laerdom/{lesson}/kommentar", made, kommentar="Les denne.")

    shared = share(reader, made)
    answer = stranger.get(shared)

    assert answer.status_code == 200
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in answer.headers
    assert len(order(answer.text)) == 3
    assert "Les denne." in answer.text
    assert "leser" not in answer.text  # the owner's name
    forms = re.findall(r'<form[^>]*action="([^"]+)"', answer.text)
    assert not [one for one in forms if one.startswith("/samlinger")]
    assert stranger.get(f"{shared}/eksport/csv").status_code == 200
    assert stranger.get(made).status_code == 303


def test_the_link_is_shown_once_and_ends_when_the_owner_says_so(
    reader: FlaskClient, stranger: FlaskClient, made: str
):
    shared = share(reader, made)
    assert shared not in reader.get(made).text

    answer = send(reader, f"{made}/slutt-aa-dele", made)

    assert answer.location == made
    for path in (shared, f"{shared}/eksport/csv"):
        gone = stranger.get(path)
        assert gone.status_code == 404
        assert "Det kan være fjernet" in gone.text


def test_a_link_that_was_never_made_is_not_found(stranger: FlaskClient):
    assert stranger.get("/delt/" + "a" * 32).status_code == 404


def test_the_log_holds_no_link(
    reader: FlaskClient, stranger: FlaskClient, made: str, caplog: pytest.LogCaptureFixture
):
    shared = share(reader, made)

    with caplog.at_level(logging.INFO):
        stranger.get(shared)
        stranger.get(f"{shared}/eksport/csv")
        stranger.get(f"{shared}x")

    assert "/delt/…" in caplog.text
    assert shared.removeprefix("/delt/") not in caplog.text


def test_a_collection_in_the_address_can_be_kept_in_the_account(reader: FlaskClient, world: World):
    lesson = world.lessons["styret"]
    page = reader.get(f"/samling?l={lesson}").text

    answer = reader.post("/samlinger", data={"csrf_token": token_in(page), "l": [lesson]})

    assert order(reader.get(answer.location).text) == [lesson]
