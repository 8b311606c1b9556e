"""What is known of a report, beside where it was read; and back from a form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from flask_babel import gettext as _

from kb.desk import Metadata
from kb.domain import OFFER, Found, ProgrammeType, Report, ReportType
from web.context import services
from web.present import count_words, label

FIELDS = (
    "title",
    "programme",
    "place",
    "programme_type",
    "period_from",
    "period_to",
    "municipalities",
    "inhabitants",
    "budget",
    "report_type",
    "year",
    "client",
    "contractor",
)
"""The fields of a form, in the order shown, as :class:`kb.desk.Metadata` names them."""

_YEAR_FIELDS = ("period_from", "period_to", "year")
_COUNT_FIELDS = ("municipalities", "inhabitants")
_YEARS = range(1900, 2200)
_Member = TypeVar("_Member", ReportType, ProgrammeType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A piece of metadata: its name and value in words, and ``raw`` as forms carry it.

    ``found`` tells where it was read; None where a person filled it in, or nobody did. ``offers``
    are other values the report may mean, with where they were read.
    """

    field: str
    name: str
    value: str | None
    raw: str
    found: Found | None
    offers: tuple[Found, ...]


def facts_of(report: Report) -> tuple[Fact, ...]:
    """Return every piece of metadata that there can be, known or not."""
    known, sources = known_of(report), dict(report.sources)
    values, names = in_words(known), field_names()
    facts = []
    for field in FIELDS:
        raw = getattr(known, field)
        facts.append(
            Fact(
                field=field,
                name=names[field],
                value=values[names[field]],
                raw="" if raw is None else str(raw),
                found=sources.get("period" if field.startswith("period") else field),
                offers=tuple(one for name, one in report.sources if name == OFFER + field),
            )
        )
    return tuple(facts)


def known_of(report: Report) -> Metadata:
    """Return what is known of ``report``, as a person would fill it in."""
    about = report.programme
    return Metadata(
        title=report.title,
        programme=report.programme_name,
        place=about.place,
        programme_type=about.programme_type,
        period_from=about.period_from,
        period_to=about.period_to,
        municipalities=about.municipalities,
        inhabitants=about.inhabitants,
        budget=about.budget,
        report_type=report.report_type,
        client=report.client,
        contractor=report.contractor,
        year=report.year,
    )


def in_words(known: Metadata) -> dict[str, str | None]:
    """Return each value in words, by the name people read; None is unknown."""
    taxonomy, names = services().taxonomy, field_names()
    kinds = {"programme_type": taxonomy.programme_types, "report_type": taxonomy.report_types}
    words = {}
    for field in FIELDS:
        value = getattr(known, field)
        if value is not None:
            value = label(kinds[field], value) if field in kinds else _plain(field, value)
        words[names[field]] = value
    return words


def _plain(field: str, value: object) -> str:
    return count_words(value) if field == "inhabitants" and isinstance(value, int) else str(value)


def read_facts(written: Mapping[str, str]) -> tuple[Metadata | None, dict[str, str]]:
    """Return the metadata in a form, or None and what is wrong, by field."""
    years = {field: _year(written[field]) for field in _YEAR_FIELDS}
    problems = {
        field: str(_("Skriv årstallet med fire sifre, eller la feltet stå tomt."))
        for field in _YEAR_FIELDS
        if written[field] and years[field] is None
    }
    counts = {field: _count(written[field]) for field in _COUNT_FIELDS}
    problems |= {
        field: str(_("Skriv et helt tall, eller la feltet stå tomt."))
        for field in _COUNT_FIELDS
        if written[field] and counts[field] is None
    }
    first, last = years["period_from"], years["period_to"]
    if first and last and first > last:
        problems["period_to"] = str(_("Perioden kan ikke slutte før den begynner."))
    types = (
        _member(ProgrammeType, written["programme_type"]),
        _member(ReportType, written["report_type"]),
    )
    if problems:
        return None, problems
    known = Metadata(
        title=written["title"] or None,
        programme=written["programme"] or None,
        place=written["place"] or None,
        programme_type=types[0],
        period_from=first,
        period_to=last,
        municipalities=counts["municipalities"],
        inhabitants=counts["inhabitants"],
        budget=written["budget"] or None,
        report_type=types[1],
        client=written["client"] or None,
        contractor=written["contractor"] or None,
        year=years["year"],
    )
    return known, {}


def field_names() -> dict[str, str]:
    """Return what people call each field."""
    return {
        "title": str(_("Tittel")),
        "programme": str(_("Navn på programmet")),
        "place": str(_("Sted")),
        "programme_type": str(_("Programtype")),
        "period_from": str(_("Perioden begynner")),
        "period_to": str(_("Perioden slutter")),
        "municipalities": str(_("Antall kommuner")),
        "inhabitants": str(_("Innbyggere")),
        "budget": str(_("Budsjett")),
        "report_type": str(_("Type rapport")),
        "year": str(_("Rapportens år")),
        "client": str(_("Oppdragsgiver")),
        "contractor": str(_("Skrevet av")),
    }


def _count(written: str) -> int | None:
    digits = re.sub(r"[\s.,\u00a0]", "", written)
    is_count = digits.isascii() and digits.isdecimal() and 0 < len(digits) <= 7  # noqa: PLR2004 - fewer people live here
    return (int(digits) or None) if is_count else None


def _year(written: str) -> int | None:
    is_year = written.isascii() and written.isdecimal() and len(written) == 4  # noqa: PLR2004 - four digits make a year
    return int(written) if is_year and int(written) in _YEARS else None


def _member(of: type[_Member], written: str) -> _Member | None:
    return of(written) if written in list(of) else None
