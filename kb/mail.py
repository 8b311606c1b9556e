"""The only door to SMTP: hands one message to the mail server that the settings name.

A caller that must not send anything twice needs to know how far it came. Until the server is given
the text, nothing has been sent. Once it has answered, it is sent or refused. In between nobody
knows: that is :class:`MailDoubtfulError`, and the caller is told right before it can happen.
"""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr

from kb.config import Config
from kb.errors import MailDoubtfulError, MailRefusedError, MailUnavailableError

TIMEOUT_S = 15.0
_ACCEPTED = 250
_TAKEN = (250, 251)
_LASTING = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A mail server and who we are to it; ``tls`` is ``starttls``, ``tls`` or ``none``."""

    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)
    sender: str
    timeout_s: float = TIMEOUT_S


def server_of(config: Config) -> MailServer | None:
    """Return the mail server of the settings; None where no mail is to be sent."""
    if not config.smtp_host:
        return None
    return MailServer(
        host=config.smtp_host,
        port=config.smtp_port,
        tls=config.smtp_tls,
        user=config.smtp_user,
        password=config.smtp_password,
        sender=config.smtp_from,
    )


def deliver(
    server: MailServer, message: EmailMessage, before: Callable[[], None] = lambda: None
) -> None:
    """Hand ``message`` to the server; when this returns, the server has taken it over.

    Args:
        server: to hand it to.
        message: to one receiver.
        before: is called when the server has agreed to sender and receiver, right before it gets
            the text. Whatever it raises ends the delivery with nothing sent.

    Raises:
        MailUnavailableError: the server cannot be reached, or does not do what the settings say.
        MailRefusedError: the server does not take this message, or not to this receiver.
        MailDoubtfulError: the connection was lost before the server answered.
    """
    with _connected(server) as smtp:
        _agree(smtp, server.sender, parseaddr(str(message["To"]))[1])
        text = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
        before()
        try:
            code, reply = smtp.data(text)
        except smtplib.SMTPDataError as error:  # before it got the text
            raise MailRefusedError(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailDoubtfulError(str(error)) from error
        if code != _ACCEPTED:
            raise MailRefusedError(f"{code} {reply!r}")


@contextmanager
def _connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    """Lend a connection over which mail can be sent."""
    try:
        smtp = _connect(server)
    except (smtplib.SMTPException, OSError) as error:
        raise MailUnavailableError(f"{server.host}:{server.port}: {error}") from error
    try:
        yield smtp
    finally:
        with suppress(smtplib.SMTPException, OSError):  # what was to be said has been said
            smtp.quit()
        smtp.close()


def _connect(server: MailServer) -> smtplib.SMTP:
    timeout = server.timeout_s
    smtp: smtplib.SMTP
    if server.tls == "tls":
        context = ssl.create_default_context()
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=timeout, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=timeout)
    try:
        if server.tls == "starttls":
            smtp.starttls(context=ssl.create_default_context())
        smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password)
    except (smtplib.SMTPException, OSError):
        smtp.close()
        raise
    return smtp


def _agree(smtp: smtplib.SMTP, sender: str, receiver: str) -> None:
    """Let the server say whether it takes mail from ``sender`` to ``receiver``."""
    try:
        code, reply = smtp.mail(sender)
        if code != _ACCEPTED:
            raise MailUnavailableError(f"sender {sender}: {code} {reply!r}")
        code, reply = smtp.rcpt(receiver)
    except (smtplib.SMTPException, OSError) as error:
        raise MailUnavailableError(str(error)) from error
    if code not in _TAKEN:
        kind = MailRefusedError if code >= _LASTING else MailUnavailableError
        raise kind(f"{code} {reply!r}")
