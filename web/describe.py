"""A search in words, for titles of feeds and names of saved searches."""

from flask_babel import gettext as _

from kb.search import SearchQuery
from web.context import services, store
from web.present import label, theme_label
from web.query import chosen


def describe(query: SearchQuery) -> str:
    """Return the question and what it is limited to, in the page's language."""
    parts = [f"«{query.text}»"] if query.text else []
    parts += [_name(name, value) for name, value in chosen(query)]
    return " · ".join(parts) or str(_("Alle lærdommer"))


def _name(name: str, value: str) -> str:
    taxonomy = services().taxonomy
    if name == "tema":
        return theme_label(value)
    if name == "program":
        found = store().programme(value)
        return found.name if found else value
    terms = {
        "fase": taxonomy.phases,
        "type": taxonomy.kinds,
        "programtype": taxonomy.programme_types,
        "rapporttype": taxonomy.report_types,
    }
    return label(terms.get(name, ()), value)
