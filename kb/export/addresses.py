"""Where lessons, reports and their pages stand on the site that a document came from."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from kb.domain import Evidence, Lesson, Report
from kb.export.document import Document


@dataclass(frozen=True, slots=True)
class Addresses:
    """Absolute addresses below ``base``; a test holds them to those the website has."""

    base: str

    @classmethod
    def of(cls, document: Document) -> "Addresses":
        """Return the addresses of the site that ``document.address`` is on."""
        parts = urlsplit(document.address)
        return cls(f"{parts.scheme}://{parts.netloc}")

    def lesson(self, lesson: Lesson) -> str:
        """Return where the lesson stands."""
        return f"{self.base}/laerdom/{lesson.id}"

    def report(self, report: Report) -> str:
        """Return where the report stands."""
        return f"{self.base}/rapport/{report.id}"

    def source(self, lesson: Lesson, evidence: Evidence) -> str:
        """Return the page of the report that holds the quote, with the quote marked."""
        return f"{self.base}/kilde/{evidence.report_id}/side/{evidence.page}?l={lesson.id}"
