"""«Hvor er programmet ditt nå?»: the lessons that matter at this point, without a question."""

from dataclasses import dataclass
from datetime import date

from babel.dates import get_month_names
from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import get_locale, ngettext
from werkzeug import Response

from kb.delivery import Delivered, Delivery, Occasion
from kb.domain import Phase
from kb.process import Event, Month, Window
from kb.profile import LENGTHS, SIZES, Profile, can_compare, split
from kb.store import Role
from web import auth
from web.context import services, store
from web.language import language
from web.profile_address import (
    MONTH,
    YEAR,
    kept_profile,
    read_profile,
    write_profile,
)

bp = Blueprint("now", __name__, url_prefix="/na")
_LESSONS = 7
_NEXT = 3
_AT_HAND = 3
"""With more events at once, those that close last wait: each search for lessons takes its time."""
_YEARS_BACK, _YEARS_AHEAD = 8, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What the page shows of a programme; ``phase`` is None until something is told."""

    profile: Profile
    phase: Phase | None
    month: Month
    at_hand: tuple[Window, ...]
    upcoming: tuple[Window, ...]
    timeless: tuple[Event, ...]
    """Events of the phase without a place in the calendar: all of them where the start is open."""
    alike: tuple[Delivered, ...]
    others: tuple[Delivered, ...]
    is_grouped: bool

    @property
    def lessons(self) -> tuple[Delivered, ...]:
        """All lessons shown."""
        return (*self.alike, *self.others)


@bp.get("")
def page() -> str | Response:
    """Ask where the programme is, and show what matters there."""
    told = read_profile(request.args)
    kept = kept_profile()
    if told.is_empty and kept and not request.args:
        return redirect(url_for("now.page", **write_profile(kept)), 302)
    this_month = Month.of(date.today())  # noqa: DTZ011 - the reader's calendar, in months
    return render_template(
        "now.html",
        now=_now(told, this_month),
        kept=kept,
        half_start=bool(request.args.get(YEAR)) != bool(request.args.get(MONTH)),
        choices=choices(this_month.year),
        address=write_profile(told),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What can be chosen in the form: values with their names."""

    phases: tuple[tuple[str, str], ...]
    months: tuple[tuple[int, str], ...]
    years: tuple[tuple[int, str], ...]
    types: tuple[tuple[str, str], ...]
    lengths: tuple[tuple[int, str], ...]
    sizes: tuple[tuple[int, str], ...]


def choices(this_year: int) -> Choices:
    """Return what can be chosen, in the page's language."""
    taxonomy, years = (
        services().taxonomy,
        range(this_year + _YEARS_AHEAD, this_year - _YEARS_BACK, -1),
    )
    return Choices(
        phases=tuple((one.id, one.label.in_language(language())) for one in taxonomy.phases),
        months=tuple(
            (number, str(name))
            for number, name in get_month_names("wide", "stand-alone", get_locale()).items()
        ),
        years=tuple((year, str(year)) for year in years),
        types=tuple(
            (one.id, one.label.in_language(language())) for one in taxonomy.programme_types
        ),
        lengths=tuple(
            (years, str(ngettext("%(num)s år", "%(num)s år", years))) for years in LENGTHS
        ),
        sizes=tuple((number, str(number)) for number in SIZES),
    )


@bp.post("/husk")
@auth.requires(Role.READER)
def keep() -> Response:
    """Keep the profile for the account that is logged in."""
    told = read_profile(request.form)
    store().leaders.keep_profile(auth.actor(), told)
    return redirect(url_for("now.page", **write_profile(told)), 303)


@bp.post("/glem")
@auth.requires(Role.READER)
def forget() -> Response:
    """Keep nothing about the account's programme any more."""
    store().leaders.forget_profile(auth.actor())
    return redirect(url_for("now.page"), 303)


def _occasions(phase: Phase, at_hand: tuple[Window, ...]) -> tuple[Occasion, ...]:
    """Return why lessons are wanted: what is at hand, then the phase as such."""
    return (
        *(Occasion.of_event(one.event) for one in at_hand[:_AT_HAND]),
        Occasion.of_phase(services().process.phase(phase)),
    )


def _now(profile: Profile, month: Month) -> Now:
    phase = profile.phase_at(month)
    process, calendar = services().process, profile.calendar
    events = process.events_in(phase) if phase else ()
    # A phase that was told narrows the events; one that only follows from the months does not: what
    # comes every year comes in the last years too.
    timed = events if profile.phase else process.events
    at_hand = calendar.now(timed, month) if calendar else ()
    timeless = tuple(one for one in events if not (calendar and one.has_time))
    chosen: tuple[Delivered, ...] = ()
    if phase is not None:
        with store().reading():
            delivery = Delivery(store(), services().searcher)
            chosen = delivery.choose(_occasions(phase, at_hand), profile, _LESSONS)
    alike, others = split(profile, chosen, lambda one: one.report.programme)
    return Now(
        profile=profile,
        phase=phase,
        month=month,
        at_hand=at_hand,
        upcoming=calendar.next(process.events, month, _NEXT) if calendar else (),
        timeless=timeless,
        alike=alike,
        others=others,
        is_grouped=can_compare(profile),
    )
