"""E-mails about saved searches: what was published since the last one, and the one that confirms.

Nobody gets a lesson twice or an empty mail, whatever happens on the way; how is told in
:mod:`kb.store.saved` and :mod:`kb.mail`, which this puts together. A mail that was not sent for
certain is made anew at the next run.
"""

import hashlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from flask import Flask, g, render_template
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict

from kb.domain import Lesson, LessonId, Report
from kb.errors import (
    ConflictError,
    InvalidQueryError,
    MailDoubtfulError,
    MailRefusedError,
    MailUnavailableError,
)
from kb.mail import MailServer, deliver, server_of
from kb.search import MAX_LIMIT, Hit, SearchQuery
from kb.store import Digest, Frequency, SavedSearch
from kb.store.saved import new_digest
from web.addresses import public_url, whole
from web.context import services, store
from web.query import read_query

CONFIRM_HOURS = 48
MAX_TOLD = 20
"""So many lessons of a search stand in one mail; the rest is a number and a link."""
_DAYS = {Frequency.WEEKLY: 7, Frequency.MONTHLY: 30}
_SLACK = timedelta(hours=12)
"""A timer that fires a little earlier than the last time must not cost a day."""
_POLICY = SMTP.clone(max_line_length=900)  # a folded link is a broken link
_log = logging.getLogger("web.digest")


class Outcome(StrEnum):
    """What became of one account's digest."""

    NOT_DUE = "not-due"
    NOTHING_NEW = "nothing-new"
    SENT = "sent"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"
    TAKEN = "taken"
    """Another program sends it, or the person changed it just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new in one search. ``told`` are all of it; ``shown`` those that stand in the mail."""

    search: SavedSearch
    address: str
    told: tuple[LessonId, ...]
    shown: tuple[tuple[Lesson, Report], ...]


def send_due(app: Flask, now: datetime) -> Counter[Outcome]:
    """Send every digest that is due; return how many had which outcome.

    Raises:
        MailUnavailableError: the mail server cannot be reached, or none is set; the rest waits.
    """
    with app.app_context():
        server = server_of(services().config)
        digests = store().saved.confirmed()
    if server is None:
        raise MailUnavailableError("KB_SMTP_HOST is not set")
    return Counter(_send_if_due(app, server, one, now) for one in digests)


def _send_if_due(app: Flask, server: MailServer, digest: Digest, now: datetime) -> Outcome:
    if not is_due(digest, now):
        return Outcome.NOT_DUE
    with speaking(app, digest.language):
        with store().reading():
            until = store().publications.last_change()
            news = _news(digest)
        if not news:
            return Outcome.NOTHING_NEW
        return _send(server, digest, news, until)


def is_due(digest: Digest, now: datetime) -> bool:
    """Return whether enough time has passed since the last mail, or since it was confirmed."""
    times = [at for at in (digest.confirmed, digest.sent, digest.doubtful) if at]
    last = max(datetime.fromisoformat(at) for at in times)
    return now - last >= timedelta(days=_DAYS[digest.frequency]) - _SLACK


def _send(server: MailServer, digest: Digest, news: tuple[News, ...], until: int) -> Outcome:
    told = {one.search.id: one.told for one in news}
    saved = store().saved
    try:
        deliver(server, digest_mail(digest, news), lambda: saved.claim(digest, told, until))
    except ConflictError:
        return Outcome.TAKEN
    except MailRefusedError as error:
        _log.warning("the digest of %s was refused: %s", digest.account, error)
        _release(digest, told, {one.search.id: one.search.since for one in news})
        return Outcome.REFUSED
    except MailDoubtfulError as error:
        _log.error("nobody knows whether the digest of %s arrived: %s", digest.account, error)
        return Outcome.DOUBTFUL
    saved.settle(digest.account)
    return Outcome.SENT


def _release(
    digest: Digest, told: Mapping[int, tuple[LessonId, ...]], since: Mapping[int, int]
) -> None:
    """Take the claim back, if the refusal came after it was made."""
    now = store().saved.digest(digest.account)
    if now is not None and now.doubtful != digest.doubtful:
        store().saved.release(digest, told, since)


def _news(digest: Digest) -> tuple[News, ...]:
    """Return the account's searches in which something was published since they were told of."""
    known = store().publications.all()
    found = []
    for search in store().saved.of(digest.account):
        told_before = store().saved.sent(search.id)
        hits = [
            hit
            for hit in (_hits(search) if search.in_digest else ())
            if hit.lesson.id in known
            and known[hit.lesson.id].change > search.since
            and hit.lesson.id not in told_before
        ]
        if hits:
            found.append(
                News(
                    search=search,
                    address=whole("search.page") + "?" + search.address,
                    told=tuple(hit.lesson.id for hit in hits),
                    shown=tuple((hit.lesson, hit.report) for hit in hits[:MAX_TOLD]),
                )
            )
    return tuple(found)


def _hits(search: SavedSearch) -> tuple[Hit, ...]:
    try:
        query = query_of(search.address)
    except InvalidQueryError:  # a filter that the program no longer knows
        return ()
    return services().searcher.search(store(), query).hits


def query_of(address: str) -> SearchQuery:
    """Return the search that a saved address asks for, all hits on one page.

    Raises:
        InvalidQueryError: it cannot be used.
    """
    values = [pair for pair in parse_qsl(address) if pair[0] != "side"]
    return read_query(MultiDict(values), page_size=MAX_LIMIT)


def ask_to_confirm(account: str, address: str, language: str, frequency: Frequency) -> bool:
    """Keep where the digest shall go; return whether a mail was sent that must be answered first.

    Raises:
        MailUnavailableError: the mail server cannot be reached, or none is set.
        MailRefusedError: it does not take mail to the address.
        MailDoubtfulError: it is not known whether the mail was sent.
    """
    server = server_of(services().config)
    if server is None:
        raise MailUnavailableError("KB_SMTP_HOST is not set")
    token = secrets.token_urlsafe(32)
    expires = time.time() + CONFIRM_HOURS * 3600
    wanted = new_digest(account, address, language, frequency)
    must_confirm = store().saved.subscribe(wanted, digest_of_token(token), expires)
    if must_confirm:
        deliver(server, _confirmation(wanted, token))
    return must_confirm


def digest_of_token(token: str) -> str:
    """Return what is kept of a token, from which it cannot be made again."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def digest_mail(digest: Digest, news: tuple[News, ...]) -> EmailMessage:
    """Return the mail that tells ``news``, as text and as HTML."""
    count = len({id_ for one in news for id_ in one.told})
    subject = ngettext(
        "%(num)s ny lærdom i søkene dine", "%(num)s nye lærdommer i søkene dine", count
    )
    stop = whole("saved.stop", key=digest.stop_key)
    message = _message(digest.address, str(subject))
    message["List-Unsubscribe"] = f"<{stop}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    values = {"news": news, "subject": subject, "stop": stop, "own": whole("saved.page")}
    text = render_template("mail/digest_text.html", **values, whole=whole)
    html = render_template("mail/digest.html", **values, whole=whole)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def _confirmation(digest: Digest, token: str) -> EmailMessage:
    message = _message(digest.address, str(_("Bekreft e-postadressen din i Erfaringsbanken")))
    link = whole("saved.confirm_page", token=token)
    text = render_template("mail/confirm_text.html", link=link, digest=digest, hours=CONFIRM_HOURS)
    message.set_content(text, cte="quoted-printable")
    return message


def _message(to: str, subject: str) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["From"] = formataddr(("Erfaringsbanken", services().config.smtp_from))
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=urlsplit(public_url()).hostname or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    return message


@contextmanager
def speaking(app: Flask, language: str) -> Iterator[None]:
    """Let templates and addresses be made outside a request, in ``language``."""
    with app.test_request_context(base_url=app_url(app)):
        g.language = language
        yield


def app_url(app: Flask) -> str:
    """Return where ``app`` is reached from outside."""
    with app.app_context():
        return services().config.public_url
