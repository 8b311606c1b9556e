"""Plans that are being checked, and what came of them: in memory only, for an hour.

Whoever uploads a plan gets an address that nobody can guess, and that only the session of the same
browser opens. The plan is let go as soon as it is checked; what is kept is what the page shows.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, current_app

from ingest import PlanCheck
from kb.errors import InternalError, KbError, PlanBusyError

KEPT_S = 3600
_MOST_WAITING, _MOST_KEPT = 4, 40
_KEY = "plans"
_log = logging.getLogger("web")


@dataclass(slots=True)
class Checking:
    """One plan: which share (0-1) is done, and in the end a result or an error."""

    owner: str
    began: float
    share: float = 0.0
    result: PlanCheck | None = None
    error: KbError | None = None
    done: threading.Event = field(default_factory=threading.Event)


Work = Callable[[Callable[[float], None]], PlanCheck]
"""Checks a plan and tells how far it has come."""


class Plans:
    """Checks plans one after the other beside the requests, and keeps what came of the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Checking] = {}
        self._thread: ThreadPoolExecutor | None = None

    def begin(self, owner: str, work: Work) -> str:
        """Take on a plan and return the word its address ends with.

        Raises:
            PlanBusyError: too many wait already.
        """
        with self._lock:
            self._forget()
            waiting = sum(not one.done.is_set() for one in self._known.values())
            if waiting >= _MOST_WAITING:
                raise PlanBusyError(f"{waiting} plans wait")
            self._thread = self._thread or ThreadPoolExecutor(1, "plan-check")
            word, one = secrets.token_urlsafe(12), Checking(owner, time.monotonic())
            self._known[word] = one
            self._thread.submit(_run, one, work)
        return word

    def get(self, word: str, owner: str | None) -> Checking | None:
        """Return the plan at an address; None if it is gone or another's."""
        with self._lock:
            self._forget()
            one = self._known.get(word)
        is_theirs = one is not None and secrets.compare_digest(one.owner, owner or "")
        return one if is_theirs else None

    def _forget(self) -> None:
        oldest = time.monotonic() - KEPT_S
        over = [word for word, one in self._known.items() if one.done.is_set()]
        for place, word in enumerate(over):
            if self._known[word].began < oldest or place < len(over) - _MOST_KEPT:
                del self._known[word]


def install(app: Flask) -> None:
    """Let ``app`` check plans."""
    app.extensions[_KEY] = Plans()


def plans() -> Plans:
    """Return the plans of this site."""
    return cast("Plans", current_app.extensions[_KEY])


def _run(one: Checking, work: Work) -> None:
    def tell(share: float) -> None:
        one.share = share

    try:
        one.result = work(tell)
    except KbError as error:
        one.error = error
    except Exception as error:  # noqa: BLE001 logged with its traceback, and told to who waits
        # One of the few places that catch everything: beside the requests nobody else would log it.
        _log.exception("a plan could not be checked")
        one.error = InternalError(type(error).__name__)
    finally:
        one.done.set()
