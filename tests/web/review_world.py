"""A base with one report to review, and people who review it. The text is invented."""

import html
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kb.accounts import make_link
from kb.config import Config
from kb.desk import Desk
from kb.domain import (
    AssignedBy,
    Evidence,
    Found,
    Kind,
    Lesson,
    Page,
    Phase,
    Report,
    ReportStatus,
    ReportType,
    Span,
    Status,
    ThemeTag,
    lesson_id,
    text_key,
)
from kb.embed import embed_lessons
from kb.store import Role, Store
from tests.fakes import WordHashEncoder
from tests.make import a_programme, a_report
from tests.web.conftest import Client
from tests.web.tiny_pdf import tiny_pdf
from tests.web.world import CORPUS
from web import create_app

PAGES = (
    ("Omstilling i Stordal 2016-2020", "Sluttevaluering, utarbeidet av Analyse AS"),
    (
        "4.1 Styret",
        "Styret holdt seminar etter ett år. Først da ble mandatet klart for alle. Det var seint.",
        "Rollene mellom næringshagen og programmet var aldri avklart.",
        "Vi anbefaler neste program å:",
        "Ta introkurset om igjen etter de første søknadene.",
        "Sette av tid til styret selv.",
    ),
    (
        "4.2 Bedriftene",
        "De største bedriftene ble spurt for sent, og de ble aldri med.",
        "Rollene mellom næringshagen og programmet ble aldri avklart.",
        "Programleder fikk ro til å arbeide, og det holdt farten oppe.",
    ),
)
SEMINAR, ROLES, COURSE, TIME, LARGE, ROLES_AGAIN, CALM = (
    PAGES[1][1],
    PAGES[1][2],
    PAGES[1][4],
    PAGES[1][5],
    PAGES[2][1],
    PAGES[2][2],
    PAGES[2][3],
)
CONFIDENCE = {
    SEMINAR: 0.9,
    ROLES: 0.6,
    COURSE: 0.95,
    TIME: 0.3,
    LARGE: 0.85,
    ROLES_AGAIN: 0.5,
    CALM: None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A base under review: where it stands, its report and lessons by their quotes."""

    config: Config
    encoder: WordHashEncoder
    app: Flask
    report: str
    lessons: dict[str, str]

    def copied_to(self, home: Path) -> "Bench":
        """Return the same base in another folder, with a site of its own."""
        shutil.copytree(self.config.home, home)
        config = replace(self.config, home=home)
        return replace(self, config=config, app=app_over(config, self.encoder))

    def store(self) -> Store:
        """Return a session with the base; the caller closes it."""
        return Store.open(self.config.home)

    def lesson(self, id_: str) -> Lesson:
        """Return a lesson as it stands now."""
        with self.store() as store:
            return store.lessons([id_])[id_]

    def status(self) -> ReportStatus:
        """Return where the report stands now."""
        with self.store() as store:
            found = store.report(self.report)
        assert found is not None
        return found.status

    def decide_all(self) -> None:
        """Approve everything that waits, as ola."""
        with self.store() as store:
            waiting = store.lessons(
                store.lesson_ids(report_id=self.report, status=Status.CANDIDATE)
            )
            desk = Desk(store, lambda: self.encoder, "ola")
            desk.approve({one.id: one.version for one in waiting.values()})

    def person(self, name: str = "kari") -> "Person":
        """Return somebody who is logged in."""
        client = self.app.test_client()
        with self.store() as store:
            token = make_link(store, name, 5)
        page = client.get(f"/inn/{token}")
        client.post(f"/inn/{token}", data={"csrf_token": token_of(page)})
        return Person(client)


def token_of(page: TestResponse) -> str:
    """Return the CSRF token of a page's forms."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text[:500]
    return found[1]


class Person:
    """A browser without JavaScript: pages, and forms sent as they stand on the page."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page: TestResponse

    def go(self, path: str) -> TestResponse:
        """Open a page."""
        self.page = self.client.get(path)
        return self.page

    def send(self, action: str, **changed: object) -> TestResponse:
        """Send the form of the page whose address contains ``action``, with values changed.

        Follows the answer's redirection.
        """
        fields = dict(self.fields(action))
        for name, value in changed.items():
            fields[name.replace("_", "-")] = value
        self.page = self.client.post(self.action(action), data=fields, follow_redirects=True)
        return self.page

    def action(self, part: str) -> str:
        """Return the address of the form whose address contains ``part``."""
        return html.unescape(self._form(part)[0])

    def fields(self, part: str) -> list[tuple[str, str]]:
        """Return what the form would send: hidden and text fields."""
        inputs = re.findall(r"<input[^>]*>", self._form(part)[1])
        return [
            (name[1], html.unescape(value[1]) if value else "")
            for each in inputs
            if 'type="checkbox"' not in each and (name := re.search(r'name="([^"]*)"', each))
            for value in [re.search(r'value="([^"]*)"', each)]
        ]

    def _form(self, part: str) -> tuple[str, str]:
        forms = re.findall(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', self.page.text, re.S)
        found = [(action, inside) for action, inside in forms if part in action]
        assert found, f"no form for {part} among {[action for action, _ in forms]}"
        return found[0]


def build_bench(home: Path) -> Bench:
    """Fill a new base in ``home``."""
    encoder = WordHashEncoder()
    config = Config(home=home, corpus=CORPUS)
    with Store.open(home) as store:
        report, ids = add(store, encoder, PAGES)
        for name, role in (("kari", Role.EDITOR), ("ola", Role.EDITOR), ("lars", Role.READER)):
            store.accounts.add(name, role, None)
    app = app_over(config, encoder)
    return Bench(config=config, encoder=encoder, app=app, report=report, lessons=ids)


def app_over(config: Config, encoder: WordHashEncoder) -> Flask:
    """Return the site as it is in use."""
    app = create_app(config, encoder)
    app.test_client_class = Client
    app.testing = False
    return app


def add(
    store: Store, encoder: WordHashEncoder, pages: tuple[tuple[str, ...], ...]
) -> tuple[str, dict[str, str]]:
    """Add a report with these pages; every known quote that stands in them is a proposal."""
    original = tiny_pdf(pages)
    kept = [Page(number=n, label=None, text="\n".join(p)) for n, p in enumerate(pages, start=1)]
    kept[0] = replace(kept[0], problem="garbled")
    report = a_report(
        original,
        programme=a_programme("Stordal", place="Stordal", period_from=2016, period_to=2020),
        file="stordal.pdf",
        title="Omstilling i Stordal",
        report_type=ReportType.SLUTTEVALUERING,
        contractor="Analyse AS",
        pages=len(pages),
        status=ReportStatus.CANDIDATE,
        sources=(
            ("contractor", Found(value="Analyse AS", page=1, evidence=pages[0][1])),
            ("period", Found(value="2016–2020", page=1, evidence=pages[0][0])),
        ),
        text_key=text_key(kept),
    )
    lessons = [
        _proposal(report, number, line, pages[number - 1][0])
        for number, lines in enumerate(pages, start=1)
        for line in lines
        if line in CONFIDENCE or line.endswith("(ny).")
    ]
    lessons = [replace(one, evidence=(_placed(one.evidence[0], kept),)) for one in lessons]
    vectors = embed_lessons(lessons, encoder)
    store.add_report(report, kept, lessons, vectors, encoder.model_id, original)
    return report.id, {one.evidence[0].quote: one.id for one in lessons}


def _proposal(report: Report, number: int, line: str, heading: str) -> Lesson:
    tag = ThemeTag(
        theme="styrearbeid",
        confidence=0.8,
        assigned_by=AssignedBy.RULE,
        reason="the quote says «styret»",
    )
    return Lesson(
        id=lesson_id(report.sha256, line),
        report_id=report.id,
        statement=line if "." not in line[:-1] else line.split(". ", maxsplit=1)[0] + ".",
        is_edited=False,
        kind=Kind.WARNING,
        phase=Phase.GJENNOMFORING,
        status=Status.CANDIDATE,
        language="nb",
        reason="looks back («burde»)",
        tags=(tag,),
        evidence=(
            Evidence(
                report_id=report.id,
                section=("4 Vurderinger", heading),
                spans=(Span(page=number, start=0, end=len(line)),),
                quote=line,
            ),
        ),
        confidence=CONFIDENCE.get(line, 0.7),
    )


def _placed(evidence: Evidence, pages: list[Page]) -> Evidence:
    page = pages[evidence.page - 1]
    start = page.text.index(evidence.quote)
    span = Span(page=page.number, start=start, end=start + len(evidence.quote))
    return replace(evidence, spans=(span,))
