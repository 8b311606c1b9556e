"""What the reader sees when something goes wrong: a page, or JSON where programs ask."""

import logging

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from kb.errors import (
    AccountError,
    AlreadyIngestedError,
    CollectionFullError,
    ConflictError,
    InputError,
    InvalidQueryError,
    KbError,
    MailRefusedError,
    NotFoundError,
    NotVerbatimError,
    QuestionFileError,
    StateError,
    UndecidedError,
    UnreadablePlanError,
    UnreadableReportError,
)
from kb.messages import sentence
from web.access_log import path_to_log
from web.language import language

_NOT_FOUND, _NOT_ALLOWED, _TOO_LARGE, _TOO_MANY = 404, 405, 413, 429
_RETRY_S = 60
"""Within a minute a program that asked too much may ask again (see ``web/views/api.py``)."""
_MB = 1_000_000
_STATUSES: tuple[tuple[type[InputError] | tuple[type[InputError], ...], int], ...] = (
    (NotFoundError, _NOT_FOUND),
    ((ConflictError, UndecidedError, AlreadyIngestedError), 409),
    (
        (
            NotVerbatimError,
            AccountError,
            UnreadablePlanError,
            UnreadableReportError,
            CollectionFullError,
            QuestionFileError,
            MailRefusedError,
        ),
        422,
    ),
    (InputError, 400),
)
_log = logging.getLogger("web")


def install(app: Flask) -> None:
    """Answer every error of ``app`` with a sentence that says what to do."""
    app.register_error_handler(KbError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unknown)


def status_of(error: KbError) -> int:
    """Return the HTTP status for ``error``: 4xx if the reader can mend it, else 5xx."""
    for kinds, status in _STATUSES:
        if isinstance(error, kinds):
            return status
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
        return _known(NotFoundError(path_to_log()))
    known = InvalidQueryError(error.name)
    told = _refusal(error) or (known.code, sentence(known, language()))
    response = _answer(error.code, *told)
    response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
    if error.code == _TOO_MANY and _is_for_programs():
        response.headers["Retry-After"] = str(_RETRY_S)
    return response


def _refusal(error: HTTPException) -> tuple[str, str] | None:
    """Return code and sentence where it matters who asks, how much, or how often; else None."""
    if isinstance(error, CSRFError):
        text = _(
            "Skjemaet er for gammelt, eller nettleseren sendte ikke med informasjonskapselen. "
            "Ingenting er endret. Gå tilbake, last siden på nytt, logg inn om du blir bedt om det, "
            "og prøv igjen."
        )
        return "form-expired", str(text)
    if error.code == _TOO_LARGE:
        return "too-large", _too_large()
    if _is_for_programs() and error.code in (_NOT_ALLOWED, _TOO_MANY):
        return _refusal_of_program(error.code)
    if error.code == _TOO_MANY and request.blueprint == "feeds":
        return _refusal_of_program(error.code)
    if error.code == _TOO_MANY and request.blueprint == "saved":
        return "too-many-requests", str(_("Du spør for ofte. Vent en time, og prøv igjen."))
    texts = {
        401: ("not-logged-in", _("Du må logge inn for å gjøre dette. Ingenting er endret.")),
        403: ("not-allowed", _("Kontoen din har ikke lov til dette. Be en administrator om det.")),
        429: (
            "too-many-tries",
            _("For mange forsøk på å logge inn. Vent et kvarter, og prøv igjen."),
        ),
    }
    code, text = texts.get(error.code or 0, ("", ""))
    return (code, str(text)) if code else None


def _refusal_of_program(status: int) -> tuple[str, str]:
    if status == _NOT_ALLOWED:
        return "method-not-allowed", str(_("Denne adressen kan bare leses, med GET."))
    return "too-many-requests", str(_("Du spør for ofte. Vent et minutt, og prøv igjen."))


def _too_large() -> str:
    most = request.max_content_length or 0
    if most < _MB:
        return str(_("Skjemaet er større enn vi tar imot. Ingenting er endret."))
    text = _(
        "Filene er til sammen større enn %(mb)s MB. Ingen er lagt inn. Velg færre om gangen.",
        mb=most // _MB,
    )
    return str(text)


def _unknown(error: Exception) -> Response:
    # One of the few places that catch everything: the request handler, which logs the traceback.
    _log.error("unexpected error at %s", path_to_log(), exc_info=error)
    text = _("Noe gikk galt hos oss. Prøv igjen om litt. Feilen er skrevet i loggen.")
    return _answer(500, "error", text)


def _is_for_programs() -> bool:
    return request.path.startswith("/api/") or request.path == "/healthz"


def _answer(status: int, code: str, text: str) -> Response:
    if _is_for_programs():
        return _problem(status, code, text)
    page = render_template("error.html", status=status, code=code, text=text)
    return make_response(page, status)


def _problem(status: int, code: str, text: str) -> Response:
    """Return a problem of RFC 9457; ``code`` is what programs can rely on."""
    title = HTTP_STATUS_CODES.get(status, "Error")
    problem = jsonify(type="about:blank", title=title, status=status, code=code, detail=text)
    problem.mimetype = "application/problem+json"
    return make_response(problem, status)
