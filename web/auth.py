"""Who is asking, and what may they do: the one door to sessions and roles.

Single sign-on would replace this module and ``web/views/login.py``; the other views only ask
:func:`account`, :func:`actor` and :func:`requires`. The session is a signed cookie that holds the
account's name and session key. The key is looked up at every request, so that a new one ends all
sessions at once. The cookie is set when somebody logs in or opens a page with a staff form, never
by reading.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from flask import (
    Flask,
    Response,
    abort,
    g,
    has_request_context,
    redirect,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_wtf import CSRFProtect
from typing_extensions import override
from werkzeug.wrappers import Response as AnyResponse

from kb.accounts import is_loopback
from kb.errors import StateError, StoreUnavailableError
from kb.store import Account, Role
from web.context import services, store

COOKIE = "okt"
_IDLE = timedelta(hours=12)
_SECRET_BYTES = 32
P = ParamSpec("P")
R = TypeVar("R")

PER_ADDRESS, PER_NAME = "30 per 15 minutes", "10 per 15 minutes"
"""So often may one address, and anyone for one name, try in vain to log in or change a password."""

csrf = CSRFProtect()
"""Every POST carries a token of its session, with these exceptions."""
_CHANGES_NOTHING_OF_OURS = "web.views.about.choose_language"
"""Sets the reader's own cookie; its form stands on pages that must not open a session."""
_LINKS_IN_MAILS = ("web.views.saved.confirm", "web.views.saved.stop_now")
"""Whoever holds the secret in the address may; mail programs have no session (RFC 8058)."""
_KEEP_NOTHING = ("web.views.questions.ask", "web.views.questions.export")
"""Answer what is sent, keep none of it, and stand on a page that must not open a session."""
limiter = Limiter(get_remote_address, storage_uri="memory://", strategy="moving-window")
"""Counts in this process; forgets when it ends."""


def install(app: Flask) -> None:
    """Give ``app`` sessions, and refuse forms that do not come from its own pages.

    Raises:
        StoreUnavailableError: the secret cannot be kept in the home folder.
    """
    with app.app_context():
        app.secret_key = _secret(services().config.home)
    app.config.update(
        SESSION_COOKIE_NAME=COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # Strict: the password again after each link in a mail
        PERMANENT_SESSION_LIFETIME=_IDLE,  # counted from the last answer
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session
        WTF_CSRF_SSL_STRICT=False,  # asks for a Referer, which some browsers are set not to send
    )
    app.session_interface = _Sessions()
    manager = LoginManager()
    manager.session_protection = None  # tells browsers apart by what anyone can send
    manager.user_loader(_load)
    # Not init_app: its only other act is a hook for «remember me», which would open the session of
    # every answer and so add «Vary: Cookie» to static files.
    app.login_manager = manager  # type: ignore[attr-defined]
    csrf.init_app(app)
    csrf.exempt(_CHANGES_NOTHING_OF_OURS)
    for view in (*_LINKS_IN_MAILS, *_KEEP_NOTHING):
        csrf.exempt(view)
    limiter.init_app(app)
    app.after_request(_keep_private)
    app.jinja_env.globals.update(visitor=visitor, Role=Role)


def account() -> Account | None:
    """Return the account that is logged in, or None."""
    user = current_user._get_current_object()  # noqa: SLF001 - how a proxy is opened
    return user.account if isinstance(user, _User) else None


def visitor() -> Account | None:
    """Return the account that is logged in for the page's menu; None too if the store is broken."""
    with suppress(StateError):
        return account() if has_request_context() else None
    return None


def actor() -> str:
    """Return the name that goes into the history. Only behind :func:`requires`."""
    known = account()
    if known is None:
        raise RuntimeError("the view lacks @requires")
    return known.name


def requires(role: Role) -> Callable[[Callable[P, R]], Callable[P, R | AnyResponse]]:
    """Let only accounts with ``role`` or more see a view; stands below the route decorator.

    Who is not logged in is led to the login page and back (after a GET), or told to log in.
    """

    def guard(view: Callable[P, R]) -> Callable[P, R | AnyResponse]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | AnyResponse:
            known = account()
            if known is None:
                return _ask_to_log_in()
            if not known.role.may(role):
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return guard


def refuse_unless(role: Role) -> None:
    """Answer 401 or 403 to whoever lacks ``role``; for what must be refused before it is read."""
    known = account()
    if known is None:
        abort(401)
    if not known.role.may(role):
        abort(403)


def begin(known: Account) -> None:
    """Log ``known`` in, with nothing left of the session before."""
    session.clear()
    g.pop("csrf_token", None)  # belongs to the session before
    session.permanent = True  # so that it ends by the clock, not with the window
    login_user(_User(known))


def end() -> None:
    """Log out, on all machines: the cookie of a session that ended can not be used again."""
    known = account()
    if known is not None:
        store().accounts.end_sessions(known.name)
    session.clear()
    g.pop("_login_user", None)


def name_tried() -> str:
    """Return the name somebody tries to log in with, as names are written."""
    return request.form.get("navn", "").strip().lower()[:60]


def name_here() -> str:
    """Return the name of the account that is logged in; empty if none is."""
    known = account()
    return known.name if known else ""


def was_refused(response: Response) -> bool:
    """Return whether the answer to an attempt to log in was no."""
    return response.status_code >= 400  # noqa: PLR2004 - where HTTP's refusals begin


@dataclass(frozen=True, slots=True)
class _User(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    account: Account

    @override
    def get_id(self) -> str:
        return f"{self.account.session_key}:{self.account.name}"


def _load(user_id: str) -> _User | None:
    key, _, name = user_id.partition(":")
    found = store().accounts.get(name)
    if found is None or found.is_disabled:
        return None
    return _User(found) if secrets.compare_digest(found.session_key, key) else None


def _ask_to_log_in() -> AnyResponse:
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Refresh": "true"})  # the whole page asks then
    if request.method != "GET":
        abort(401)
    here = request.full_path if request.query_string else request.path
    return redirect(url_for("login.page", neste=here), 303)


def _keep_private(response: Response) -> Response:
    """Keep what a logged-in person sees, and every form with a token, out of every cache."""
    is_personal = isinstance(g.get("_login_user"), _User) or "csrf_token" in g
    if is_personal and response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response


class _Sessions(SecureCookieSessionInterface):
    """Signed cookies that travel over TLS only, unless the site is on the reader's own machine."""

    @override
    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure or not is_loopback(_name_of(request.host))

    @override
    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Move the end of a session on only where a person was looked up, not for every file."""
        return session.modified or isinstance(g.get("_login_user"), _User)


def _name_of(host: str) -> str:
    """Return the host without its port."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _secret(home: Path) -> str:
    """Return what cookies are signed with, made on first need; whoever takes it away ends all."""
    path = home / "secret"
    try:
        if not path.exists():
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_secret(path)
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise StoreUnavailableError(f"{path}: {error}") from error


def _make_secret(path: Path) -> None:
    """Write the file whole beside its place, then let the first of several processes win."""
    part = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_SECRET_BYTES))
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
