"""What the desk says in words: where a lesson stands, why, what was done, and what that changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_datetime, get_timezone
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from kb.domain import Evidence, Lesson, LessonId, ReportStatus, Status
from kb.lint import Finding, LintCode
from kb.messages import lint_sentence
from kb.reasons import Code, Reason, read
from kb.relations import RelationKind
from kb.store import Action, Change, Item, Stance, Verdict
from web.context import services, store
from web.language import language
from web.present import label, theme_label

REJECT_REASONS = ("not-a-lesson", "too-general", "lacks-context", "repetition", "misread")
"""Stable ids, in the order shown. Anything else is the person's own words."""

_NAMES_WORDS = frozenset(
    {LintCode.NO_CONTEXT, LintCode.NOT_TRANSFERABLE, LintCode.PLATITUDE, LintCode.PERSON_NAME}
)
_TIMEZONE = "Europe/Oslo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one value was before and after, in words; None where there was nothing."""

    name: str
    before: str | None
    after: str | None


def status_word(status: str) -> str:
    """Return where a lesson stands."""
    words = {
        Status.CANDIDATE: _("Ikke avgjort"),
        Status.APPROVED: _("Godkjent"),
        Status.PUBLISHED: _("Publisert"),
        Status.REJECTED: _("Avvist"),
        Status.MERGED: _("Slått sammen"),
        Status.RETIRED: _("Erstattet av ny utgave"),
    }
    return str(words[Status(status)])


def report_status_word(status: str) -> str:
    """Return how far a report has come."""
    words = {
        ReportStatus.CANDIDATE: _("Til gjennomgang"),
        ReportStatus.PUBLISHED: _("Publisert"),
        ReportStatus.WITHDRAWN: _("Trukket tilbake"),
        ReportStatus.TRASHED: _("I papirkurven"),
        ReportStatus.SUPERSEDED: _("Erstattet av ny utgave"),
    }
    return str(words[ReportStatus(status)])


def reject_reason(reason: str) -> str:
    """Return the words for the id of a reason; other words are the person's own."""
    words = {
        "not-a-lesson": _("Ikke en lærdom"),
        "too-general": _("For generell"),
        "lacks-context": _("Mangler sammenheng"),
        "repetition": _("Gjentakelse"),
        "misread": _("Feil lesing av teksten"),
    }
    return str(words.get(reason, reason))


def remark(finding: Finding) -> str:
    """Return what may be wrong with a proposal and what to do about it, with the words meant."""
    told = lint_sentence(finding.code, language())
    return f"{told} («{finding.words}»)" if finding.code in _NAMES_WORDS else told


def problem_word(code: str) -> str:
    """Return what was wrong with a page; an unknown code is shown as it is."""
    words = {
        "unreadable": _("kan ikke leses"),
        "no-text": _("har ingen tekst, trolig skannet"),
        "garbled": _("har uleselig tekst"),
    }
    return str(words.get(code, code))


def reason_words(kept: str) -> tuple[str, ...]:
    """Return the parts of a machine's reason in the page's language, where we know them."""
    return tuple(_reason(one) for one in read(kept))


def _reason(reason: Reason) -> str:
    if reason.code is None:
        return reason.words[0]
    first, second = (*reason.words, "", "")[:2]
    words: dict[Code, Callable[[], str]] = {
        Code.CUE: lambda: f"{first} («{second}»)",
        Code.SECTION: lambda: _("står i %(section)s", section=first),
        Code.AMONG_LESSONS: lambda: _("står blant setninger som forteller en lærdom"),
        Code.NO_CUE: lambda: _("ingen kjent vending"),
        Code.NO_CUE_FOR_KIND: lambda: _("ingen kjent vending forteller typen"),
        Code.MODEL_LESSON: lambda: _("språkmodellen mener at setningen er en lærdom"),
        Code.MODEL_LESSON_LIKE: lambda: _(
            "språkmodellen mener at setningen er en lærdom, nærmest av eksemplene er «%(words)s»",
            words=first,
        ),
        Code.MODEL_KIND: lambda: _(
            "språkmodellen mener %(kind)s, dernest %(other)s",
            kind=_kind_named(first),
            other=_kind_named(second),
        ),
        Code.PLACES: lambda: _("står %(count)s steder i rapporten", count=first),
        Code.QUOTE_SAYS: lambda: _("sitatet sier «%(words)s»", words=first),
        Code.HEADING_SAYS: lambda: _("overskriften sier «%(words)s»", words=first),
        Code.LIKE_EXAMPLES: lambda: _("meningen ligner eksemplene på temaet"),
        Code.NEAREST_LESSONS: lambda: _(
            "de nærmeste godkjente lærdommene i andre rapporter har dette temaet"
        ),
        Code.LIKE_KNOWN: lambda: _("fortalt som kjente lærdommer om temaet"),
        Code.LIKE_KNOWN_WORDS: lambda: _(
            "fortalt som kjente lærdommer om temaet: %(words)s",
            words=first.replace("» and «", "», «"),
        ),
        Code.BY_HAND: lambda: _("satt av redaksjonen"),
        Code.OPPOSED: lambda: _("den ene forteller hva som virket, den andre hva som gikk galt"),
        Code.OTHER_NUMBERS: lambda: _("samme sak med andre tall: %(numbers)s", numbers=first),
        Code.NEARLY_SAME: lambda: _("nesten det samme står i en annen rapport"),
        Code.MORE_EXACT: lambda: _("har tall eller vilkår som den andre ikke har"),
        Code.LESS_EXACT: lambda: _("den andre har tall eller vilkår som ikke står her"),
        Code.SAME_WAY: lambda: _("ligner i mening og peker samme vei"),
    }
    return str(words[reason.code]())


def _kind_named(name: str) -> str:
    """Return the kind with this bokmål name, as the page's language calls it."""
    kinds = services().taxonomy.kinds
    known = (one for one in kinds if one.label.in_language("nb").casefold() == name.casefold())
    return next((label(kinds, one.id).lower() for one in known), name)


def relation_word(kind: str) -> str:
    """Return what this lesson is to the other, to stand between the two."""
    words = {
        RelationKind.SAMME: _("sier det samme som"),
        RelationKind.STOTTER: _("støtter"),
        RelationKind.MOTSIER: _("motsier"),
        RelationKind.PRESISERER: _("er mer presis enn"),
        RelationKind.PRESISERES: _("sies mer presist i"),
    }
    return str(words[RelationKind(kind)])


def when(at: str) -> str:
    """Return a moment (ISO 8601) by Norwegian clocks, in the page's language."""
    return str(
        format_datetime(
            datetime.fromisoformat(at),
            format="d. MMM y HH:mm" if str(get_locale()) != "en" else "d MMM y HH:mm",
            tzinfo=get_timezone(_TIMEZONE),
            locale=get_locale(),
        )
    )


def deed(change: Change) -> str:
    """Return what was done, to stand after a name: «godkjente 3 lærdommer»."""
    count = sum(item.lesson_id is not None for item in change.items)
    words: dict[Action, Callable[[], str]] = {
        Action.APPROVE: lambda: ngettext(
            "godkjente %(num)s lærdom", "godkjente %(num)s lærdommer", count
        ),
        Action.REJECT: lambda: ngettext(
            "avviste %(num)s lærdom", "avviste %(num)s lærdommer", count
        ),
        Action.RECONSIDER: lambda: ngettext(
            "gjorde %(num)s lærdom til forslag igjen",
            "gjorde %(num)s lærdommer til forslag igjen",
            count,
        ),
        Action.EDIT: lambda: _("rettet en lærdom"),
        Action.REQUOTE: lambda: _("endret et sitat"),
        Action.SPLIT: lambda: _("delte en lærdom i %(count)s", count=count),
        Action.MERGE: lambda: _("slo sammen %(count)s lærdommer", count=count),
        Action.METADATA: lambda: _("rettet opplysningene om rapporten"),
        Action.PUBLISH: lambda: _("publiserte rapporten"),
        Action.WITHDRAW: lambda: _("trakk rapporten tilbake"),
        Action.TRASH: lambda: _("la rapporten i papirkurven"),
        Action.RESTORE: lambda: _("hentet rapporten fra papirkurven"),
        Action.EDITION: lambda: _("koblet rapporten til en tidligere utgave"),
        Action.RELATE: lambda: _related(change),
        Action.UNDO: lambda: _("angret en endring"),
    }
    return str(words[change.action]())


def differences(item: Item) -> tuple[Difference, ...]:
    """Return what a change did to one lesson or report, but for what means nothing to people."""
    before, after = item.before or {}, item.after or {}
    if item.related is not None:
        return (_relation(item, item.related),)
    told = _LESSON_VALUES if item.lesson_id is not None else _REPORT_VALUES
    names = _names()
    found = []
    for value, in_words in told.items():
        old = in_words(before[value]) if value in before else None
        new = in_words(after[value]) if value in after else None
        if old != new:
            found.append(Difference(name=names[value], before=old, after=new))
    return tuple(found)


def _related(change: Change) -> str:
    """Return what was done to the relation of two lessons."""
    after = next((item.after for item in change.items if item.related is not None), None)
    said = None if after is None else _stance(next(iter(after.values())))
    if said is None:
        return str(_("tok bort et forhold til en annen rapport"))
    if said.verdict is Verdict.ACCEPTED:
        return str(_("godtok et forhold til en annen rapport"))
    return str(_("avviste et forhold til en annen rapport"))


def _relation(item: Item, other_id: LessonId) -> Difference:
    other = store().lessons([other_id]).get(other_id)
    before, after = (
        stance_words(_stance(next(iter(values.values()))), other) if values else None
        for values in (item.before, item.after)
    )
    return Difference(name=_names()["relation"], before=before, after=after)


def _stance(plain: Sequence[str] | None) -> Stance | None:
    return None if plain is None else Stance(RelationKind(plain[0]), Verdict(plain[1]))


def stance_words(said: Stance | None, other: Lesson | None) -> str | None:
    """Return what is said of a lesson and ``other`` (None: gone); None where nothing is."""
    if said is None:
        return None
    lesson = f"«{other.statement}»" if other else str(_("en lærdom som ikke finnes lenger"))
    if said.verdict is Verdict.ACCEPTED:
        return f"{relation_word(said.kind)} {lesson}"
    return str(_("ikke i slekt med %(lesson)s", lesson=lesson))


def lesson_values(lesson: Lesson) -> dict[str, str | None]:
    """Return what a person can change of ``lesson`` in words, by the names people read."""
    names = _names()
    return {
        names["status"]: status_word(lesson.status),
        names["statement"]: lesson.statement,
        names["kind"]: label(services().taxonomy.kinds, lesson.kind),
        names["phase"]: _phase(lesson.phase),
        names["tags"]: _themes([[tag.theme] for tag in lesson.tags]),
        names["evidence"]: quotes_in_words(lesson.evidence),
    }


def quotes_in_words(evidence: Sequence[Evidence]) -> str:
    """Return the quotes, one after the other."""
    return " ".join(f"«{one.quote}»" for one in evidence)


def value_name(field: str) -> str:
    """Return what people call a value of a lesson or report."""
    return _names()[field]


def _names() -> dict[str, str]:
    return {
        "status": str(_("Status")),
        "statement": str(_("Lærdommen")),
        "kind": str(_("Type lærdom")),
        "phase": str(_("Fase")),
        "tags": str(_("Tema")),
        "evidence": str(_("Sitat")),
        "relation": str(_("Forhold")),
        "title": str(_("Tittel")),
        "programme_name": str(_("Navn på programmet")),
        "programme": str(_("Program")),
        "report_type": str(_("Type rapport")),
        "client": str(_("Oppdragsgiver")),
        "contractor": str(_("Skrevet av")),
        "year": str(_("År")),
        "edition_of": str(_("Ny utgave av")),
    }


def _phase(phase: str | None) -> str:
    return label(services().taxonomy.phases, phase) if phase else str(_("Ingen bestemt fase"))


def _themes(tags: Sequence[Sequence[Any]]) -> str | None:
    return ", ".join(theme_label(tag[0]) for tag in tags) or None


def _programme(values: Sequence[Any]) -> str:
    _slug, name, place, programme_type, first, last, *size = values
    kind = label(services().taxonomy.programme_types, programme_type) if programme_type else None
    years = "–".join(str(year) for year in (first, last) if year)
    return ", ".join(str(part) for part in (name, place, kind, years, *size) if part)


def _report_type(value: str | None) -> str | None:
    return label(services().taxonomy.report_types, value) if value else None


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


_LESSON_VALUES: Mapping[str, Callable[[Any], str | None]] = {
    "status": status_word,
    "statement": _plain,
    "kind": lambda value: label(services().taxonomy.kinds, value),
    "phase": _phase,
    "tags": _themes,
    "evidence": lambda value: " ".join(f"«{one['quote']}»" for one in value),
}
_REPORT_VALUES: Mapping[str, Callable[[Any], str | None]] = {
    "status": report_status_word,
    "title": _plain,
    "programme": _programme,
    "programme_name": _plain,
    "report_type": _report_type,
    "client": _plain,
    "contractor": _plain,
    "year": _plain,
    "edition_of": _plain,
}
