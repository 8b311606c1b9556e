"""What a view may ask for: the store of this request, and what all requests share."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app, g

from kb.config import Config
from kb.embed import Encoder
from kb.evidence import Pairs
from kb.process import Process
from kb.search import Searcher
from kb.store import Store
from kb.taxonomy import Taxonomy

_KEY = "erfaringsbanken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What all requests share, none of which changes while the site runs."""

    config: Config
    encoder: Encoder
    searcher: Searcher
    pairs: Pairs
    taxonomy: Taxonomy
    process: Process
    model_id: str

    def install(self, app: Flask) -> None:
        """Make the services those of ``app``."""
        app.extensions[_KEY] = self


def services() -> Services:
    """Return what all requests of this site share."""
    return cast("Services", current_app.extensions[_KEY])


def store() -> Store:
    """Return this request's store, opened on first use.

    Raises:
        StoreDamagedError: the file in the home folder is not a database of ours.
    """
    if "store" not in g:
        g.store = Store.open(services().config.home)
    return cast("Store", g.store)


def close_store(_error: BaseException | None = None) -> None:
    """Close the store of this request, if it was opened."""
    opened = g.pop("store", None)
    if opened is not None:
        opened.close()
