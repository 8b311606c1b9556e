"""Who gets in, for how long, and what nobody gets by trying."""

import re
import time
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kb.accounts import add_user, make_link, set_password
from kb.config import Config
from kb.store import Role, Store
from tests.fakes import WordHashEncoder
from tests.web.conftest import site_over
from tests.web.staff import NAMES, PASSWORD, add_staff, log_in, send, token
from tests.web.world import CORPUS
from web import create_app


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("auth")
    add_staff(folder)
    return folder


@pytest.fixture(scope="module")
def app(home: Path) -> Flask:
    return site_over(Config(home=home, corpus=CORPUS), WordHashEncoder())


NEW = "fem varme kaker"


def change(
    client: FlaskClient, old: str = PASSWORD, new: str = NEW, again: str = ""
) -> TestResponse:
    """Send the form for another password."""
    return send(client, "/konto", "/konto", passord=old, nytt=new, gjentatt=again or new)


def is_in(client: FlaskClient) -> bool:
    return client.get("/desk").status_code == 200


# ---- getting in


@pytest.mark.parametrize("name", ["kari", "Kari", " kari "])
def test_name_and_password_let_in(client: FlaskClient, name: str):
    answer = log_in(client, name=name)

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/desk"
    assert is_in(client)
    assert "Logget inn som kari" in client.get("/").text


@pytest.mark.parametrize(
    ("name", "password"),
    [("kari", "feil passord her"), ("ukjent", PASSWORD), ("", ""), ("kari", ""), ("<b>", "x\0y")],
)
def test_the_answer_does_not_tell_what_was_wrong(client: FlaskClient, name: str, password: str):
    form = {"navn": name, "passord": password, "csrf_token": token(client)}
    answer = client.post("/inn", data=form)

    assert answer.status_code == 401
    assert not is_in(client)
    [told] = re.findall(r'role="alert" id="wrong"><p>(.*?)</p>', answer.text)
    assert told.startswith("Brukernavnet eller passordet er feil.")
    assert PASSWORD not in answer.text


def test_a_closed_account_stays_out_and_is_thrown_out(client: FlaskClient, store: Store):
    log_in(client)
    store.accounts.disable("kari")
    try:
        assert not is_in(client)
        assert log_in(client).status_code == 401
    finally:
        store.accounts.enable("kari")


def test_who_is_in_is_not_asked_again(client: FlaskClient):
    log_in(client)

    assert client.get("/inn?neste=/desk/rapporter").headers["Location"] == "/desk/rapporter"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("/desk/rapporter?status=trashed", "/desk/rapporter?status=trashed"),
        ("//ond.example", "/desk"),
        ("https://ond.example/desk", "/desk"),
        ("/\\ond.example", "/desk"),
        ("javascript:alert(1)", "/desk"),
        ("/\r\nSet-Cookie: a=b", "/desk"),
        ("", "/desk"),
    ],
)
def test_logging_in_leads_to_a_page_of_this_site_only(
    client: FlaskClient, wanted: str, expected: str
):
    form = {"navn": "kari", "passord": PASSWORD, "neste": wanted, "csrf_token": token(client)}

    assert client.post("/inn", data=form).headers["Location"] == expected
    assert client.get("/inn", query_string={"neste": wanted}).headers["Location"] == expected


@pytest.mark.parametrize("wanted", ["", "/desk/rapporter"])
def test_a_reader_is_led_to_what_readers_see(client: FlaskClient, store: Store, wanted: str):
    form = {"navn": "leser", "passord": PASSWORD, "neste": wanted, "csrf_token": token(client)}

    assert client.post("/inn", data=form).headers["Location"] == "/"
    assert client.get("/inn", query_string={"neste": wanted}).headers["Location"] == "/"
    path = f"/inn/{make_link(store, 'leser', 60)}"
    assert send(client, path, page=path).headers["Location"] == "/"


def test_a_page_asked_for_before_logging_in_is_come_back_to(client: FlaskClient):
    asked = client.get("/desk/rapporter?status=trashed")

    assert asked.status_code == 303
    assert asked.headers["Location"] == "/inn?neste=/desk/rapporter?status%3Dtrashed"
    page = client.get(asked.headers["Location"]).text
    assert 'name="neste" value="/desk/rapporter?status=trashed"' in page


# ---- sessions


def test_logging_in_leaves_nothing_of_the_session_before(client: FlaskClient):
    """Fixation: a cookie that somebody planted before is worth nothing afterwards."""
    before = token(client)
    planted = client.get_cookie("okt").value
    log_in(client)

    assert client.get_cookie("okt").value != planted
    assert client.post("/ut", data={"csrf_token": before}).status_code == 400
    client.set_cookie("okt", planted)
    assert not is_in(client)


def test_a_session_that_was_ended_is_dead_also_for_a_thief(client: FlaskClient):
    log_in(client)
    stolen = client.get_cookie("okt").value

    answer = send(client, "/ut")

    assert answer.status_code == 303
    assert "Du er logget ut" in client.get(answer.headers["Location"]).text
    client.set_cookie("okt", stolen)
    assert not is_in(client)


def test_a_new_password_ends_all_sessions(app: Flask, client: FlaskClient, store: Store):
    other = app.test_client()
    log_in(client)
    log_in(other)

    set_password(store, "kari", PASSWORD)

    assert not is_in(client)
    assert not is_in(other)


def test_another_role_counts_from_the_next_page(client: FlaskClient, store: Store):
    log_in(client)
    store.accounts.set_role("kari", Role.READER)
    try:
        assert client.get("/desk").status_code == 403
    finally:
        store.accounts.set_role("kari", Role.EDITOR)


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(client: FlaskClient):
    cookie = log_in(client).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    ("base", "is_secure"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
        ("http://[::1]:8000", False),
        ("https://localhost", True),
        ("https://bank.example", True),
        ("http://bank.example", True),
        ("http://127.0.0.1.ond.example", True),
    ],
)
def test_the_cookie_travels_over_tls_unless_on_this_machine(
    client: FlaskClient, base: str, is_secure: bool
):
    cookie = client.get("/inn", base_url=base).headers["Set-Cookie"]

    assert ("Secure" in cookie) == is_secure


def test_a_session_ends_after_twelve_idle_hours(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    log_in(client)
    start = int(time.time())

    for hours, expected in ((11, True), (22, True), (34.1, False)):
        at = start + int(hours * 3_600)
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda at=at: at)
        cookie = client.get_cookie("okt")
        client.set_cookie("okt", cookie.value)  # the client keeps it; the server must refuse it
        assert is_in(client) == expected, f"after {hours} hours"


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "eyJfdXNlcl9pZCI6InNqZWYifQ.x.y"])
def test_a_made_up_cookie_is_as_none(client: FlaskClient, cookie: str):
    client.set_cookie("okt", cookie)

    assert not is_in(client)
    assert client.get("/").status_code == 200


def test_the_secret_is_kept_for_the_owner_only_and_made_once(home: Path, app: Flask):
    path = home / "secret"

    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text("ascii")) == 64
    again = create_app(Config(home=home, corpus=CORPUS), WordHashEncoder())
    assert again.secret_key == app.secret_key == path.read_text("ascii")
    assert not list(home.glob("secret.*"))


# ---- reading stays open and without cookies


def test_a_reader_gets_no_cookie_and_no_token(client: FlaskClient):
    for path in ("/", "/sok?q=styret", "/matrise", "/hjelp", "/tema", "/finnes-ikke", "/healthz"):
        answer = client.get(path)
        assert "Set-Cookie" not in answer.headers, path
        assert "csrf_token" not in answer.text, path
        assert answer.headers["Cache-Control"] in {"no-cache", "no-store"}


def test_files_that_browsers_keep_belong_to_nobody(client: FlaskClient):
    log_in(client)
    answer = client.get("/static/site.css")

    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert "public" in answer.headers["Cache-Control"]


def test_what_a_person_sees_is_kept_in_no_cache(client: FlaskClient):
    assert client.get("/inn").headers["Cache-Control"] == "no-store"
    log_in(client)
    for path in ("/desk", "/", "/desk/inn"):
        assert client.get(path).headers["Cache-Control"] == "no-store"


# ---- one-time links


def test_looking_at_a_link_does_not_use_it_up(client: FlaskClient, store: Store):
    path = f"/inn/{make_link(store, 'kari', 60)}"

    for _ in range(3):
        page = client.get(path)
        assert page.status_code == 200
        assert not is_in(client)
    answer = send(client, path, page=path)

    assert answer.headers["Location"] == "/desk"
    assert is_in(client)


def test_a_link_works_once(app: Flask, client: FlaskClient, store: Store):
    path = f"/inn/{make_link(store, 'kari', 60)}"
    other = app.test_client()
    kept = token(other, path)
    send(client, path, page=path)

    late = other.post(path, data={"csrf_token": kept})

    assert late.status_code == 410
    assert "Lenken virker ikke" in late.text
    assert not is_in(other)
    assert other.get(path).status_code == 410


def test_a_link_is_used_by_its_own_page_only(client: FlaskClient, store: Store):
    path = f"/inn/{make_link(store, 'kari', 60)}"

    assert client.post(path).status_code == 400
    assert client.get(path).status_code == 200, "and it is not used up"


@pytest.mark.parametrize("path", ["/inn/{}", "/inn/{}/", "/INN/{}", "/x/inn/a/{}"])
def test_the_log_does_not_tell_a_link(
    client: FlaskClient, store: Store, caplog: pytest.LogCaptureFixture, path: str
):
    link = make_link(store, "kari", 60)
    with caplog.at_level("INFO"):
        client.get(path.format(link), base_url="http://localhost")

    assert "/…" in caplog.text
    assert link not in caplog.text


def test_the_log_does_not_tell_a_link_that_something_unexpected_happened_to(
    client: FlaskClient,
    store: Store,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    link = make_link(store, "kari", 60)

    def broken(*_args: object) -> bool:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("web.views.login.link_works", broken)
    assert client.get(f"/inn/{link}").status_code == 500

    assert "unexpected error at /inn/…" in caplog.text
    assert link not in caplog.text


# ---- trying again and again


def test_one_name_can_be_tried_so_often_from_anywhere(client: FlaskClient):
    form = {"navn": "kari", "passord": "feil passord her", "csrf_token": token(client)}
    answers = [
        client.post("/inn", data=form, environ_base={"REMOTE_ADDR": f"10.0.0.{n}"}).status_code
        for n in range(12)
    ]

    assert answers == [401] * 10 + [429] * 2
    right = client.post("/inn", data=form | {"passord": PASSWORD})
    assert right.status_code == 429, "the right password does not help now"
    assert "Vent et kvarter" in right.text
    assert log_in(client, Role.ADMINISTRATOR).status_code == 303, "others get in"


def test_one_address_can_try_so_many_names(client: FlaskClient):
    form = {"passord": "feil passord her", "csrf_token": token(client)}
    answers = [client.post("/inn", data=form | {"navn": f"navn{n}"}).status_code for n in range(32)]

    assert answers == [401] * 30 + [429] * 2


def test_getting_in_counts_for_nothing(client: FlaskClient):
    for _ in range(12):
        assert log_in(client).status_code == 303
        send(client, "/ut")


# ---- forms from elsewhere


def test_logging_in_takes_a_token_of_the_same_session(app: Flask, client: FlaskClient):
    form = {"navn": "kari", "passord": PASSWORD}
    foreign = token(app.test_client())

    assert client.post("/inn", data=form).status_code == 400
    assert client.post("/inn", data=form | {"csrf_token": foreign}).status_code == 400
    token(client)
    answer = client.post("/inn", data=form | {"csrf_token": foreign})
    assert answer.status_code == 400
    assert "Skjemaet er for gammelt" in answer.text
    assert "Ingenting er endret" in answer.text


@pytest.mark.parametrize("role", list(Role))
def test_the_menu_shows_what_a_role_may(client: FlaskClient, role: Role):
    log_in(client, role)
    page = client.get("/").text

    assert f"Logget inn som {NAMES[role]}" in page
    assert ('href="/desk"' in page) == role.may(Role.EDITOR)
    assert ('href="/desk/brukere"' in page) == role.may(Role.ADMINISTRATOR)
    assert "Logg inn for ansatte" not in page


def test_a_broken_store_still_answers_with_a_page(
    client: FlaskClient, home: Path, monkeypatch: pytest.MonkeyPatch
):
    from kb.errors import StoreUnavailableError

    log_in(client)

    def broken(*_args: object) -> Store:
        raise StoreUnavailableError("the disk is gone (on purpose)")

    monkeypatch.setattr("web.context.Store.open", broken)
    answer = client.get("/desk")

    assert answer.status_code == 503
    assert "Datamappen kan ikke åpnes" in answer.text


# ---- one's own password


def test_a_password_is_changed_by_its_owner_and_ends_the_other_sessions(
    app: Flask, client: FlaskClient, store: Store
) -> None:
    add_user(store, "bytter", Role.READER, PASSWORD)
    elsewhere = app.test_client()
    for one in (client, elsewhere):
        log_in(one, name="bytter")

    answer = change(client)

    assert (answer.status_code, answer.location) == (303, "/konto")
    assert "Passordet er byttet" in client.get("/konto").text, "this session goes on"
    assert elsewhere.get("/konto").status_code == 303
    assert log_in(app.test_client(), name="bytter", password=NEW).status_code == 303
    assert log_in(app.test_client(), name="bytter").status_code == 401


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"old": "feil passord her"}, "ikke det du skrev"),
        ({"new": "kort"}, "minst 12 tegn"),
        ({"again": "noe helt annet"}, "ikke like"),
    ],
)
def test_a_password_that_cannot_be_changed_stays_and_the_page_says_why(
    app: Flask, client: FlaskClient, form: dict, said: str
) -> None:
    log_in(client)

    answer = change(client, **form)

    assert answer.status_code == 422
    assert said in answer.text
    assert NEW not in answer.text
    assert log_in(app.test_client()).status_code == 303


def test_guessing_the_old_password_is_throttled(client: FlaskClient) -> None:
    log_in(client)

    codes = [change(client, old=f"gjetning nummer {n}").status_code for n in range(12)]

    assert codes[:10] == [422] * 10
    assert codes[10:] == [429, 429]


def test_a_password_is_changed_only_by_a_form_of_this_site_and_only_when_logged_in(
    app: Flask, client: FlaskClient
) -> None:
    assert client.get("/konto").status_code == 303
    log_in(client)
    form = {"passord": PASSWORD, "nytt": NEW, "gjentatt": NEW}

    assert client.post("/konto", data=form).status_code == 400
    assert log_in(app.test_client()).status_code == 303


def test_an_account_without_a_password_is_told_so(client: FlaskClient, store: Store) -> None:
    store.accounts.add("lenke", Role.EDITOR, None)
    path = f"/inn/{make_link(store, 'lenke', 5)}"
    send(client, path, path)

    page = client.get("/konto").text

    assert "har ikke passord" in page
    assert 'type="password"' not in page
