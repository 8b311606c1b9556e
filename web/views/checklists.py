"""What a leader takes to a meeting: a checklist per event, and the start pack.

Every item is a lesson with its source, or a step of the process with the page it was read from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from werkzeug import Response

from kb.delivery import Delivered, Delivery, Occasion
from kb.domain import Kind
from kb.errors import NotFoundError
from kb.export import Entry, Section
from kb.process import Event, Source
from kb.profile import Profile
from kb.taxonomy import Wording
from web.addresses import whole
from web.context import services, store
from web.language import language
from web.leader_words import fact_line, origin_words
from web.present import page_words, theme_label
from web.profile_address import own_profile, write_profile
from web.takeaway import answer, new_document

bp = Blueprint("checklists", __name__)
_ITEMS = 12
_EARLY, _MISTAKES, _FIRST_MONTHS = 8, 6, 10
_START = "oppstart"
"""The event whose lessons are the checklist of the first six months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lessons on one theme."""

    theme: str
    lessons: tuple[Delivered, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPack:
    """What a new leader takes to the first board meeting."""

    early: tuple[Group, ...]
    mistakes: tuple[Delivered, ...]
    first_months: tuple[Delivered, ...]
    sources: tuple[Source, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the base has no lesson for it."""
        return not (self.early or self.mistakes or self.first_months)


@bp.get("/sjekkliste")
def all_of_them() -> str:
    """Show every event that has a checklist."""
    return render_template("checklists.html", address=write_profile(own_profile()))


@bp.get("/sjekkliste/<event_id>")
def page(event_id: str) -> str:
    """Show the checklist of an event, made to be printed."""
    event, profile = _event(event_id), own_profile()
    groups = _groups(_lessons(event, profile, _ITEMS), event.themes)
    return render_template(
        "checklist.html",
        event=event,
        groups=groups,
        address=write_profile(profile),
        whole_address=whole("checklists.page", event_id=event.id, **write_profile(profile)),
    )


@bp.get("/sjekkliste/<event_id>.<ending>")
def file(event_id: str, ending: str) -> Response | str:
    """Give the checklist of an event as a file."""
    event, profile = _event(event_id), own_profile()
    groups = _groups(_lessons(event, profile, _ITEMS), event.themes)
    about = event.about.in_language(language())
    origin = origin_words(event.source) if event.source else _no_source()
    sections = (
        Section(heading=str(_("Om hendelsen")), text=f"{about}\n\n{origin}"),
        *(Section(heading=theme_label(one.theme), entries=_entries(one.lessons)) for one in groups),
    )
    document = new_document(
        title=str(_("Sjekkliste: %(event)s", event=event.label.in_language(language()))),
        sections=sections,
        address=url_for("checklists.page", event_id=event.id, **write_profile(profile)),
        checklist=_ticks(one for group in groups for one in group.lessons),
    )
    return answer(document, ending)


@bp.get("/startpakke")
def start_pack() -> str:
    """Show what a new leader takes to the first board meeting, made to be printed."""
    profile = own_profile()
    return render_template(
        "start_pack.html", pack=_start_pack(profile), address=write_profile(profile)
    )


@bp.get("/startpakke.<ending>")
def start_pack_file(ending: str) -> Response | str:
    """Give the start pack as a file."""
    profile = own_profile()
    pack = _start_pack(profile)
    intro = _(
        "Til det første styremøtet. Alt som står her, er hentet fra evalueringer eller fra "
        "beskrivelser av prosessen. Kilden står ved hvert punkt."
    )
    process = (_calendar_section(), _sources_section(pack))
    document = new_document(
        title=str(_("Startpakke for programledere")),
        intro=str(intro),
        sections=(_roles_section(), *_pack_sections(pack), *process),
        address=url_for("checklists.start_pack", **write_profile(profile)),
        checklist=_ticks(pack.first_months),
    )
    return answer(document, ending)


def _event(event_id: str) -> Event:
    event = services().process.event(event_id)
    if event is None:
        raise NotFoundError(f"event {event_id}")
    return event


def _lessons(event: Event, profile: Profile, limit: int) -> tuple[Delivered, ...]:
    with store().reading():
        delivery = Delivery(store(), services().searcher)
        return delivery.choose([Occasion.of_event(event)], profile, limit)


def _groups(lessons: Sequence[Delivered], themes: Sequence[str]) -> tuple[Group, ...]:
    """Return the lessons by theme, in the order of ``themes``."""
    by_theme = {
        theme: tuple(one for one in lessons if one.theme == theme)
        for theme in dict.fromkeys(themes)
    }
    return tuple(Group(theme=theme, lessons=own) for theme, own in by_theme.items() if own)


def _start_pack(profile: Profile) -> StartPack:
    process, start = services().process, _event(_START)
    with store().reading():
        delivery = Delivery(store(), services().searcher)
        occasion = Occasion.of_event(start)
        first_months = delivery.choose([occasion], profile, _FIRST_MONTHS)
        taken = {one.lesson.id for one in first_months}
        mistakes = delivery.choose(
            [occasion], profile, _MISTAKES, without=taken, kinds={Kind.WARNING}
        )
        taken |= {one.lesson.id for one in mistakes}
        seminar = Occasion.of_event(_event("styreseminar"))
        early = delivery.choose([seminar, occasion], profile, _EARLY, without=taken)
    themes = (*seminar.themes, *occasion.themes)
    sources = {role.source.id: role.source for role in process.roles} | {
        event.source.id: event.source for event in process.events if event.source
    }
    return StartPack(
        early=_groups(early, themes),
        mistakes=mistakes,
        first_months=first_months,
        sources=tuple(sources.values()),
    )


def _roles_section() -> Section:
    rows = [
        (_in(role.label), _in(role.does), origin_words(role.source))
        for role in services().process.roles
    ]
    return Section(
        heading=str(_("Hvem gjør hva")),
        columns=(str(_("Hvem")), str(_("Oppgave")), str(_("Kilde"))),
        rows=tuple(rows),
    )


def _pack_sections(pack: StartPack) -> tuple[Section, ...]:
    sections = [
        Section(
            heading=str(_("Det andre lærte tidlig: %(theme)s", theme=theme_label(group.theme))),
            entries=_entries(group.lessons),
        )
        for group in pack.early
    ]
    if pack.mistakes:
        heading = str(_("Feil andre gjorde"))
        sections.append(Section(heading=heading, entries=_entries(pack.mistakes)))
    if pack.first_months:
        heading = str(_("Å ta stilling til de første seks månedene"))
        sections.append(Section(heading=heading, entries=_entries(pack.first_months)))
    return tuple(sections)


def _calendar_section() -> Section:
    rows = [
        (_in(event.label), _in(event.about), origin_words(event.source))
        for event in services().process.events
        if event.source and event.has_time
    ]
    return Section(
        heading=str(_("Året og veien videre")),
        columns=(str(_("Hendelse")), str(_("Hva og når")), str(_("Kilde"))),
        rows=tuple(rows),
    )


def _sources_section(pack: StartPack) -> Section:
    rows = [(origin_words(one), one.address) for one in pack.sources]
    return Section(
        heading=str(_("Kilder om prosessen")),
        columns=(str(_("Kilde")), str(_("Adresse"))),
        rows=tuple(rows),
    )


def _entries(lessons: Iterable[Delivered]) -> tuple[Entry, ...]:
    return tuple(
        Entry(lesson=one.lesson, report=one.report, label=fact_line(one)) for one in lessons
    )


def _ticks(lessons: Iterable[Delivered]) -> tuple[str, ...]:
    return tuple(f"{one.lesson.statement} ({_place(one)})" for one in lessons)


def _place(one: Delivered) -> str:
    return f"{one.report.programme.name}, {page_words(one.lesson.evidence[0])}"


def _in(wording: Wording) -> str:
    return wording.in_language(language())


def _no_source() -> str:
    return str(
        _("Dette er ikke et fast steg i prosessen. Det står her fordi evalueringer peker på det.")
    )
