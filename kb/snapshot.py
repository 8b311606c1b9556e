"""A folder of derived files that is written once, checked when it is opened, and never changed.

Readers map the files, so nothing may write to them again: a new state gets a folder of its own.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANIFEST = "manifest.json"
TRUSTED_FROM = 32_000_000
"""A file of so many bytes is not read through again as long as size and time of writing are those
that its builder noted: at a million lessons that would take seconds for every process."""

Arrays = dict[str, NDArray[Any]]


def seal(folder: Path, arrays: Arrays, about: Mapping[str, object]) -> None:
    """Write ``arrays`` beside what is in ``folder``, and a manifest of it all; sync everything."""
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values, allow_pickle=False)
    files = sorted(path for path in folder.iterdir() if path.name != MANIFEST)
    for path in files:
        sync(path)
    manifest = {
        **about,
        "sha256": {path.name: _sha256(path) for path in files},
        "written": {path.name: _written(path) for path in files},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    sync(folder / MANIFEST)
    sync(folder)


def load(folder: Path) -> Arrays:
    """Return the arrays of ``folder``, mapped: only what is read comes into memory."""
    # A memmap is an ndarray that takes ten times as long over every slice, so it is left behind.
    return {
        path.stem: np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        for path in folder.glob("*.npy")
    }


def problem(folder: Path, wanted: Mapping[str, object], *, thoroughly: bool) -> str:
    """Return what keeps the folder from being used, or an empty string.

    Args:
        folder: with a manifest by :func:`seal`.
        wanted: what the manifest must say.
        thoroughly: read also large files that seem untouched.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for field, value in wanted.items():
            if manifest[field] != value:
                return f"{field} is {manifest[field]!r}, not {value!r}"
        sums, written = manifest["sha256"], manifest["written"]
        for name in {*sums, *_needed(folder)}:
            path = folder / name
            if not thoroughly and _is_untouched(path, written[name]):
                continue
            if _sha256(path) != sums[name]:
                return f"{name} does not have its checksum"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _needed(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {MANIFEST}


def _is_untouched(path: Path, written: object) -> bool:
    return path.stat().st_size >= TRUSTED_FROM and _written(path) == written


def _written(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Let what was written to a file or folder survive a power cut."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder; NTFS journals the rename itself
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
