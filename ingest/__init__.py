"""A report file becomes tagged lessons, every one with its verbatim quote and page.

The face of the package: outsiders import from here, never from a stage.
"""

from ingest.again import LACKS_TEXT, lacks_text, refuse_decided, refuse_edition
from ingest.ocr import OcrState, ocr_state
from ingest.pipeline import (
    STAGES,
    Ingested,
    Ingestor,
    ingested,
    limits_of,
    read_bytes,
    refuse_at_the_door,
)

__all__ = [
    "LACKS_TEXT",
    "STAGES",
    "Ingested",
    "Ingestor",
    "OcrState",
    "ingested",
    "lacks_text",
    "limits_of",
    "ocr_state",
    "read_bytes",
    "refuse_at_the_door",
    "refuse_decided",
    "refuse_edition",
]
