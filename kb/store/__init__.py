"""The only door to SQL: what is known, kept so that it survives a power cut.

``session`` holds the verbs, ``schema`` the tables, ``records`` the way between rows and domain
types, ``files`` the original files, ``audit`` the check of everything kept, ``changes`` people's
decisions with their history, ``jobs`` the files on their way in, ``accounts`` who may log in,
``heads`` the classifiers trained here, ``alike`` the search for reports with the same words,
``purge`` what is forgotten for good, and ``sqlite`` all that another database would do in another
way.
"""

from kb.store.accounts import Account, Role
from kb.store.changes import Action, Change, Item, Revision
from kb.store.heads import StoredHead
from kb.store.jobs import Holding, Job, Jobs, JobState
from kb.store.records import FacetRow, IndexPointer, IndexRow, Markings, ReportSummary
from kb.store.session import Store

__all__ = [
    "Account",
    "Action",
    "Change",
    "FacetRow",
    "Holding",
    "IndexPointer",
    "IndexRow",
    "Item",
    "Job",
    "JobState",
    "Jobs",
    "Markings",
    "ReportSummary",
    "Revision",
    "Role",
    "Store",
    "StoredHead",
]
