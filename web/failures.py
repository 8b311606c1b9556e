"""What the reader sees when something goes wrong: a page, or JSON where programs ask."""

import logging

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from kb.errors import InputError, InvalidQueryError, KbError, NotFoundError, StateError
from kb.messages import sentence
from web.language import language

_NOT_FOUND = 404
_log = logging.getLogger("web")


def install(app: Flask) -> None:
    """Answer every error of ``app`` with a sentence that says what to do."""
    app.register_error_handler(KbError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unknown)


def status_of(error: KbError) -> int:
    """Return the HTTP status for ``error``: 4xx if the reader can mend it, else 5xx."""
    if isinstance(error, NotFoundError):
        return _NOT_FOUND
    if isinstance(error, InputError):
        return 400
    return 503 if isinstance(error, StateError) else 500


def _known(error: KbError) -> Response:
    status = status_of(error)
    if isinstance(error, InputError):
        _log.info("%s: %s", error.reason_code, error)
    else:
        _log.error("%s: %s", error.reason_code, error, exc_info=error)
    return _answer(status, error.reason_code, sentence(error, language()))


def _http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:  # noqa: PLR2004 - redirects are answers, not errors
        return make_response(error.get_response())
    if error.code == _NOT_FOUND:
        return _known(NotFoundError(request.path))
    known = InvalidQueryError(error.name)
    response = _answer(error.code, known.code, sentence(known, language()))
    response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
    return response


def _unknown(error: Exception) -> Response:
    # One of the few places that catch everything: the request handler, which logs the traceback.
    _log.error("unexpected error at %s", request.path, exc_info=error)
    text = _("Noe gikk galt hos oss. Prøv igjen om litt. Feilen er skrevet i loggen.")
    return _answer(500, "error", text)


def _answer(status: int, code: str, text: str) -> Response:
    if request.path.startswith("/api/") or request.path == "/healthz":
        return make_response(jsonify(error={"code": code, "message": text}), status)
    page = render_template("error.html", status=status, code=code, text=text)
    return make_response(page, status)
