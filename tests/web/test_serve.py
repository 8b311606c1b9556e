"""The server says where it is, answers, and stops when asked."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import sys
from pathlib import Path
from kb.config import Config
from tests.fakes import WordHashEncoder
from web import create_app
from web.serve import serve
config = Config(home=Path(sys.argv[1]), port=0)
serve(config, create_app(config, WordHashEncoder()))
print("stopped")
"""


@pytest.mark.parametrize("ask", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_answers_and_stops_when_asked(tmp_path: Path, ask: signal.Signals):
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
        assert found is not None
        with urllib.request.urlopen(found.group() + "healthz", timeout=10) as answer:
            assert answer.status == 200
        server.send_signal(ask)
        rest, log = server.communicate(timeout=15)

    assert server.returncode == 0
    assert rest.endswith("stopped\n")
    assert '"path": "/healthz"' in log
    assert "KB_ACCESSIBILITY_URL" in log
