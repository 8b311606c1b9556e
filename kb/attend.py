"""A program kept running beside this one: started again when it falls, ended when we end.

The other program's standard input is a pipe that only we hold. It closes when we are gone, however
we went, and the program stops itself then (:func:`leave_with_parent`): no process is left behind.
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_LOOK_S = 0.5
_GRACE_S = 5.0

_log = logging.getLogger(__name__)


@contextmanager
def attended(argv: Sequence[str]) -> Iterator[None]:
    """Keep ``argv`` running while the block runs. Its standard error is ours."""
    ending = threading.Event()
    thread = threading.Thread(target=_attend, args=(argv, ending), name="attend", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _attend(argv: Sequence[str], ending: threading.Event) -> None:
    pause = _FIRST_PAUSE_S
    while not ending.is_set():
        with subprocess.Popen(  # noqa: S603 - a list of arguments, never a shell
            argv,
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; we end it
        ) as child:
            code = _watched(child, ending)
        if ending.is_set():
            return
        _log.warning("%s ended with %d and is started again", argv[-2:], code)
        ending.wait(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _watched(child: subprocess.Popen[bytes], ending: threading.Event) -> int:
    """Return the code the child ends with; end it when we are to end."""
    while True:
        try:
            return child.wait(timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            if not ending.is_set():
                continue
        assert child.stdin is not None  # noqa: S101 - a pipe, see _attend()
        child.stdin.close()
        try:
            return child.wait(timeout=_GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()


def leave_with_parent(stop: threading.Event) -> None:
    """Set ``stop`` when standard input closes, and leave soon after whatever is under way."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        stop.set()
        threading.Event().wait(_GRACE_S - 1)
        os._exit(0)

    threading.Thread(target=watch, name="parent", daemon=True).start()
