"""Run the site with waitress, for one machine or behind a proxy that adds TLS."""

import logging
import signal
import sys
from types import FrameType

from flask import Flask
from waitress.server import create_server

from kb.config import Config

_THREADS = 8
_log = logging.getLogger("web")


def serve(config: Config, app: Flask) -> None:
    """Serve ``app`` on ``config.host`` and ``config.port``; return after Ctrl-C or SIGTERM.

    Prints the address on standard output; logs go to standard error.

    Raises:
        OSError: the port is taken or may not be used.
    """
    _log_to_stderr()
    if not config.accessibility_url:
        _log.warning("KB_ACCESSIBILITY_URL is not set: the footer links to no statement")
    server = create_server(app, host=config.host, port=config.port, threads=_THREADS, ident=None)
    host = f"[{config.host}]" if ":" in config.host else config.host
    port = getattr(server, "effective_port", config.port)  # several sockets have no common port
    signal.signal(signal.SIGTERM, _stop)
    sys.stdout.write(f"Erfaringsbanken: http://{host}:{port}/  (Ctrl-C)\n")
    sys.stdout.flush()
    try:
        server.run()  # returns on Ctrl-C after the requests under way are answered
    finally:
        server.close()


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt  # a service manager asks for the same as Ctrl-C


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("web")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # A queue of one is no news; waitress warns of it for every request that waits.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
