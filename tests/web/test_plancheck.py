"""The plan check as a visitor meets it: no login, nothing kept, a file to take home."""

import io
import re
import threading

import pytest
from docx import Document
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ingest import PlanCheck
from kb.errors import PlanBusyError
from tests.web.world import FJELLVIK, World
from web import plans as kept
from web.plans import Plans
from web.views import plancheck

PLAN = f"""1 Styret

{FJELLVIK[1][1]}

2 Noe annet

Elgen gikk over veien i tåka, og ingen så den før det var for sent å bremse.
"""
EMPTY = PlanCheck(name="", sections=(), touched=(), untouched=())


def send(client: FlaskClient, **fields: object) -> TestResponse:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/plansjekk").text)[1]
    return client.post("/plansjekk", data={"csrf_token": token, **fields})


def checked(client: FlaskClient, app: Flask, **fields: object) -> str:
    """Send a plan, wait until it is checked and return the address of the result."""
    address = send(client, **fields).headers["Location"]
    one = app.extensions["plans"]._known[address.rsplit("/", 1)[1]]
    assert one.done.wait(60)
    return address


def test_a_pasted_plan_gets_lessons_by_section_with_quote_and_page(
    client: FlaskClient, app: Flask, world: World
) -> None:
    page = client.get(checked(client, app, plan=PLAN))

    assert page.status_code == 200
    assert "2 avsnitt" in page.text
    assert 'id="avsnitt-1"' in page.text
    assert f'href="/laerdom/{world.lessons["styret"]}"' in page.text
    assert f"/kilde/{world.reports['fjellvik']}/side/2" in page.text
    assert "Vi fant ingen lærdommer som passer til: 2 Noe annet." in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_the_result_is_a_word_file_with_the_same_lessons(client: FlaskClient, app: Flask) -> None:
    file = (io.BytesIO(PLAN.encode()), "../min plan.txt")
    address = checked(client, app, fil=file)

    answer = client.get(f"{address}/docx")

    texts = [one.text for one in Document(io.BytesIO(answer.data)).paragraphs]
    assert texts[0] == "Plansjekk: min plan.txt"
    assert "1 Styret" in texts
    assert f"«{FJELLVIK[1][1]}»" in texts
    assert client.get(f"{address}/exe").status_code == 404


def test_only_the_browser_that_sent_a_plan_sees_what_came_of_it(
    client: FlaskClient, app: Flask
) -> None:
    address = checked(client, app, plan=PLAN)

    other = app.test_client().get(address)

    assert other.status_code == 404
    assert "Resultatet er ikke her lenger" in other.text
    assert app.test_client().get(f"{address}/docx").status_code == 404


def test_a_plan_that_cannot_be_read_is_told_so_and_the_text_is_kept_in_the_form(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plancheck, "_AT_ONCE_S", 60)

    nothing = send(client, plan="  ")
    picture = send(client, plan="min tekst", fil=(io.BytesIO(b"\0\1\2"), "a.png"))

    assert (nothing.status_code, picture.status_code) == (422, 422)
    assert "Vi fant ingen tekst i planen" in nothing.text
    assert "Vi leser PDF, Word (.docx) og ren tekst" in picture.text
    assert "min tekst</textarea>" in picture.text


def test_a_form_without_its_token_is_refused(client: FlaskClient) -> None:
    assert client.post("/plansjekk", data={"plan": PLAN}).status_code == 400


def test_a_check_under_way_shows_its_progress(client: FlaskClient, app: Flask) -> None:
    go, told = threading.Event(), threading.Event()
    client.get("/plansjekk")
    with client.session_transaction() as session:
        session["plansjekk"] = "me"

    def work(tell: object) -> PlanCheck:
        tell(0.4)
        told.set()
        assert go.wait(60)
        return EMPTY

    address = f"/plansjekk/{app.extensions['plans'].begin('me', work)}"
    assert told.wait(60)
    waiting, part = client.get(address), client.get(address, headers={"HX-Request": "true"})
    go.set()

    assert "<noscript><meta http-equiv" in waiting.text
    assert "40 prosent" in part.text
    assert "<html" not in part.text


def test_when_it_is_done_the_waiting_page_gives_way(client: FlaskClient, app: Flask) -> None:
    address = checked(client, app, plan=PLAN)

    assert client.get(address, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def test_so_many_may_wait_and_no_more() -> None:
    go, all_of_them = threading.Event(), Plans()

    def work(_tell: object) -> PlanCheck:
        assert go.wait(60)
        return EMPTY

    words = [all_of_them.begin("me", work) for _ in range(4)]
    with pytest.raises(PlanBusyError):
        all_of_them.begin("me", work)
    go.set()

    assert all(all_of_them.get(word, "me").done.wait(60) for word in words)
    assert all_of_them.get(words[0], "you") is None
    assert all_of_them.get(words[0], None) is None


def test_a_result_is_gone_after_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them = Plans()
    word = all_of_them.begin("me", lambda _tell: EMPTY)
    assert all_of_them.get(word, "me").done.wait(60)

    monkeypatch.setattr(kept, "KEPT_S", -1)

    assert all_of_them.get(word, "me") is None


def test_an_error_nobody_foresaw_is_told_as_one_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    all_of_them = Plans()

    word = all_of_them.begin("me", lambda _tell: 1 / 0)

    one = all_of_them.get(word, "me")
    assert one.done.wait(60)
    assert one.error.code == "internal"
    assert "ZeroDivisionError" in caplog.text
