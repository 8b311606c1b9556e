"""For programs that look after the site or come by: whether it is well, and what they may index."""

from flask import Blueprint, Response, jsonify

from web.context import services, store

bp = Blueprint("machine", __name__)
_ROBOTS = "User-agent: *\nDisallow: /\n"
"""Reports name people by their roles, so finding them by any web search is the owner's choice, made
in the web server in front; the header ``X-Robots-Tag`` says the same."""


@bp.get("/healthz")
def health() -> Response:
    """Say that the store opens and what it holds; a broken store answers 503."""
    with store().reading():
        return jsonify(
            ok=True,
            generation=store().generation(),
            lessons=len(store().facets()),
            model=services().model_id,
        )


@bp.get("/robots.txt")
def robots() -> Response:
    """Ask search engines to leave the site alone."""
    return Response(_ROBOTS, mimetype="text/plain")
