"""Which language the page speaks: bokmål, nynorsk or English.

The choice is kept in a cookie that the reader sets by pressing a button (a POST, so that a GET
changes nothing) and not in the address, so that a link can be shared without forcing the sender's
language on the receiver. Readers get no other cookie; who logs in has a session
(``web/auth.py``). Without the choice we answer in nynorsk to browsers that ask for nynorsk, else in
bokmål: many Norwegians have an English browser, so that says little.
"""

from typing import cast

from flask import Flask, current_app, g, request
from flask_babel import Babel

from kb.taxonomy import LANGUAGES

COOKIE = "sprak"
NAMES = {"nb": "Bokmål", "nn": "Nynorsk", "en": "English"}
"""Each language in its own words, which is how the reader recognises it."""


def language() -> str:
    """Return ``nb``, ``nn`` or ``en`` for this request."""
    if "language" not in g:
        g.language = _choose(request.cookies.get(COOKIE), request.accept_languages.values())
    return cast("str", g.language)


def _choose(chosen: str | None, accepted: object) -> str:
    if chosen in LANGUAGES:
        return chosen
    for tag in cast("list[str]", accepted):
        primary = tag.lower().split("-")[0]
        if primary in ("nn", "nb", "no"):
            return "nn" if primary == "nn" else "nb"
    return "nb"


def here() -> str:
    """Return the address to come back to from a choice of language.

    That of this page; of an answer to a form, the nearest address above it that has a page.
    """
    if request.method in ("GET", "HEAD"):
        return request.full_path if request.query_string else request.path
    site, path = current_app.create_url_adapter(request), request.path
    while path and site is not None and not site.test(path, method="GET"):
        path = path.rpartition("/")[0]
    return path or "/"


def safe_return(path: str) -> str:
    r"""Return ``path`` if it leads to a page of this site, else the front page.

    A browser reads ``//host``, ``/\\host`` and addresses with control characters as other sites.
    """
    is_local = path.startswith("/") and not path.startswith("//")
    is_plain = path.isprintable() and "\\" not in path
    return path if is_local and is_plain else "/"


def install(app: Flask) -> None:
    """Let Flask-Babel translate into the language of the request."""
    app.config.update(BABEL_DEFAULT_LOCALE="nb", BABEL_TRANSLATION_DIRECTORIES="translations")
    Babel(app, locale_selector=language)
    app.jinja_env.globals.update(language=language, languages=NAMES, here=here)
