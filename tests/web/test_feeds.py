"""Feeds: what a program that follows the base reads, and that it is told only what is published."""

import html
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient

from kb.domain import Status
from kb.store import Store
from tests.make import set_status
from tests.web.world import FJELLVIK, NOTE, World, build_world
from web import auth, create_app

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(autouse=True)
def uncounted() -> Iterator[None]:
    auth.limiter.reset()
    yield
    auth.limiter.reset()


def read(client: FlaskClient, path: str) -> ET.Element:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "application/atom+xml"
    return ET.fromstring(answer.data)


def text(element: ET.Element, name: str) -> str:
    return element.find(ATOM + name).text


def link(element: ET.Element, relation: str) -> str:
    [found] = [one for one in element.findall(ATOM + "link") if one.get("rel") == relation]
    return found.get("href")


def ids(feed: ET.Element) -> list[str]:
    return [text(one, "id").rpartition("/")[2] for one in feed.findall(ATOM + "entry")]


FEEDS = [
    "/feed/sok.atom?q=styret+seminar",
    "/feed/sok.atom?tema=styreseminar&fase=gjennomforing",
    "/feed/sok.atom?q=xyzzy",
    "/feed/tema/styreseminar.atom",
    "/feed/program/fjellvik.atom",
    "/feed/fase/strategi.atom",
]


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_has_all_that_atom_asks_for(client: FlaskClient, path: str):
    feed = read(client, path)

    assert feed.tag == ATOM + "feed"
    assert text(feed, "id").startswith("tag:localhost,2026:feed/")
    assert text(feed, "title").startswith("Erfaringsbanken: ")
    assert link(feed, "self") == f"http://localhost{path}"
    assert client.get(urlsplit(link(feed, "alternate"))._replace(scheme="", netloc="").geturl())
    entries = feed.findall(ATOM + "entry")
    times = [text(one, "updated") for one in entries]
    assert times == sorted(times, reverse=True)
    assert text(feed, "updated") == max(times, default=text(feed, "updated"))
    assert len(set(ids(feed))) == len(entries)
    for one in [feed, *entries]:
        assert one.find(f"{ATOM}author/{ATOM}name").text
        assert text(one, "updated")[-6:] == "+00:00"


def test_an_entry_is_the_lesson_with_quote_page_and_address(client: FlaskClient, world: World):
    feed = read(client, "/feed/tema/styreseminar.atom")
    lesson, report = world.lessons["styret"], world.reports["fjellvik"]
    [entry] = [
        one for one in feed if one.tag == ATOM + "entry" and text(one, "id").endswith(lesson)
    ]

    assert text(entry, "id") == f"tag:localhost,2026:laerdom/{lesson}"
    assert text(entry, "title") == FJELLVIK[1][1]
    assert link(entry, "alternate") == f"http://localhost/laerdom/{lesson}"
    assert link(entry, "via") == f"http://localhost/kilde/{report}/side/2?l={lesson}"
    content = html.unescape(text(entry, "content"))
    for quote, page in ((FJELLVIK[1][1], 2), (FJELLVIK[2][3], 3)):
        assert f"«{quote}»" in content
        assert f"/kilde/{report}/side/{page}?l={lesson}" in content
    assert "Fjellvik i vekst, side 2" in content
    assert NOTE in content
    assert {one.get("term") for one in entry.findall(ATOM + "category")} == {
        "styreseminar", "styrearbeid",
    }  # fmt: skip


def test_a_feed_holds_what_the_page_of_the_same_holds(client: FlaskClient):
    for feed, page in [
        ("/feed/sok.atom?q=styret+seminar", "/api/v1/search?q=styret+seminar&antall=100"),
        ("/feed/tema/portefolje.atom", "/api/v1/search?tema=portefolje&antall=100"),
        ("/feed/program/sundet.atom", "/api/v1/search?program=sundet&antall=100"),
        ("/feed/fase/avslutning.atom", "/api/v1/search?fase=avslutning&antall=100"),
    ]:
        found = {one["id"] for one in client.get(page).json["results"]}
        assert found
        assert set(ids(read(client, feed))) == found


def test_a_feed_speaks_the_language_in_its_address(client: FlaskClient):
    client.set_cookie("sprak", "en")

    feeds = [
        read(client, f"/feed/fase/gjennomforing.atom{query}")
        for query in ("", "?sprak=nn", "?sprak=en", "?sprak=x")
    ]

    said = [one.get("{http://www.w3.org/XML/1998/namespace}lang") for one in feeds]
    assert said == ["nb", "nn", "en", "nb"]
    assert text(feeds[0], "title") == "Erfaringsbanken: Gjennomføring"
    assert text(feeds[2], "title") == "Erfaringsbanken: Implementation"


def test_what_is_published_last_stands_first_and_what_is_taken_back_is_gone(tmp_path: Path):
    world = build_world(tmp_path)
    client = create_app(world.config, world.encoder).test_client()
    first = ids(read(client, "/feed/sok.atom"))
    rejected = world.lessons["seminaret"]

    with Store.open(tmp_path) as store:
        set_status(store, [first[0]], Status.REJECTED)
        set_status(store, [rejected], Status.PUBLISHED)

    after = ids(read(client, "/feed/sok.atom"))
    assert rejected not in first
    assert after == [rejected, *first[1:]]


def test_no_more_than_fifty_stand_in_a_feed(client: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("web.feeds.MAX_ENTRIES", 3)

    assert len(ids(read(client, "/feed/tema/portefolje.atom"))) == 3


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/feed/tema/finnes-ikke.atom", 404),
        ("/feed/program/kladd.atom", 404),
        ("/feed/program/finnes-ikke.atom", 404),
        ("/feed/fase/midten.atom", 404),
        ("/feed/sok.atom?type=x", 400),
    ],
)
def test_there_is_no_feed_of_what_is_not_there(client: FlaskClient, path: str, status: int):
    assert client.get(path).status_code == status


@pytest.mark.parametrize("path", ["/tema/styreseminar", "/program/fjellvik"])
def test_a_page_tells_programs_where_its_feed_is(client: FlaskClient, path: str):
    page = client.get(path).text

    assert 'type="application/atom+xml" title=' in page
    assert f'href="/feed{path}.atom"' in page


def test_what_xml_cannot_hold_does_not_break_a_feed(client: FlaskClient):
    feed = read(client, "/feed/sok.atom?q=%0c%01%EF%BF%BF<b>&tema=%02")

    assert "<b>" in text(feed, "title")
