"""Pages about the site itself, and the choice of language."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from kb.errors import InvalidQueryError
from kb.taxonomy import LANGUAGES
from web.language import COOKIE, language, safe_return

bp = Blueprint("about", __name__)
_ONE_YEAR_S = 31_536_000


@bp.get("/hjelp")
def help_page() -> str:
    """Explain how the search works and what a lesson is."""
    return render_template(f"prose/help.{language()}.html")


@bp.get("/om")
def about_page() -> str:
    """Explain what Erfaringsbanken is and where its lessons come from."""
    return render_template(f"prose/about.{language()}.html")


@bp.post("/sprak")
def choose_language() -> Response:
    """Remember the language in a cookie and go back to the page the reader came from.

    Raises:
        InvalidQueryError: we do not speak that language.
    """
    wanted = request.form.get("sprak", "")
    if wanted not in LANGUAGES:
        raise InvalidQueryError(f"sprak={wanted[:20]!r}")
    response = redirect(safe_return(request.form.get("tilbake", "/")), 303)
    response.set_cookie(COOKIE, wanted, max_age=_ONE_YEAR_S, httponly=True, samesite="Lax")
    return response
