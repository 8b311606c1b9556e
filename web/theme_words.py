"""What a theme's page says of its rows, on the page and in the file that is made of it."""

from flask_babel import gettext as _

from kb.evidence import Cluster, Disagreement, Evidence, Voice
from kb.export import Entry, Section
from kb.relations import RelationKind
from web.leader_words import breadth_words, support_words
from web.takeaway import MOST_EXPORTED


def relation_words(relation: RelationKind) -> str:
    """Return what a lesson is to the one that its row begins with."""
    words = {
        RelationKind.SAMME: _("Sier det samme"),
        RelationKind.STOTTER: _("Støtter"),
        RelationKind.PRESISERER: _("Er mer presis, telles ikke"),
        RelationKind.PRESISERES: _("Er mindre presis, telles ikke"),
    }
    return str(words[relation])


def side_words(two: Disagreement, place: int) -> str:
    """Return what stands over the first (0) or second side of a disagreement."""
    if two.is_for_and_against:
        return str(_("Taler mot") if place else _("Taler for"))
    return str(_("Den andre sier") if place else _("Den ene sier"))


def sections_of(evidence: Evidence) -> tuple[Section, ...]:
    """Return what a theme's page shows as sections of a document, without proposals."""
    together = [
        Section(
            heading=f"{_('Lærdommer som henger sammen')} {number}",
            text=_breadth(row),
            entries=tuple(
                _entry(voice, relation_words(voice.relation) if place else "")
                for place, voice in enumerate(row.voices)
            ),
        )
        for number, row in enumerate(evidence.clusters, start=1)
    ]
    apart = [
        Section(
            heading=f"{_('Det rapportene er uenige om')} {number}",
            text="\n\n".join(
                f"{side_words(two, place)}: {_breadth(side)}"
                for place, side in enumerate(two.sides)
            ),
            entries=tuple(
                _entry(voice, side_words(two, place))
                for place, side in enumerate(two.sides)
                for voice in side.voices
            ),
        )
        for number, two in enumerate(evidence.disagreements, start=1)
    ]
    alone = Section(
        heading=str(_("Sagt i én rapport")),
        text=str(
            _(
                "Ingen har koblet disse til andre lærdommer. "
                "Les hver av dem som en hypotese: én kilde sier det."
            )
        ),
        entries=tuple(_entry(voice, "") for voice in evidence.alone[:MOST_EXPORTED]),
    )
    return (*together, *apart, *([alone] if alone.entries else []))


def _breadth(row: Cluster) -> str:
    return f"{breadth_words(row.support)}: {support_words(row.support)}"


def _entry(voice: Voice, label: str) -> Entry:
    own = "" if voice.is_independent else str(_("Programmets egen rapport, ikke uavhengig"))
    told = ". ".join(one for one in (label, own) if one)
    return Entry(lesson=voice.lesson, report=voice.report, label=told)
