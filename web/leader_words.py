"""What pages and files for programme leaders say about a lesson, an event and a month."""

from datetime import date

from flask import Flask
from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from kb.delivery import Delivered
from kb.domain import Phase
from kb.process import Month, ProcessPhase, Source, Window
from kb.profile import Likeness, Trait
from kb.store import Mark
from kb.support import Breadth, Support
from web.addresses import whole
from web.context import services
from web.language import language
from web.present import label, theme_label


def install(app: Flask) -> None:
    """Let the templates of ``app`` use the functions below."""
    app.jinja_env.globals.update(
        breadth_words=breadth_words,
        duration_words=duration_words,
        likeness_words=likeness_words,
        mark_words=mark_words,
        month_words=month_words,
        phase_words=phase_words,
        reason_words=reason_words,
        quote_address=quote_address,
        origin_words=origin_words,
        suggested_words=suggested_words,
        support_words=support_words,
        window_words=window_words,
    )


def month_words(month: Month) -> str:
    """Return «november 2026»."""
    return str(format_date(date(month.year, month.number, 1), "MMMM y"))


def window_words(window: Window) -> str:
    """Return «oktober–november 2026», or with both years where they differ."""
    if window.first == window.last:
        return month_words(window.first)
    if window.first.year != window.last.year:
        return f"{month_words(window.first)} – {month_words(window.last)}"
    first = format_date(date(window.first.year, window.first.number, 1), "MMMM")
    return f"{first}–{month_words(window.last)}"


def phase_words(phase: Phase) -> str:
    """Return the name of a phase."""
    return label(services().taxonomy.phases, phase)


def duration_words(phase: ProcessPhase) -> str:
    """Return how long a phase takes, or nothing where no source tells."""
    if phase.months is None:
        return ""
    first, last = phase.months
    if first == 0:
        return str(ngettext("inntil %(num)s år", "inntil %(num)s år", last // 12))
    return str(_("vanligvis %(first)s–%(last)s måneder", first=first, last=last))


def origin_words(source: Source) -> str:
    """Return who says it, where, and when we read it."""
    words = _(
        "%(publisher)s: «%(title)s», lest %(day)s",
        publisher=source.publisher,
        title=source.title,
        day=format_date(source.read, "d. MMMM y" if language() != "en" else "d MMMM y"),
    )
    told = _("gjengitt etter andre")
    return f"{words} ({told})" if source.is_secondary else str(words)


def quote_address(one: Delivered) -> str:
    """Return the whole address of the page that a lesson stands on."""
    lesson = one.lesson
    page = lesson.evidence[0].page
    return whole("source.page", report_id=one.report.id, number=page, l=lesson.id)


def reason_words(one: Delivered) -> str:
    """Return why a lesson was chosen."""
    theme = theme_label(one.theme)
    event = one.occasion.event
    if event is not None:
        name = event.label.in_language(language())
        return str(
            _("Fordi dette er aktuelt nå: %(event)s. Tema: %(theme)s.", event=name, theme=theme)
        )
    phase = phase_words(one.occasion.phases[0])
    return str(_("Fordi dere er i fasen %(phase)s. Tema: %(theme)s.", phase=phase, theme=theme))


def breadth_words(support: Support) -> str:
    """Return «Hypotese», «Gjentatt» or «Bredt belagt»."""
    words = {
        Breadth.HYPOTHESIS: _("Hypotese"),
        Breadth.REPEATED: _("Gjentatt"),
        Breadth.BROAD: _("Bredt belagt"),
    }
    return str(words[support.breadth])


def support_words(support: Support) -> str:
    """Return how many programmes and evaluators say so, by what people have confirmed."""
    if support.breadth is Breadth.HYPOTHESIS:
        return str(_("bare ett program så langt"))
    programmes = ngettext("%(num)s program", "%(num)s programmer", len(support.programmes))
    if not support.evaluators:  # all are the programmes' own reports, or nobody is named
        return str(_("bekreftet i %(programmes)s", programmes=programmes))
    evaluators = ngettext("%(num)s evaluator", "%(num)s evaluatorer", len(support.evaluators))
    return str(
        _(
            "bekreftet i %(programmes)s av %(evaluators)s",
            programmes=programmes,
            evaluators=evaluators,
        )
    )


def suggested_words(one: Delivered) -> str:
    """Return how many programmes say something alike that nobody has confirmed, or nothing."""
    count = one.suggested_programmes
    if not count:
        return ""
    return str(
        ngettext(
            "Ligner (foreslått): %(num)s program til",
            "Ligner (foreslått): %(num)s programmer til",
            count,
        )
    )


def likeness_words(likeness: Likeness) -> str:
    """Return in what a programme is like the reader's, or nothing."""
    words = {
        Trait.TYPE: _("samme programtype"),
        Trait.SIZE: _("omtrent like mange kommuner"),
        Trait.LENGTH: _("omtrent like langt"),
        Trait.PERIOD: _("fra omtrent samme tid"),
    }
    return ", ".join(str(words[trait]) for trait in likeness.same)


def mark_words(mark: Mark) -> str:
    """Return the name of a mark of the self-check."""
    words = {
        Mark.DONE: _("Gjort"),
        Mark.PLANNED: _("Planlagt"),
        Mark.NOT_RELEVANT: _("Ikke aktuelt"),
        Mark.USED: _("Brukt i vår plan"),
    }
    return str(words[mark])


def fact_line(one: Delivered) -> str:
    """Return what a file says about a lesson beside its quote."""
    said = f"{breadth_words(one.support)}: {support_words(one.support)}"
    return " · ".join(part for part in (said, suggested_words(one)) if part)
