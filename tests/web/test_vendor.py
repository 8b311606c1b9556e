"""The foreign files are those whose versions and licences we state."""

import hashlib
import json
from pathlib import Path

_VENDOR = Path(__file__).resolve().parents[2] / "web" / "static" / "vendor"
_AXE = Path(__file__).resolve().parents[1] / "browser" / "vendor"


def test_every_vendored_file_is_listed_with_its_hash_and_licence():
    manifest = json.loads((_VENDOR / "VENDOR.json").read_text(encoding="utf-8"))["files"]

    present = {path.name for path in _VENDOR.iterdir() if path.is_file()} - {"VENDOR.json"}
    assert {entry["file"] for entry in manifest} == present
    for entry in manifest:
        digest = hashlib.sha256((_VENDOR / entry["file"]).read_bytes()).hexdigest()
        assert digest == entry["sha256"], entry["file"]
        assert (_VENDOR / entry["licence_text"]).read_text(encoding="utf-8").strip()
        assert entry["version"]


def test_the_checker_of_the_browser_tests_is_the_one_we_state():
    manifest = json.loads((_AXE / "VENDOR.json").read_text(encoding="utf-8"))["files"]

    for entry in manifest:
        assert hashlib.sha256((_AXE / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
        assert (_AXE / entry["licence_text"]).exists()
