"""What the commands of ``kb`` share: opening things, and speaking to people and to programs.

Imports as little as :mod:`kb.__main__`: what is heavy is imported where it is opened.
"""

import getpass
import json
import sys
from typing import TYPE_CHECKING

import click

from kb.config import Config
from kb.errors import InputError, KbError, NotFoundError
from kb.messages import SENTENCES, sentence

if TYPE_CHECKING:
    from kb.desk import Desk
    from kb.domain import Report
    from kb.embed import Encoder
    from kb.store import Store

OK, NOTHING, USAGE, BAD_INPUT = 0, 1, 2, 3
JSON = click.option("as_json", "--json", is_flag=True, help="Skriv JSON for andre programmer.")


def open_store(config: Config) -> "Store":
    """Return a session with the store of ``config``."""
    from kb.store import Store

    return Store.open(config.home)


def open_encoder(config: Config) -> "Encoder":
    """Return the encoder of ``config``."""
    from kb.embed import open_encoder as opened

    return opened(config.model, config.home)


def open_desk(config: Config, store: "Store") -> "Desk":
    """Return the desk of whoever sits at this terminal."""
    from kb.desk import Desk

    return Desk(store, lambda: open_encoder(config), actor())


def refresh_index(config: Config, store: "Store") -> None:
    """Let readers find what was changed."""
    from kb.search import Searcher

    Searcher(open_encoder(config), config.home).refresh(store)


def the_report(store: "Store", report_id: str) -> "Report":
    """Return a report that must be there; raises NotFoundError if it is not."""
    found = store.report(report_id)
    if found is None:
        raise NotFoundError(f"report {report_id}")
    return found


def actor() -> str:
    """Return who signs what is decided on the command line."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # a container may run as a number without a name
        return "cli"


def say_error(error: KbError, before: str = "", after: str = "") -> None:
    """Tell an error: one sentence with its stable code, and the cause where it helps."""
    click.echo(f"{before}{sentence(error)} [{error.reason_code}]{after}", err=True)
    if not isinstance(error, InputError) or isinstance(error, NotFoundError):
        click.echo(f"  {error}", err=True)


def say_code(code: str, before: str = "", after: str = "") -> None:
    """Tell an error of which only the code was kept."""
    click.echo(f"{before}{SENTENCES[code][0]} [{code}]{after}", err=True)


def is_input(code: str) -> bool:
    """Whether the caller can mend the error with this code, rather than we."""
    kinds = [InputError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return code.partition(".")[0] in {kind.code for kind in kinds}


def print_json(data: object) -> None:
    """Print ``data`` for other programs."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


class ProgressLine:
    """One line on standard error that tells what is being done; nothing where nobody looks."""

    def __init__(self) -> None:
        self.file = ""
        self._is_seen = sys.stderr.isatty()

    def tell(self, stage: str, progress: float) -> None:
        """Show the stage and the share (0-1) of the work that is done."""
        if self._is_seen:
            text = f"{self.file}: {stage or 'venter'} … {progress:.0%}"
            click.echo(f"\r\033[K{text}", nl=False, err=True)

    def clear(self) -> None:
        """Take the line away before something else is said."""
        if self._is_seen:
            click.echo("\r\033[K", nl=False, err=True)
