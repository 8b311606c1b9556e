"""Whole addresses of pages, for what is read outside the site: feeds, mails, the interface."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, request, url_for

from web.context import services


def install(app: Flask) -> None:
    """Let the templates of ``app`` name whole addresses."""
    app.jinja_env.globals.update(public_url=public_url, whole=whole)


def public_url() -> str:
    """Return where the site is reached from outside, without a slash at the end.

    That is ``KB_PUBLIC_URL``, else what the asker called us.
    """
    return services().config.public_url or request.host_url.rstrip("/")


def whole(endpoint: str, **values: Any) -> str:
    """Return the address of a page with scheme and host."""
    return public_url() + url_for(endpoint, _external=False, **values)


def tag(path: str) -> str:
    """Return a ``tag:`` URI (RFC 4151): the same for as long as the site keeps its name."""
    return f"tag:{urlsplit(public_url()).hostname},2026:{path}"
