"""The original files, each under its SHA-256, so that one left over from a crash does no harm."""

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

_HALF_IS_LEFT_S = 3600
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


def place(home: Path, sha256: str, file: str) -> Path:
    """Return where the original once called ``file`` stands, or would stand."""
    suffix = Path(file).suffix.lower()
    return home / "files" / (sha256 + (suffix if _SUFFIX.fullmatch(suffix) else ""))


def derived_place(home: Path, sha256: str) -> Path:
    """Return where the PDF with recognised text stands that was made of an original."""
    return home / "files" / f"{sha256}.ocr.pdf"


def all_of(home: Path, sha256: str) -> list[Path]:
    """Return every file kept of an original: itself, under whatever suffix, and what is derived."""
    return sorted((home / "files").glob(f"{sha256}*"))


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


def drop_halves(home: Path, now: float) -> None:
    """Take away files that a killed writer left half written, an hour ago or more."""
    for path in (home / "files").glob("*.part"):
        with suppress(OSError):  # another process was faster
            if path.stat().st_mtime < now - _HALF_IS_LEFT_S:
                path.unlink()


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; NTFS journals the rename itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
