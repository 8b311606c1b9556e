"""A report file becomes tagged lessons, every one with its verbatim quote and page.

The face of the package: outsiders import from here, never from a stage.
"""

from ingest.pipeline import Ingested, Ingestor

__all__ = ["Ingested", "Ingestor"]
