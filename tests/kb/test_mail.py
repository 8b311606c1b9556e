"""Handing mail over: a caller always knows whether it was sent, was not, or nobody knows."""

from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from kb.config import Config
from kb.errors import ConfigError, MailDoubtfulError, MailRefusedError, MailUnavailableError
from kb.mail import MailServer, deliver, server_of
from tests.smtp import PASSWORD, USER, Box, certificate, free_port, knows, running

SERVER = MailServer(
    host="127.0.0.1", port=25, tls="none", user="", password="", sender="fra@example.no",
    timeout_s=1.5,
)  # fmt: skip


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def plain(box: Box) -> Iterator[MailServer]:
    with running(box) as port:
        yield replace(SERVER, port=port)


def a_mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "fra@example.no", "til@example.no", "Hei"
    message.set_content("Åtte lærdommer.\n.\n.punktum først\n", cte="quoted-printable")
    return message


def test_a_mail_is_handed_over_word_for_word(plain: MailServer, box: Box):
    called = []

    deliver(plain, a_mail(), lambda: called.append(len(box.mails)))

    assert called == [0], "told before the text was given, once"
    [mail] = box.mails
    assert mail["To"] == "til@example.no"
    assert mail.get_content().splitlines() == ["Åtte lærdommer.", ".", ".punktum først"]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_with_tls_the_line_is_encrypted_and_the_server_known(
    box: Box, tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    known, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(known))
    given = {"tls_context": context, "require_starttls": True}
    options = given if tls == "starttls" else {"ssl_context": context}

    with running(box, **options) as port:
        deliver(replace(SERVER, port=port, tls=tls), a_mail())

    assert box.was_encrypted == [True]


def test_a_server_with_a_strange_certificate_gets_nothing(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, context = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other, _ = certificate(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(other))

    with running(box, tls_context=context) as port, pytest.raises(MailUnavailableError):
        deliver(replace(SERVER, port=port, tls="starttls"), a_mail())

    assert box.mails == []


def test_a_server_that_cannot_encrypt_gets_nothing(plain: MailServer, box: Box):
    with pytest.raises(MailUnavailableError):
        deliver(replace(plain, tls="starttls", user=USER, password=PASSWORD), a_mail())

    assert box.mails == []


@pytest.mark.parametrize("password", [PASSWORD, "feil"])
def test_the_account_at_the_server_is_used(
    box: Box, password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    known, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(known))
    options = {"authenticator": knows, "auth_required": True, "tls_context": context}
    with running(box, **options) as port:
        server = replace(SERVER, port=port, tls="starttls", user=USER, password=password)
        if password == PASSWORD:
            deliver(server, a_mail())
        else:
            with pytest.raises(MailUnavailableError):
                deliver(server, a_mail())

    assert len(box.mails) == (password == PASSWORD)


@pytest.mark.parametrize(
    ("what", "answer", "error", "is_told"),
    [
        ("refuse_receiver", "550 no such box", MailRefusedError, False),
        ("refuse_receiver", "451 later", MailUnavailableError, False),
        ("refuse_text", "554 spam", MailRefusedError, True),
        ("hang_at", "receiver", MailUnavailableError, False),
        ("hang_at", "text", MailDoubtfulError, True),
    ],
)
def test_each_way_to_fail_says_how_far_it_came(
    plain: MailServer, box: Box, what: str, answer: str, error: type[Exception], is_told: bool
):
    setattr(box, what, answer)
    told = []

    with pytest.raises(error):
        deliver(plain, a_mail(), lambda: told.append(1))

    assert bool(told) is is_told
    assert box.mails == []


def test_nobody_answers(box: Box):
    with pytest.raises(MailUnavailableError):
        deliver(replace(SERVER, port=free_port()), a_mail())


def test_who_says_no_in_the_last_moment_stops_the_mail(plain: MailServer, box: Box):
    def stop() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        deliver(plain, a_mail(), stop)

    assert box.mails == []


# ---- settings


WHOLE = {
    "KB_SMTP_HOST": "mail.example.no",
    "KB_SMTP_FROM": "erfaring@example.no",
    "KB_PUBLIC_URL": "https://erfaring.example.no/",
    "KB_SMTP_PASSWORD": "hemmelig",
}


def test_no_mail_is_sent_unless_a_server_is_named():
    assert server_of(Config.load({})) is None


def test_the_settings_name_the_server_and_never_show_the_password():
    config = Config.load(WHOLE)

    server = server_of(config)
    assert (server.host, server.port, server.tls) == ("mail.example.no", 587, "starttls")
    assert config.public_url == "https://erfaring.example.no"
    told = [repr(config), repr(server), repr(config.explain(WHOLE))]
    assert not any("hemmelig" in one for one in told)
    assert ("smtp_password", "********", "KB_SMTP_PASSWORD") in config.explain(WHOLE)


@pytest.mark.parametrize(
    "changed",
    [
        {"KB_SMTP_TLS": "ssl"},
        {"KB_SMTP_FROM": ""},
        {"KB_PUBLIC_URL": ""},
        {"KB_PUBLIC_URL": "erfaring.example.no"},
        {"KB_PUBLIC_URL": "ftp://erfaring.example.no"},
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict):
    with pytest.raises(ConfigError):
        Config.load(WHOLE | changed)
