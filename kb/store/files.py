"""The original files, each under its SHA-256, so that one left over from a crash does no harm."""

import os
import re
import tempfile
from pathlib import Path

_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


def place(home: Path, sha256: str, file: str) -> Path:
    """Return where the original once called ``file`` stands, or would stand."""
    suffix = Path(file).suffix.lower()
    return home / "files" / (sha256 + (suffix if _SUFFIX.fullmatch(suffix) else ""))


def keep(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, on the disk when this returns; readers see all or nothing."""
    path.parent.mkdir(exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    _sync(path.parent)
    _sync(path.parent.parent)


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; NTFS journals the rename itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
