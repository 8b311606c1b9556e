"""Logging in and out, by password or one-time link, and changing one's own password.

Replaced together with ``web/auth.py``.
"""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kb.accounts import change_password, link_works, use_link, verify
from kb.errors import AccountError, AccountProblem
from kb.messages import sentence
from kb.store import Account, Role
from web import auth
from web.context import store
from web.language import language, safe_return

bp = Blueprint("login", __name__)
_WRONG = 401
_GONE = 410
_UNUSABLE = 422


@bp.get("/inn")
def page() -> str | Response:
    """Ask for name and password; who is logged in already goes on."""
    known = auth.account()
    if known is not None:
        return redirect(_wanted(known, request.args.get("neste", "")), 303)
    return _form(next_page=request.args.get("neste", ""), is_out="ut" in request.args)


@bp.post("/inn")
@auth.limiter.limit(auth.PER_ADDRESS, deduct_when=auth.was_refused)
@auth.limiter.limit(auth.PER_NAME, key_func=auth.name_tried, deduct_when=auth.was_refused)
def log_in() -> str | Response | tuple[str, int]:
    """Begin a session. The answer to a wrong name is that to a wrong password."""
    name = auth.name_tried()
    next_page = request.form.get("neste", "")
    found = verify(store(), name, request.form.get("passord", ""))
    if found is None:
        return _form(next_page=next_page, name=name, is_wrong=True), _WRONG
    auth.begin(found)
    return redirect(_wanted(found, next_page), 303)


@bp.get("/inn/<token>")
def link(token: str) -> str | tuple[str, int]:
    """Show the button that uses a one-time link: a program that only looks must not use it up."""
    if not link_works(store(), token):
        return render_template("login/link.html", token=None), _GONE
    return render_template("login/link.html", token=token)


@bp.post("/inn/<token>")
def use(token: str) -> Response | tuple[str, int]:
    """Use the link up and begin a session."""
    found = use_link(store(), token)
    if found is None:
        return render_template("login/link.html", token=None), _GONE
    auth.begin(found)
    return redirect(_wanted(found, ""), 303)


@bp.post("/ut")
def log_out() -> Response:
    """End the account's sessions, on all machines."""
    auth.end()
    return redirect(url_for("login.page", ut=1), 303)


@bp.get("/konto")
@auth.requires(Role.READER)
def own_account() -> str:
    """Show who is logged in, with the form for another password."""
    return _own_account({})


@bp.post("/konto")
@auth.limiter.limit(auth.PER_ADDRESS, deduct_when=auth.was_refused)
@auth.limiter.limit(auth.PER_NAME, key_func=auth.name_here, deduct_when=auth.was_refused)
@auth.requires(Role.READER)
def change_own_password() -> Response | tuple[str, int]:
    """Give the account another password; sessions on other machines end, this one goes on."""
    old, new, again = (request.form.get(field, "") for field in ("passord", "nytt", "gjentatt"))
    if new != again:
        return _own_account({"gjentatt": _("De to nye passordene er ikke like.")}), _UNUSABLE
    try:
        changed = change_password(store(), auth.actor(), old, new)
    except AccountError as error:
        is_old = error.reason is AccountProblem.OLD_PASSWORD
        field = "passord" if is_old else "nytt"
        return _own_account({field: sentence(error, language())}), _UNUSABLE
    auth.begin(changed)
    flash(_("Passordet er byttet. Du er logget ut på andre maskiner."), "success")
    return redirect(url_for("login.own_account"), 303)


def _own_account(problems: dict[str, str]) -> str:
    """Return the page with what is wrong by field; passwords are never sent back."""
    return render_template("login/account.html", account=auth.account(), problems=problems)


def _form(**known: object) -> str:
    blank = {"next_page": "", "name": "", "is_wrong": False, "is_out": False}
    return render_template("login/page.html", **blank | known)


def _wanted(known: Account, path: str) -> str:
    """Return where to go: a page of this site that is theirs, else the desk or the front page."""
    if not known.role.may(Role.EDITOR):
        return url_for("front.page") if path.startswith("/desk") else safe_return(path)
    return safe_return(path) if safe_return(path) != "/" else url_for("desk.page")
