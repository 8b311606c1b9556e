"""A report file becomes tagged lessons, every one with its verbatim quote and page.

The face of the package: outsiders import from here, never from a stage.
"""

from ingest.again import LACKS_TEXT, lacks_text, refuse_decided
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
from ingest.plan import MAX_PLAN_CHARS, Plan, PlanSection, read_pasted, read_plan
from ingest.plancheck import CheckedSection, PlanCheck, PlanChecker, PlanHit, UntouchedTheme

__all__ = [
    "LACKS_TEXT",
    "MAX_PLAN_CHARS",
    "STAGES",
    "CheckedSection",
    "Ingested",
    "Ingestor",
    "OcrState",
    "Plan",
    "PlanCheck",
    "PlanChecker",
    "PlanHit",
    "PlanSection",
    "UntouchedTheme",
    "ingested",
    "lacks_text",
    "limits_of",
    "ocr_state",
    "read_bytes",
    "read_pasted",
    "read_plan",
    "refuse_at_the_door",
    "refuse_decided",
]
