"""The way in over a real server: the demo's link, and a web server in front."""

import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from kb.__main__ import main
from kb.store import Store
from tests.web.staff import token_in

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import sys
from pathlib import Path
from kb.accounts import demo_link
from kb.config import Config
from kb.store import Store
from tests.fakes import WordHashEncoder
from web import create_app
from web.serve import serve
config = Config(home=Path(sys.argv[1]), port=0)
with Store.open(config.home) as store:
    link = demo_link(store)
serve(config, create_app(config, WordHashEncoder()), link)
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address that the server prints for the demo's editor."""
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path_factory.mktemp("serve"))]
    with subprocess.Popen(
        command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        yield server.stdout.readline().split()[-1]
        server.send_signal(signal.SIGINT)
        server.wait(timeout=15)


def test_the_link_that_is_printed_lets_an_editor_in(printed: str):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/inn/[\w-]{43}", printed)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    page = browser.open(printed, timeout=10).read().decode()
    form = urlencode({"csrf_token": token_in(page)}).encode()
    desk = browser.open(printed, form, timeout=10)

    assert desk.url.endswith("/desk")
    assert "Logget inn som demo" in desk.read().decode()


@pytest.mark.parametrize(("scheme", "is_secure"), [("https", True), ("http", False)])
def test_a_web_server_in_front_tells_whether_it_was_over_tls(
    printed: str, scheme: str, is_secure: bool
):
    address = printed.partition("/inn/")[0] + "/inn"
    asked = urllib.request.Request(address, headers={"X-Forwarded-Proto": scheme})

    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert ("Secure" in answer.headers["Set-Cookie"]) == is_secure


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.4", "::", "bank.example"])
def test_a_demo_is_not_offered_to_other_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
):
    monkeypatch.setenv("KB_HOME", str(tmp_path))

    done = CliRunner().invoke(main, ["serve", "--demo-editor", "--host", host])

    assert done.exit_code == 2
    assert "127.0.0.1" in done.output
    with Store.open(tmp_path) as store:
        assert store.accounts.all() == ()
