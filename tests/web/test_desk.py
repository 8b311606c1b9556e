"""The desk: closed to others, what waits, all reports, all accounts."""

import re
import shutil
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from kb.config import Config
from kb.desk import Desk
from kb.domain import ReportStatus
from kb.store import Role, Store
from tests.web.conftest import site_over
from tests.web.staff import add_staff, log_in, send, token
from tests.web.world import CORPUS, World
from web import create_app


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, staffed: Path) -> Path:
    """Return a copy that the tests of this file share."""
    return Path(shutil.copytree(staffed, tmp_path_factory.mktemp("desk") / "home"))


@pytest.fixture(scope="module")
def app(home: Path, world: World) -> Flask:
    return site_over(Config(home=home, corpus=CORPUS), world.encoder)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


# ---- closed to others


def addresses(app: Flask, method: str) -> list[tuple[Rule, str]]:
    """Return an address for every rule of the desk with this method, its blanks filled in."""
    filled = {"job_id": 1, "number": 1, "change_id": 1}
    return [
        (rule, rule.build({name: filled.get(name, "0" * 12) for name in rule.arguments})[1])
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/desk") and method in rule.methods
    ]


def test_there_is_a_desk_to_be_guarded(app: Flask):
    assert len(addresses(app, "GET")) >= 5
    assert len(addresses(app, "POST")) >= 6


def test_strangers_are_led_to_the_login_page(app: Flask, client: FlaskClient):
    for rule, path in addresses(app, "GET"):
        answer = client.get(path)
        assert answer.status_code == 303, rule
        assert answer.headers["Location"].startswith("/inn?neste=/desk"), rule
        assert "Set-Cookie" not in answer.headers


def test_a_script_of_a_stranger_is_told_to_load_the_page_anew(app: Flask, client: FlaskClient):
    for rule, path in addresses(app, "GET"):
        answer = client.get(path, headers={"HX-Request": "true"})
        assert answer.status_code == 401, rule
        assert answer.headers["HX-Refresh"] == "true"
        assert answer.text == ""


def test_strangers_change_nothing_even_with_a_token(app: Flask, client: FlaskClient):
    form = {"csrf_token": token(client)}
    for rule, path in addresses(app, "POST"):
        answer = client.post(path, data=form)
        assert answer.status_code == 401, rule
        assert "Du må logge inn" in answer.text
        assert 'href="/inn"' in answer.text


def test_readers_see_and_change_nothing_of_the_desk(app: Flask, client: FlaskClient):
    log_in(client, Role.READER)
    form = {"csrf_token": token(client, "/")}
    for rule, path in addresses(app, "GET"):
        assert client.get(path).status_code == 403, rule
    for rule, path in addresses(app, "POST"):
        answer = client.post(path, data=form)
        assert answer.status_code == 403, rule
        assert "Kontoen din har ikke lov" in answer.text


def test_accounts_are_for_administrators(client: FlaskClient, editor: FlaskClient):
    assert editor.get("/desk/brukere").status_code == 403
    send(editor, "/ut")
    log_in(client, Role.ADMINISTRATOR)
    page = client.get("/desk/brukere").text

    assert [name in page for name in ("kari", "leser", "sjef")] == [True] * 3
    assert "argon2" not in page


_WITHOUT_TOKEN = {
    "about.choose_language",  # changes the reader's own cookie
    "questions.ask",  # keeps nothing
    "questions.export",
    "saved.confirm",  # the key in the e-mail is the token
    "saved.stop_now",
}


def test_no_form_of_the_site_is_taken_without_its_token(app: Flask, editor: FlaskClient):
    """Every POST there is, but those that change nothing of an account or are opened by a key."""
    posts = [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods]
    for rule in posts:
        filled = {"job_id": 1, "number": 1, "change_id": 1, "token": "x"}
        path = rule.build({name: filled.get(name, "0" * 12) for name in rule.arguments})[1]
        answer = editor.post(path)
        if rule.endpoint in _WITHOUT_TOKEN:
            assert answer.status_code in {200, 302, 303, 400, 404, 410}, rule
            continue
        assert answer.status_code == 400, rule
        assert "form-expired" in answer.text, rule
        assert editor.post(path, data={"csrf_token": "x"}).status_code == 400, rule


def test_getting_changes_nothing(app: Flask, editor: FlaskClient, home: Path):
    with Store.open(home) as store:
        before = store.generation(), store.jobs.list(), len(store.changes.history())
        for _rule, path in addresses(app, "GET"):
            editor.get(path)
        assert (store.generation(), store.jobs.list(), len(store.changes.history())) == before


# ---- what waits


def test_the_desk_shows_what_waits_and_where_to_decide(editor: FlaskClient, world: World):
    page = editor.get("/desk").text

    assert "1 forslag venter" in text_of(page)
    assert f'href="/desk/rapport/{world.reports["kladd"]}"' in page
    assert world.reports["fjellvik"] not in page, "all of it is decided"


def test_a_report_without_open_proposals_is_ready(editor: FlaskClient, home: Path, world: World):
    with Store.open(home) as store:
        ids = store.lesson_ids(report_id=world.reports["kladd"])
        seen = {one.id: one.version for one in store.lessons(ids).values()}
        desk = Desk(store, lambda: world.encoder, "kari")
        change = desk.approve(seen)
        page = text_of(editor.get("/desk").text)
        desk.undo(change)

    assert "Klare til å publiseres" in page
    assert "1 godkjent lærdom" in page
    assert "Forslag å ta stilling til" not in page


def test_an_empty_desk_says_so(tmp_path: Path, world: World):
    add_staff(tmp_path)
    client = create_app(Config(home=tmp_path, corpus=CORPUS), world.encoder).test_client()
    log_in(client)

    assert "Ingenting venter." in client.get("/desk").text
    assert "Ingen filer er på vei inn." in client.get("/desk/inn").text
    assert "Ingen rapporter her." in client.get("/desk/rapporter").text


# ---- all reports


def test_the_list_shows_every_report_with_its_counts(editor: FlaskClient, world: World):
    page = editor.get("/desk/rapporter").text

    for report in world.reports.values():
        assert f'href="/desk/rapport/{report}"' in page
    rows = {row.split("</h2>")[0]: text_of(row) for row in page.split("<h2")[1:]}
    fjellvik = next(row for row in rows.values() if "Fjellvik" in row)
    assert "5 publiserte" in fjellvik
    assert "1 avvist" in fjellvik
    assert "venter" not in fjellvik


def test_the_list_is_picked_by_status(editor: FlaskClient, world: World):
    shown = {
        status: set(
            re.findall(r"/desk/rapport/(\w+)", editor.get(f"/desk/rapporter?status={status}").text)
        )
        for status in ReportStatus
    }

    assert shown[ReportStatus.CANDIDATE] == {world.reports["kladd"]}
    assert shown[ReportStatus.PUBLISHED] == set(world.reports.values()) - {world.reports["kladd"]}
    assert shown[ReportStatus.TRASHED] == set()


def test_the_trash_is_apart(editor: FlaskClient, home: Path, world: World):
    kladd = world.reports["kladd"]
    with Store.open(home) as store:
        desk = Desk(store, lambda: world.encoder, "kari")
        change = desk.trash(kladd, store.report(kladd).version)
        everything = editor.get("/desk/rapporter").text
        trash = editor.get("/desk/rapporter?status=trashed").text
        front = editor.get("/desk").text
        desk.undo(change)

    assert kladd not in everything
    assert kladd not in front
    assert f'href="/desk/rapport/{kladd}"' in trash
    assert "I papirkurven (1)" in text_of(everything)


@pytest.mark.parametrize("status", ["x", "published'--", "<b>", "PUBLISHED"])
def test_a_status_that_does_not_exist_shows_all(editor: FlaskClient, status: str):
    answer = editor.get("/desk/rapporter", query_string={"status": status})

    assert answer.status_code == 200
    assert answer.text.count("<h2") == editor.get("/desk/rapporter").text.count("<h2") > 0
    assert "<b>" not in answer.text


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_page_of_the_desk_answers_in_every_language(client: FlaskClient, language: str):
    log_in(client, Role.ADMINISTRATOR)
    client.set_cookie("sprak", language)

    for path in ("/desk", "/desk/inn", "/desk/rapporter", "/desk/brukere"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert f'<html lang="{language}"' in answer.text
        assert " style=" not in answer.text
        assert not re.search(r"<script(?![^>]*src=)", answer.text)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
