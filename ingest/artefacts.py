"""What a job has worked out so far, kept in a folder so that it survives a kill of the worker.

Only what takes long: the document as read, and the vectors of each batch of texts. The name of a
file says what it was made of and by which version of what, so a stale one is never found. All of it
can be deleted at any time. Nothing here is trusted more than a report: JSON and plain arrays.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import lru_cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.types import RawDocument, RawLine, RawPage

Floats = NDArray[np.float32]

_READERS = ("pdf.py", "pdf_child.py", "ocr.py", "types.py")
_LIBRARIES = ("pypdf", "pypdfium2")
_log = logging.getLogger(__name__)


class Artefacts:
    """What is kept of one file's job in ``folder``; with None nothing is."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def document(self, wish: str, make: Callable[[], RawDocument]) -> RawDocument:
        """Return the document read before, or else the one that ``make`` reads, which is kept.

        ``wish`` tells apart readings of the same file: with which limits, with OCR or without.
        """
        name = f"read-{_digest(reader_version(), wish)}.json"
        kept = self._read(name)
        if kept is not None:
            try:
                return document_from_json(kept)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                _log.warning("%s cannot be used: %s", name, error)
        document = make()
        self._keep(name, document_to_json(document))
        return document

    def vectors(
        self, model_id: str, texts: Sequence[str], make: Callable[[Sequence[str]], Floats]
    ) -> Floats:
        """Return the vectors of ``texts`` made before in one batch, or those that ``make`` gives.

        Whole batches only: the encoder may choose its engine by their size, and a report that is
        read again after a kill must get the same numbers.
        """
        name = f"vectors-{_digest(model_id, *texts)}.npy"
        kept = self._read(name)
        if kept is not None:
            try:
                rows: Floats = np.load(BytesIO(kept), allow_pickle=False)
            except (ValueError, EOFError, OSError) as error:
                _log.warning("%s cannot be used: %s", name, error)
            else:
                if rows.dtype == np.float32 and rows.shape[:-1] == (len(texts),):
                    return rows
        rows = make(texts)
        written = BytesIO()
        np.save(written, rows, allow_pickle=False)
        self._keep(name, written.getvalue())
        return rows

    def _read(self, name: str) -> bytes | None:
        if self._folder is None:
            return None
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def _keep(self, name: str, data: bytes) -> None:
        """Write the file whole or not at all. Failing is no harm: it is made again when needed."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor, part = tempfile.mkstemp(dir=self._folder, suffix=".part")
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(self._folder / name)
        except OSError as error:
            _log.warning("%s is not kept: %s", name, error)


@lru_cache(maxsize=1)
def reader_version() -> str:
    """Return what changes with all that decides how a file is read: our code and libraries."""
    here = Path(__file__).parent
    return _digest(
        *((here / name).read_text(encoding="utf-8") for name in _READERS),
        *(version(name) for name in _LIBRARIES),
    )


def document_to_json(document: RawDocument) -> bytes:
    """Return the document without its derived PDF, which has a place of its own."""
    pages = [
        [getattr(page, name) for name in _PAGE]
        + [[[getattr(line, name) for name in _LINE] for line in page.lines]]
        for page in document.pages
    ]
    data = {"title": document.file_title, "pages": pages}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def document_from_json(data: bytes) -> RawDocument:
    """Return what :func:`document_to_json` was given; raises ValueError or TypeError for others."""
    found = json.loads(data)
    return RawDocument(
        pages=tuple(_page(values) for values in found["pages"]), file_title=found["title"]
    )


_PAGE = [field.name for field in fields(RawPage) if field.name != "lines"]
_LINE = [field.name for field in fields(RawLine)]


def _page(values: list[Any]) -> RawPage:
    *own, lines = values
    return RawPage(**dict(zip(_PAGE, own, strict=True)), lines=tuple(_line(line) for line in lines))


def _line(values: list[Any]) -> RawLine:
    return RawLine(**dict(zip(_LINE, map(_frozen, values), strict=True)))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _digest(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:24]
