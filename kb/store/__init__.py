"""The only door to SQL: what is known, kept so that it survives a power cut.

``session`` holds the verbs, ``schema`` the tables, ``records`` the way between rows and domain
types, ``files`` the original files, ``audit`` the check of everything kept, ``changes`` people's
decisions with their history, ``jobs`` the files on their way in, ``accounts`` who may log in,
``heads`` the classifiers trained here, ``alike`` the search for reports with the same words,
``leaders`` what people tell of their own programme, ``purge`` what is forgotten for good,
``publications`` when readers came to see what, ``saved`` the searches people keep, ``collections``
the lessons they keep, and ``sqlite`` all that another database would do in another way.
"""

from kb.store.accounts import Account, Role
from kb.store.changes import Action, Change, Item, Revision
from kb.store.collections import Collection, Kept
from kb.store.heads import StoredHead
from kb.store.jobs import Holding, Job, Jobs, JobState
from kb.store.leaders import Checked, Mark
from kb.store.publications import Publication
from kb.store.records import FacetRow, IndexPointer, IndexRow, Markings, ReportSummary
from kb.store.relations import Relating, Relation, Stance, Verdict
from kb.store.saved import Digest, Frequency, SavedSearch
from kb.store.session import Replaced, Store

__all__ = [
    "Account",
    "Action",
    "Change",
    "Checked",
    "Collection",
    "Digest",
    "FacetRow",
    "Frequency",
    "Holding",
    "IndexPointer",
    "IndexRow",
    "Item",
    "Job",
    "JobState",
    "Jobs",
    "Kept",
    "Mark",
    "Markings",
    "Publication",
    "Relating",
    "Relation",
    "Replaced",
    "ReportSummary",
    "Revision",
    "Role",
    "SavedSearch",
    "Stance",
    "Store",
    "StoredHead",
    "Verdict",
]
