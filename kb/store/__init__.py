"""The only door to SQL: what is known, kept so that it survives a power cut.

``session`` holds the verbs, ``schema`` the tables, ``records`` the way between rows and domain
types, ``files`` the original files, ``audit`` the check of everything kept, ``changes`` people's
decisions with their history, and ``sqlite`` all
that another database would do in another way.
"""

from kb.store.changes import Action, Change, Item, Revision
from kb.store.records import FacetRow, IndexPointer, IndexRow, ReportSummary
from kb.store.session import Store

__all__ = [
    "Action",
    "Change",
    "FacetRow",
    "IndexPointer",
    "IndexRow",
    "Item",
    "ReportSummary",
    "Revision",
    "Store",
]
