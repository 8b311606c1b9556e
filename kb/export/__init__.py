"""Lessons as files that people take along: one value in, bytes out, seven formats.

``document`` is the value, ``FORMATS`` the files. The writers: ``docx_file`` (Word), ``xlsx``
(Excel), ``csv_file``, ``markdown``, ``references`` (RIS, BibTeX, CSL-JSON). They share ``flat``
(a document as tables), ``words`` (fixed words and citations) and ``addresses``.
"""

from collections.abc import Mapping
from types import MappingProxyType

from kb.export import csv_file, docx_file, markdown, references, xlsx
from kb.export.document import Document, Entry, Format, Section

__all__ = ["FORMATS", "Document", "Entry", "Format", "Section"]

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.name: each
        for each in (
            Format(name="docx", mimetype=_WORD, write=docx_file.write),
            Format(name="xlsx", mimetype=_EXCEL, write=xlsx.write),
            Format(name="csv", mimetype="text/csv", write=csv_file.write),
            Format(name="md", mimetype="text/markdown", write=markdown.write),
            Format(
                name="ris",
                mimetype="application/x-research-info-systems",
                write=references.write_ris,
            ),
            Format(name="bib", mimetype="application/x-bibtex", write=references.write_bibtex),
            Format(
                name="json",
                mimetype="application/vnd.citationstyles.csl+json",
                write=references.write_csl,
            ),
        )
    }
)
"""All formats by name, in the order they are offered."""
