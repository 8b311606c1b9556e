"""Run the site with waitress, for one machine or behind a proxy that adds TLS."""

import logging
import signal
import sys
from types import FrameType

from flask import Flask
from waitress.server import create_server

from kb.config import Config

_THREADS = 8
_BODY_FACTOR = 20
"""So many files of the largest size are read off the wire at once; the site itself refuses half of
that with a page that says why, and waitress the rest with a bare line."""
_log = logging.getLogger("web")


def serve(config: Config, app: Flask, link: str | None = None) -> None:
    """Serve ``app`` on ``config.host`` and ``config.port``; return after Ctrl-C or SIGTERM.

    Prints the address on standard output, and the address that uses the one-time ``link`` if there
    is one; logs go to standard error.

    Raises:
        OSError: the port is taken or may not be used.
    """
    _log_to_stderr()
    if not config.accessibility_url:
        _log.warning("KB_ACCESSIBILITY_URL is not set: the footer links to no statement")
    server = create_server(
        app,
        host=config.host,
        port=config.port,
        threads=_THREADS,
        ident=None,
        max_request_body_size=_BODY_FACTOR * config.max_file_mb * 1_000_000,
        # A web server in front, on this machine, tells who asks and whether it was over TLS. What a
        # browser says about itself under these names is not believed.
        trusted_proxy="127.0.0.1",
        trusted_proxy_count=1,
        trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto"},
        clear_untrusted_proxy_headers=True,
    )
    host = f"[{config.host}]" if ":" in config.host else config.host
    port = getattr(server, "effective_port", config.port)  # several sockets have no common port
    signal.signal(signal.SIGTERM, _stop)
    sys.stdout.write(f"Erfaringsbanken: http://{host}:{port}/  (Ctrl-C)\n")
    if link is not None:
        sys.stdout.write("Logg inn som demoredaktør (virker én gang, i 24 timer): ")
        sys.stdout.write(f"http://{host}:{port}/inn/{link}\n")
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
