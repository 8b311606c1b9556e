"""The headers every answer carries.

No inline script or style anywhere, no foreign host, no frame around us. ``trusted-types htmx`` lets
only htmx turn text into HTML. ``data:`` images are the masks inside Designsystemet's CSS.
"""

import secrets
from typing import cast

from flask import Flask, Response, g, request

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'nonce-{nonce}'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types htmx",
    )
)
FOREIGN_FILE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""For bytes that others made: nothing in them may run or load anything."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def nonce() -> str:
    """Return the word that lets this page's own scripts run, new for every request."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return cast("str", g.nonce)


def install(app: Flask) -> None:
    """Put the headers on every answer of ``app``."""
    app.jinja_env.globals["nonce"] = nonce
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=nonce()))
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-cache")
        response.vary.update(("Accept-Language", "Cookie", "HX-Request"))
    elif request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
