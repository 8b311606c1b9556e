"""The website: pages that anyone may read, the same for programs, and the desk for staff.

What stands outside ``/desk`` never changes the base.

``create_app`` builds it, ``web.serve.serve`` runs it. Every page works without JavaScript; every
address is Norwegian and stable (``tests/routes.txt``).
"""

from pathlib import Path

from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.routing import IntegerConverter

from kb.config import Config
from kb.embed import Encoder
from kb.evidence import Pairs
from kb.process import load_process
from kb.search import Searcher
from kb.taxonomy import load_taxonomy
from web import (
    access_log,
    addresses,
    assets,
    auth,
    failures,
    language,
    leader_words,
    plans,
    present,
    security,
    takeaway,
)
from web.context import Services, close_store
from web.views import BLUEPRINTS

_MAX_FORM_BYTES = 4_096
"""Forms outside the desk hold a language and an address, or a name and a password."""


class _Number(IntegerConverter):
    """A number that the database can hold; what is longer is the address of nothing."""

    regex = r"[0-9]{1,18}"


def create_app(config: Config, encoder: Encoder) -> Flask:
    """Return the website over ``config.home``; ``encoder`` embeds the questions of all threads.

    Raises:
        TaxonomyError: the taxonomy in ``config.corpus`` is missing or wrong.
        ProcessError: the description of the process there is.
        StoreUnavailableError: the secret of the sessions cannot be kept in ``config.home``.
    """
    app = Flask("web", root_path=str(Path(__file__).resolve().parent))
    app.config.update(MAX_CONTENT_LENGTH=_MAX_FORM_BYTES, MAX_FORM_PARTS=4)
    taxonomy = load_taxonomy(config.corpus / "taxonomy.toml")
    Services(
        config=config,
        encoder=encoder,
        searcher=Searcher(encoder, config.home, config.corpus),
        pairs=Pairs(encoder.model_id),
        taxonomy=taxonomy,
        process=load_process(config.corpus / "process.toml", taxonomy),
        model_id=encoder.model_id,
    ).install(app)
    app.url_map.converters["int"] = _Number
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    parts = (language, present, leader_words, addresses, assets, security, failures)
    for part in (*parts, access_log, auth, takeaway, plans):
        part.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.teardown_appcontext(close_store)
    return app
