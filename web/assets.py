"""Static files: their addresses change with their content, so that browsers may keep them."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, url_for
from markupsafe import Markup

_STATIC = Path(__file__).resolve().parent / "static"
_ONE_YEAR_S = 31_536_000


def install(app: Flask) -> None:
    """Give ``app`` lasting static files and the ``icon`` function for templates."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = _ONE_YEAR_S
    app.jinja_env.globals["icon"] = icon

    @app.url_defaults
    def version(endpoint: str, values: dict[str, Any]) -> None:
        # Fonts are left out: the stylesheet names them without a version, and they never change.
        if endpoint == "static" and not values["filename"].endswith(".woff2"):
            values["v"] = _version(values["filename"])


def icon(name: str) -> Markup:
    """Return a decorative icon; the words beside it carry the meaning."""
    sprite = url_for("static", filename="vendor/icons.svg")
    return Markup(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>'
    ).format(sprite, name)


@cache
def _version(filename: str) -> str:
    return hashlib.sha256((_STATIC / filename).read_bytes()).hexdigest()[:10]
