"""A small base that every page can be tried on, made for these tests: four reports.

The texts are invented. Their files are real: a PDF written by hand, and plain text.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.config import Config
from kb.domain import (
    AssignedBy,
    Evidence,
    Found,
    Kind,
    Lesson,
    Page,
    Phase,
    Programme,
    ProgrammeType,
    Report,
    ReportStatus,
    ReportType,
    Span,
    Status,
    ThemeTag,
    lesson_id,
    report_id,
)
from kb.embed import embed_lessons
from kb.store import Store
from tests.fakes import WordHashEncoder
from tests.make import publish, set_status
from tests.web.tiny_pdf import tiny_pdf

NOTE = "Oppdiktet eksempelrapport"
CORPUS = Path(__file__).resolve().parents[2] / "corpus"

FJELLVIK = (
    (
        "Omstilling i Fjellvik 2017-2021",
        "Sluttevaluering. Oppdiktet eksempelrapport.",
    ),
    (
        "3.1 Styret",
        "Styret holdt seminar etter det første året, og først da ble mandatet klart for alle.",
        "Ingen hadde avklart rollene med næringshagen, og bedriftene fikk to tilbud om det samme.",
        "Vi anbefaler at neste program gjør følgende:",
        "Ta introkurset om igjen når styret har behandlet sine første søknader.",
        "Et kort program gir fart, men lite rom for å feile, og det lærte styret først",
    ),
    (
        "da halve tiden var brukt.",
        "4 Avslutning",
        "Arbeidet med videreføring begynte for sent, og møteplassene ble borte.",
        "Seminaret ga styret ro til å si nei.",
    ),
)
SUNDET = tuple(
    ("Erfaringar frå Sundet, side " + str(number + 1), *lines)
    for number, lines in enumerate(
        (
            (
                "Dei største bedriftene vart spurde tidleg, og dei snakka vel om oss etterpå.",
                "Namnet sa ingenting om omstilling, og folk trudde det var eit bibliotek.",
            ),
            tuple(
                f"Prosjekt nummer {number} gav god læring fordi bedrift {number} eigde det sjølv."
                for number in range(1, 21)
            ),
        )
    )
)
HARBOUR = (
    "Harbour Forward, final evaluation 2020",
    "The board should hold a seminar after the first year, when it has seen real applications.",
    "The programme leader worked alone, and everything stopped when she fell ill.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a test lesson says: the texts of its quotes, each with its page."""

    quotes: tuple[tuple[int, str], ...]
    kind: Kind
    phase: Phase | None
    themes: tuple[str, ...]
    section: tuple[str, ...] = ()
    lead_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where the base stands, and the ids the tests ask for."""

    config: Config
    encoder: WordHashEncoder
    reports: dict[str, str]
    lessons: dict[str, str]


def build_world(home: Path) -> World:
    """Fill a new base in ``home``."""
    encoder = WordHashEncoder()
    lessons: dict[str, str] = {}
    reports: dict[str, str] = {}
    with Store.open(home) as store:
        for report, texts, original, said in _reports():
            made = [_lesson(report, texts, each) for each in said]
            vectors = embed_lessons(made, encoder)
            pages = [Page(number=n, label=None, text=text) for n, text in enumerate(texts, start=1)]
            store.add_report(report, pages, made, vectors, encoder.model_id, original)
            reports[report.programme.slug] = report.id
            lessons |= {each.statement.split()[0].lower().strip(",."): each.id for each in made}
            if report.programme.slug != "kladd":
                publish(store, report.id)
        set_status(store, [lessons["seminaret"]], Status.REJECTED)
    config = Config(home=home, corpus=CORPUS)
    return World(config=config, encoder=encoder, reports=reports, lessons=lessons)


def _reports() -> list[tuple[Report, tuple[str, ...], bytes, tuple[Said, ...]]]:
    return [
        _report(
            "fjellvik",
            "Fjellvik i vekst",
            FJELLVIK,
            _FJELLVIK_SAYS,
            note=NOTE,
            title="Omstilling i Fjellvik <2017–2021>",
        ),
        _report("sundet", "Ny giv i Sundet", SUNDET, _SUNDET_SAYS, language="nn", year=2019),
        _report("harbour", "Harbour Forward", (HARBOUR,), _HARBOUR_SAYS, language="en", year=2020),
        _report("kladd", "Kladd", (("Kladd", "Dette er ikke publisert ennå."),), _DRAFT_SAYS),
    ]


def _report(
    slug: str,
    name: str,
    pages: Sequence[Sequence[str]],
    said: tuple[Said, ...],
    **known: Any,
) -> tuple[Report, tuple[str, ...], bytes, tuple[Said, ...]]:
    is_pdf = slug != "harbour"
    texts = tuple("\n".join(lines) for lines in pages)
    original = tiny_pdf(pages) if is_pdf else "\n\n".join(pages[0]).encode()
    sha256 = hashlib.sha256(original).hexdigest()
    year = known.get("year", 2021)
    programme = Programme(
        slug=slug,
        name=name,
        place=name.split(maxsplit=1)[0],
        programme_type=ProgrammeType.ENKELTKOMMUNE,
        period_from=year - 4,
        period_to=year,
    )
    facts = {"language": "nb", "year": year, "note": None, "title": f"Rapport frå {name}"} | known
    report = Report(
        id=report_id(sha256),
        programme=programme,
        programme_name=name,
        file=f"{slug} rapport.{'pdf' if is_pdf else 'txt'}",
        sha256=sha256,
        report_type=ReportType.SLUTTEVALUERING,
        client=None,
        contractor="Analyse AS",
        pages=len(pages) if is_pdf else None,
        status=ReportStatus.CANDIDATE,
        sources=(("year", Found(value=str(year), page=1, evidence=pages[0][0])),),
        **facts,
    )
    return report, texts, original, said


def _lesson(report: Report, texts: Sequence[str], said: Said) -> Lesson:
    evidence = tuple(_evidence(report, texts, said, page, quote) for page, quote in said.quotes)
    tags = tuple(
        ThemeTag(theme=theme, confidence=0.8, assigned_by=AssignedBy.RULE, reason="test")
        for theme in said.themes
    )
    return Lesson(
        id=lesson_id(report.sha256, evidence[0].quote),
        report_id=report.id,
        statement=evidence[0].quote,
        is_edited=False,
        kind=said.kind,
        phase=said.phase,
        status=Status.CANDIDATE,
        language=report.language,
        reason="test",
        tags=tags,
        evidence=evidence,
    )


def _evidence(report: Report, texts: Sequence[str], said: Said, page: int, quote: str) -> Evidence:
    """Find ``quote`` from ``page`` on; « | » marks where it runs over to the next page."""
    spans = []
    for number, part in enumerate(quote.split(" | "), start=page):
        start = texts[number - 1].index(part)
        spans.append(Span(page=number, start=start, end=start + len(part)))
    return Evidence(
        report_id=report.id,
        section=said.section,
        spans=tuple(spans),
        quote=quote.replace(" | ", " "),
        lead_in=said.lead_in,
    )


_BOARD = ("3 Vurderinger", "3.1 Styret")
_FJELLVIK_SAYS = (
    Said(
        quotes=((2, FJELLVIK[1][1]), (3, FJELLVIK[2][3])),
        kind=Kind.SUCCESS,
        phase=Phase.GJENNOMFORING,
        themes=("styreseminar", "styrearbeid"),
        section=_BOARD,
    ),
    Said(
        quotes=((2, FJELLVIK[1][2]),),
        kind=Kind.WARNING,
        phase=Phase.STRATEGI,
        themes=("rolleavklaring",),
        section=_BOARD,
    ),
    Said(
        quotes=((2, FJELLVIK[1][4]),),
        kind=Kind.RECOMMENDATION,
        phase=Phase.GJENNOMFORING,
        themes=("styreseminar",),
        section=_BOARD,
        lead_in=FJELLVIK[1][3],
    ),
    Said(
        quotes=((2, f"{FJELLVIK[1][5]} | {FJELLVIK[2][0]}"),),
        kind=Kind.CHALLENGE,
        phase=None,
        themes=("oppstart-varighet",),
        section=_BOARD,
    ),
    Said(
        quotes=((3, FJELLVIK[2][2]),),
        kind=Kind.WARNING,
        phase=Phase.AVSLUTNING,
        themes=("videreforing", "nettverk"),
        section=("4 Avslutning",),
    ),
    Said(
        quotes=((3, FJELLVIK[2][3]),),
        kind=Kind.SUCCESS,
        phase=None,
        themes=("styreseminar",),
        section=("4 Avslutning",),
    ),
)
_SUNDET_SAYS = (
    Said(
        quotes=((1, SUNDET[0][1]),),
        kind=Kind.SUCCESS,
        phase=Phase.STRATEGI,
        themes=("naeringsliv-forankring",),
    ),
    Said(
        quotes=((1, SUNDET[0][2]),),
        kind=Kind.WARNING,
        phase=Phase.STRATEGI,
        themes=("navn", "kommunikasjon"),
    ),
    *(
        Said(
            quotes=((2, line),),
            kind=Kind.SUCCESS,
            phase=Phase.GJENNOMFORING,
            themes=("portefolje",),
        )
        for line in SUNDET[1][1:]
    ),
)
_HARBOUR_SAYS = (
    Said(
        quotes=((1, HARBOUR[1]),),
        kind=Kind.RECOMMENDATION,
        phase=Phase.GJENNOMFORING,
        themes=("styreseminar",),
        section=("Lessons",),
    ),
    Said(quotes=((1, HARBOUR[2]),), kind=Kind.WARNING, phase=None, themes=("programleder",)),
)
_DRAFT_SAYS = (
    Said(
        quotes=((1, "Dette er ikke publisert ennå."),),
        kind=Kind.WARNING,
        phase=None,
        themes=("navn",),
    ),
)
