"""Saved searches and their e-mails, with a real mail server: opt in twice, out with one click."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from kb.__main__ import main
from kb.domain import Status
from kb.errors import MailUnavailableError
from kb.mail import server_of
from kb.store import Role, Store
from tests.make import set_status
from tests.smtp import Box, running
from tests.web.conftest import Client
from tests.web.staff import NAMES, PASSWORD, add_staff, log_in, send, token
from tests.web.world import World, build_world
from web import auth, create_app
from web.digest import Outcome, send_due

SITE = "https://erfaring.example.no"
LATER = timedelta(days=8)


@pytest.fixture(scope="module")
def box() -> Box:
    return Box()


@pytest.fixture(scope="module")
def port(box: Box) -> Iterator[int]:
    with running(box) as port:
        yield port


@pytest.fixture(scope="module")
def first_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Build the base that each test gets a copy of: two lessons wait to be published again."""
    world = build_world(tmp_path_factory.mktemp("first"))
    add_staff(world.config.home)
    with Store.open(world.config.home) as store:
        set_status(store, [world.lessons["styret"], world.lessons["ta"]], Status.REJECTED)
    return world


@pytest.fixture
def world(first_world: World, tmp_path: Path) -> World:
    shutil.copytree(first_world.config.home, tmp_path, dirs_exist_ok=True)
    return replace(first_world, config=replace(first_world.config, home=tmp_path))


@pytest.fixture
def app(world: World, box: Box, port: int) -> Flask:
    box.mails.clear()
    box.refuse_receiver = box.refuse_text = box.hang_at = ""
    config = replace(
        world.config, smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none",
        smtp_from="erfaring@example.no", public_url=SITE,
    )  # fmt: skip
    app = create_app(config, world.encoder)
    app.test_client_class = Client
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    auth.limiter.reset()
    client = app.test_client()
    log_in(client, Role.READER)
    return client


def save(client: FlaskClient, search: str = "q=styret+seminar", name: str = "Om styret") -> None:
    assert send(client, "/lagret", page="/lagret", sok=search, navn=name).status_code == 303


def subscribe(client: FlaskClient, box: Box, language: str = "nb", often: str = "weekly") -> None:
    """Opt in, and follow the link in the mail as a person does."""
    send(
        client, "/lagret/epost", page="/lagret",
        epost="leser@example.no", ofte=often, sprak=language,
    )  # fmt: skip
    path = link_in(box.mails.pop(), "/varsling/bekreft/")
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 200


def link_in(mail: EmailMessage, start: str) -> str:
    body = mail.get_body(("plain",)).get_content()
    return re.search(re.escape(SITE) + f"({re.escape(start)}\\S+)", body)[1]


def publish_again(world: World, name: str) -> None:
    with Store.open(world.config.home) as store:
        set_status(store, [world.lessons[name]], Status.PUBLISHED)


def run(app: Flask, after: timedelta = LATER) -> dict[Outcome, int]:
    return dict(send_due(app, datetime.now(UTC) + after))


# ---- the page


def test_a_search_is_saved_under_a_name_and_leads_back(client: FlaskClient):
    form = client.get("/lagret?q=styret+seminar&tema=styreseminar&side=3").text
    assert 'name="sok" value="q=styret+seminar&amp;tema=styreseminar"' in form

    save(client, "q=styret+seminar&tema=styreseminar")

    page = client.get("/lagret").text
    assert ">Om styret</a>" in page
    assert 'href="/sok?q=styret+seminar&amp;tema=styreseminar"' in page
    assert 'href="/feed/sok.atom?q=styret+seminar&amp;tema=styreseminar"' in page
    assert client.get("/sok?q=styret+seminar&tema=styreseminar").status_code == 200


def test_a_deleted_search_comes_back(client: FlaskClient):
    save(client)
    [number] = re.findall(r'action="/lagret/(\d+)/slett"', client.get("/lagret").text)

    gone = send(client, f"/lagret/{number}/slett", page="/lagret")
    after = client.get(gone.headers["Location"]).text
    send(client, f"/lagret/{number}/angre", page=gone.headers["Location"])

    assert "Søket er slettet." in after
    assert "Om styret" not in after
    assert ">Om styret</a>" in client.get("/lagret").text


def test_what_one_person_keeps_no_other_sees_or_changes(app: Flask, client: FlaskClient):
    save(client)
    [number] = re.findall(r'action="/lagret/(\d+)/slett"', client.get("/lagret").text)
    other = app.test_client()
    log_in(other, Role.EDITOR)

    assert "Om styret" not in other.get("/lagret").text
    for verb in ("slett", "angre", "varsling"):
        assert send(other, f"/lagret/{number}/{verb}", page="/lagret").status_code == 404


def test_a_reader_who_logs_in_on_the_way_comes_back(app: Flask):
    auth.limiter.reset()
    client = app.test_client()

    asked = client.get("/lagret?q=styret").headers["Location"]
    form = {"navn": NAMES[Role.READER], "passord": PASSWORD, "neste": "/lagret?q=styret"}
    answer = client.post("/inn", data=form | {"csrf_token": token(client, asked)})

    assert asked == "/inn?neste=/lagret?q%3Dstyret"
    assert answer.headers["Location"] == "/lagret?q=styret"


def test_a_search_that_cannot_be_is_not_saved(client: FlaskClient):
    answer = send(client, "/lagret", page="/lagret", sok="type=ros", navn="x")

    assert answer.status_code == 400


def test_there_is_an_end_to_what_one_account_keeps(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("web.views.saved.MAX_SAVED", 1)
    save(client)
    save(client, "q=en+til", "En til")

    page = client.get("/lagret").text
    assert "så mange søk som det er plass til" in page
    assert ">En til</a>" not in page


def test_without_a_mail_server_no_address_is_asked_for(world: World):
    client = create_app(world.config, world.encoder).test_client()
    log_in(client, Role.READER)

    page = client.get("/lagret").text

    assert "sender ikke e-post" in page
    assert 'name="epost"' not in page


# ---- opting in and out


def test_nothing_is_sent_to_an_address_that_did_not_say_yes(
    app: Flask, client: FlaskClient, world: World, box: Box
):
    save(client)
    send(
        client, "/lagret/epost", page="/lagret",
        epost="fremmed@example.no", ofte="weekly", sprak="nb",
    )  # fmt: skip
    [asked] = box.mails
    path = link_in(asked, "/varsling/bekreft/")
    publish_again(world, "styret")

    assert run(app) == {}
    assert len(box.mails) == 1
    assert asked["To"] == "fremmed@example.no"
    assert "Venter på bekreftelse" in client.get("/lagret").text
    assert app.test_client().get(path).status_code == 200, "looking confirms nothing"
    assert run(app) == {}
    assert app.test_client().post(path).status_code == 200, "no session is needed"
    assert app.test_client().post(path).status_code == 410, "it works once"
    assert "Slått på" in client.get("/lagret").text


@pytest.mark.parametrize(
    "address", ["", "kari", "kari@", "a@b", "a b@example.no", "a@example.no\nBcc: x@y.no", "å@æ.no"]
)
def test_what_is_no_address_gets_no_mail(client: FlaskClient, box: Box, address: str):
    page = send(client, "/lagret/epost", page="/lagret", epost=address, ofte="weekly", sprak="nb")

    assert page.status_code == 303
    assert "ligner ikke en e-postadresse" in client.get("/lagret").text
    assert box.mails == []


def test_an_address_that_the_server_refuses_is_told_at_once(client: FlaskClient, box: Box):
    box.refuse_receiver = "550 no such box"

    answer = send(
        client, "/lagret/epost", page="/lagret",
        epost="borte@example.no", ofte="weekly", sprak="nb",
    )  # fmt: skip

    assert answer.status_code == 422
    assert "Se etter skrivefeil" in answer.text


def test_one_click_in_a_mail_program_ends_it(
    app: Flask, client: FlaskClient, world: World, box: Box
):
    save(client)
    subscribe(client, box)
    publish_again(world, "styret")
    run(app)
    [mail] = box.mails
    path = mail["List-Unsubscribe"].strip("<>").removeprefix(SITE)
    stranger = app.test_client()

    looked = stranger.get(path)
    still_on = "Slått på" in client.get("/lagret").text
    clicked = stranger.post(path, data={"List-Unsubscribe": "One-Click"})

    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (looked.status_code, still_on, clicked.status_code) == (200, True, 200)
    assert "leser@example.no" not in client.get("/lagret").text
    assert stranger.post(path).status_code == 200, "twice does no harm"
    publish_again(world, "ta")
    assert run(app) == {}


def test_the_log_does_not_tell_the_links(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level("INFO", logger="web.access"):
        client.get("/varsling/stopp/hemmelig-nokkel")
        client.get("/varsling/bekreft/hemmelig-nokkel")

    assert "/varsling/stopp/…" in caplog.text
    assert "hemmelig-nokkel" not in caplog.text


# ---- the digest


def test_a_mail_tells_what_was_published_since_and_nothing_twice(
    app: Flask, client: FlaskClient, world: World, box: Box
):
    save(client)
    subscribe(client, box)
    assert run(app) == {Outcome.NOTHING_NEW: 1}
    publish_again(world, "styret")

    assert run(app, timedelta(days=1)) == {Outcome.NOT_DUE: 1}
    assert run(app) == {Outcome.SENT: 1}
    assert run(app, 2 * LATER) == {Outcome.NOTHING_NEW: 1}
    publish_again(world, "ta")
    assert run(app, 2 * LATER) == {Outcome.SENT: 1}

    first, second = (mail.get_body(("plain",)).get_content() for mail in box.mails)
    styret, ta = world.lessons["styret"], world.lessons["ta"]
    assert styret in first
    assert ta not in first
    assert ta in second
    assert styret not in second
    assert {mail["To"] for mail in box.mails} == {"leser@example.no"}


def test_what_is_taken_back_and_published_again_is_not_told_again(
    app: Flask, client: FlaskClient, world: World, box: Box
):
    save(client)
    subscribe(client, box)
    publish_again(world, "styret")
    run(app)
    with Store.open(world.config.home) as store:
        set_status(store, [world.lessons["styret"]], Status.REJECTED)
    publish_again(world, "styret")

    assert run(app, 2 * LATER) == {Outcome.NOTHING_NEW: 1}


def test_a_search_left_out_is_not_told_of(app: Flask, client: FlaskClient, world: World, box: Box):
    save(client)
    subscribe(client, box)
    [number] = re.findall(r'action="/lagret/(\d+)/varsling"', client.get("/lagret").text)

    send(client, f"/lagret/{number}/varsling", page="/lagret", med="0")
    publish_again(world, "styret")

    assert run(app) == {Outcome.NOTHING_NEW: 1}
    assert box.mails == []


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("nb", "1 ny lærdom i søkene dine"),
        ("nn", "1 ny lærdom i søka dine"),
        ("en", "1 new lesson in your searches"),
    ],
)
def test_a_mail_has_quote_page_and_links_in_the_chosen_language(
    app: Flask, client: FlaskClient, world: World, box: Box, language: str, subject: str
):
    save(client)
    subscribe(client, box, language)
    publish_again(world, "styret")

    run(app)

    [mail] = box.mails
    lesson, report = world.lessons["styret"], world.reports["fjellvik"]
    assert mail["Subject"] == subject
    assert mail["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        body = mail.get_body((kind,)).get_content().replace("&lt;", "<").replace("&gt;", ">")
        assert "«Styret holdt seminar etter det første året" in body
        assert "Oppdiktet eksempelrapport" in body
        assert "page 2" in body if language == "en" else "side 2" in body
        assert f"{SITE}/laerdom/{lesson}" in body
        assert f"{SITE}/kilde/{report}/side/2?l={lesson}" in body
        assert f"{SITE}/sok?q=styret+seminar" in body
        assert f"{SITE}/varsling/stopp/" in body
    assert f'<html lang="{language}">' in mail.get_body(("html",)).get_content()


def test_a_long_mail_says_how_many_more_there_are(
    app: Flask, client: FlaskClient, world: World, box: Box, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("web.digest.MAX_TOLD", 1)
    save(client)
    subscribe(client, box)
    publish_again(world, "styret")
    publish_again(world, "ta")

    run(app)

    assert "Og 1 til: se dem i søket." in box.mails[0].get_body(("plain",)).get_content()
    assert run(app, 2 * LATER) == {Outcome.NOTHING_NEW: 1}


def test_a_refused_mail_is_sent_when_it_can_be(
    app: Flask, client: FlaskClient, world: World, box: Box
):
    save(client)
    subscribe(client, box)
    publish_again(world, "styret")

    for refusal in ("refuse_receiver", "refuse_text"):
        setattr(box, refusal, "550 no")
        assert run(app) == {Outcome.REFUSED: 1}
        setattr(box, refusal, "")

    assert box.mails == []
    assert run(app) == {Outcome.SENT: 1}
    assert len(box.mails) == 1


def test_a_line_that_breaks_leaves_a_doubt_and_no_second_mail(
    app: Flask, client: FlaskClient, world: World, box: Box, monkeypatch: pytest.MonkeyPatch
):
    save(client)
    subscribe(client, box)
    publish_again(world, "styret")
    monkeypatch.setattr(
        "web.digest.server_of", lambda config: replace(server_of(config), timeout_s=1.5)
    )
    box.hang_at = "text"

    first = run(app)
    box.hang_at = ""

    assert first == {Outcome.DOUBTFUL: 1}
    assert run(app, 2 * LATER) == {Outcome.NOTHING_NEW: 1}
    assert "Vi vet ikke om e-posten" in client.get("/lagret").text
    publish_again(world, "ta")
    assert run(app, 3 * LATER) == {Outcome.SENT: 1}
    assert "Vi vet ikke om e-posten" not in client.get("/lagret").text


def test_two_programs_at_once_send_one_mail(
    app: Flask, client: FlaskClient, world: World, box: Box, monkeypatch: pytest.MonkeyPatch
):
    save(client)
    subscribe(client, box)
    publish_again(world, "styret")
    from web import digest

    inside = []
    real = digest.deliver

    def overtaken(server: object, message: object, before: object) -> None:
        monkeypatch.setattr(digest, "deliver", real)
        inside.append(run(app))
        real(server, message, before)

    monkeypatch.setattr(digest, "deliver", overtaken)
    outer = run(app)

    assert (inside, outer) == ([{Outcome.SENT: 1}], {Outcome.TAKEN: 1})
    assert len(box.mails) == 1


def test_without_a_server_the_command_says_so_and_sends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KB_HOME", str(world.config.home))
    monkeypatch.setattr("kb.__main__.open_encoder", lambda _config: world.encoder)

    said = CliRunner().invoke(main, ["digest"])

    assert said.exit_code == 1
    assert "[mail-unavailable]" in said.stderr
    assert "KB_SMTP_HOST" in said.stderr


def test_the_command_sends_and_counts(
    app: Flask, client: FlaskClient, world: World, box: Box, port: int,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    save(client)
    subscribe(client, box)
    publish_again(world, "styret")
    monkeypatch.setattr("web.digest._SLACK", timedelta(days=30))
    monkeypatch.setattr("kb.__main__.open_encoder", lambda _config: world.encoder)
    settings = {
        "HOME": str(world.config.home), "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port),
        "SMTP_TLS": "none", "SMTP_FROM": "erfaring@example.no", "PUBLIC_URL": SITE,
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(f"KB_{name}", value)

    said = CliRunner().invoke(main, ["digest"])

    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("1 sendt, 0 uten noe nytt")
    assert len(box.mails) == 1


def test_a_server_that_is_gone_leaves_everything_for_the_next_time(
    app: Flask, client: FlaskClient, world: World, box: Box, monkeypatch: pytest.MonkeyPatch
):
    save(client)
    subscribe(client, box)
    publish_again(world, "styret")
    box.refuse_receiver = "451 later"

    with pytest.raises(MailUnavailableError):
        run(app)
    box.refuse_receiver = ""

    assert run(app) == {Outcome.SENT: 1}
