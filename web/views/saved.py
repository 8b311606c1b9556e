"""Searches that a person keeps, and e-mails about what is new in them."""

import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kb.errors import InvalidQueryError
from kb.mail import server_of
from kb.search import SearchQuery
from kb.store import Frequency, Role, SavedSearch
from kb.store.saved import MAX_SAVED
from kb.taxonomy import LANGUAGES
from kb.text import normalise
from web import auth
from web.context import services, store
from web.describe import describe
from web.digest import ask_to_confirm, digest_of_token, query_of
from web.language import language
from web.query import read_query, write_query
from web.review_words import when

bp = Blueprint("saved", __name__)
MAX_NAME_CHARS = 120
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LONGEST_ADDRESS = 254
_GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A saved search as a person sees it: what it asks for, and where its hits and feed are."""

    search: SavedSearch
    words: str
    page: str
    feed: str


@bp.get("/lagret")
@auth.requires(Role.READER)
def page() -> str:
    """List the account's searches; a search in the address can be saved here."""
    query = read_query(request.args)
    own = store().saved.of(auth.actor())
    deleted = request.args.get("slettet", "")
    return render_template(
        "saved/page.html",
        new=_address(query),
        new_name=describe(query)[:MAX_NAME_CHARS],
        shown=[_shown(one) for one in own],
        is_full=len(own) >= MAX_SAVED,
        digest=store().saved.digest(auth.actor()),
        sends_mail=server_of(services().config) is not None,
        deleted=int(deleted) if re.fullmatch("[0-9]{1,18}", deleted) else None,
        spoken=language(),
        when=when,
        max_name=MAX_NAME_CHARS,
    )


@bp.post("/lagret")
@auth.requires(Role.READER)
def save() -> Response:
    """Keep a search under a name."""
    query = query_of(request.form.get("sok", ""))
    name = normalise(request.form.get("navn", "").replace("\n", " "))[:MAX_NAME_CHARS].strip()
    if len(store().saved.of(auth.actor())) >= MAX_SAVED:
        flash(_("Du har lagret så mange søk som det er plass til. Slett et søk først."), "warning")
    else:
        store().saved.add(auth.actor(), name or describe(query)[:MAX_NAME_CHARS], _address(query))
        flash(_("Søket er lagret."), "success")
    return redirect(url_for("saved.page"), 303)


@bp.post("/lagret/<int:number>/slett")
@auth.requires(Role.READER)
def delete(number: int) -> Response:
    """Take a search away; the next page can bring it back."""
    store().saved.delete(auth.actor(), number)
    return redirect(url_for("saved.page", slettet=number), 303)


@bp.post("/lagret/<int:number>/angre")
@auth.requires(Role.READER)
def restore(number: int) -> Response:
    """Bring a search back."""
    store().saved.restore(auth.actor(), number)
    flash(_("Søket er tilbake."), "success")
    return redirect(url_for("saved.page"), 303)


@bp.post("/lagret/<int:number>/varsling")
@auth.requires(Role.READER)
def choose(number: int) -> Response:
    """Let the e-mail tell of a search, or not."""
    is_wanted = request.form.get("med") == "1"
    store().saved.choose(auth.actor(), number, in_digest=is_wanted)
    flash(
        _("Søket er med i e-posten.") if is_wanted else _("Søket er ikke med i e-posten."), "info"
    )
    return redirect(url_for("saved.page"), 303)


@bp.post("/lagret/epost")
@auth.requires(Role.READER)
@auth.limiter.limit("10 per hour", key_func=auth.actor)
def subscribe() -> Response:
    """Choose where and how often e-mails go; a new address must be confirmed first.

    Raises:
        InvalidQueryError: not an e-mail address, or a choice that is not offered.
    """
    address = request.form.get("epost", "").strip()
    often, spoken = request.form.get("ofte", ""), request.form.get("sprak", language())
    if often not in set(Frequency) or spoken not in LANGUAGES:
        raise InvalidQueryError(f"ofte={often[:20]!r}, sprak={spoken[:20]!r}")
    if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        flash(
            _("Dette ligner ikke en e-postadresse. Se etter skrivefeil, og prøv igjen."), "danger"
        )
    elif ask_to_confirm(auth.actor(), address, spoken, Frequency(often)):
        flash(
            _(
                "Vi har sendt en e-post til %(address)s. Åpne lenken i den for å bekrefte.",
                address=address,
            ),
            "success",
        )
    else:
        flash(_("Valgene er lagret."), "success")
    return redirect(url_for("saved.page"), 303)


@bp.post("/lagret/epost/stopp")
@auth.requires(Role.READER)
def unsubscribe() -> Response:
    """End the e-mails and forget the address."""
    found = store().saved.digest(auth.actor())
    if found is not None:
        store().saved.stop(found.stop_key)
    flash(_("Du får ikke flere e-poster. Adressen er slettet."), "success")
    return redirect(url_for("saved.page"), 303)


@bp.get("/varsling/bekreft/<token>")
def confirm_page(token: str) -> str | tuple[str, int]:
    """Show the button that confirms: a program that only looks at links must not press it."""
    if not store().saved.awaits(digest_of_token(token), time.time()):
        return render_template("saved/link.html", state="gone", action=None), _GONE
    return render_template("saved/link.html", state="confirm", action=request.path)


@bp.post("/varsling/bekreft/<token>")
def confirm(token: str) -> str | tuple[str, int]:
    """Confirm an address; whoever can read its mail may, logged in or not."""
    if store().saved.confirm(digest_of_token(token), time.time()) is None:
        return render_template("saved/link.html", state="gone", action=None), _GONE
    return render_template("saved/link.html", state="confirmed", action=None)


@bp.get("/varsling/stopp/<key>")
def stop(key: str) -> str:
    """Show the button that ends the e-mails; also to whoever has ended them already."""
    return render_template(
        "saved/link.html", state="stop", action=url_for("saved.stop_now", key=key)
    )


@bp.post("/varsling/stopp/<key>")
def stop_now(key: str) -> str:
    """End the e-mails at once, for a person or a mail program (RFC 8058)."""
    store().saved.stop(key)
    return render_template("saved/link.html", state="stopped", action=None)


@bp.after_request
def _keep_secret(response: Response) -> Response:
    """Keep links that are as good as a password out of every cache."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _address(query: SearchQuery) -> str:
    return urlencode(write_query(query), doseq=True)


def _shown(search: SavedSearch) -> Shown:
    try:
        query = query_of(search.address)
    except InvalidQueryError:  # a filter that the program no longer knows
        query = SearchQuery()
    values = write_query(query)
    return Shown(
        search=search,
        words=describe(query),
        page=url_for("search.page", **values),
        feed=url_for("feeds.search", **values),
    )
