"""Every error that Erfaringsbanken raises on purpose, drawn before it is written.

KbError
├─ InputError            the caller can mend it (HTTP 4xx, exit 2 or 3)
│  ├─ InvalidQueryError      400  the question or a filter cannot be used
│  ├─ NotFoundError          404  no such report, lesson or programme
│  ├─ AlreadyIngestedError   409  the same bytes or words are in the store
│  ├─ ConflictError          409  somebody else changed it in the meantime
│  │  ├─ JobStateError            the job has come too far, or not far enough, for what is asked
│  │  ├─ JobHeldError             the file is being read, without what is asked for now
│  │  ├─ EditionError             the one cannot be a newer edition of the other
│  │  ├─ DecidedError             somebody has worked on the report; it is not read again
│  │  ├─ ReportStateError         the report is not where the step begins (knows where it is)
│  │  └─ UndoError                a change that cannot be taken back (knows why)
│  ├─ UndecidedError         409  a report cannot be published while lessons wait
│  ├─ NotVerbatimError       422  the text does not stand on its page
│  ├─ CollectionFullError    422  too many lessons in a collection, or too many collections
│  ├─ QuestionFileError      422  no questions can be read from the file
│  ├─ MailRefusedError       422  the mail server does not take a mail to this address
│  ├─ AccountError           422  a name, password or role that cannot be used (knows the reason)
│  ├─ UnreadablePlanError    422  the uploaded plan gives no text (knows the problem)
│  └─ UnreadableReportError  422  the file gives no report (knows the reason)
├─ StateError            we must mend it (HTTP 503, exit 1)
│  ├─ StoreDamagedError           the database or a stored file fails its check
│  ├─ StoreUnavailableError       the data folder cannot be opened or written, or is locked
│  ├─ LeaseLostError              another worker has taken the job
│  ├─ JobAttemptsError            a job was begun several times and ended by nobody
│  ├─ InternalError               a worker met an error that nobody foresaw
│  ├─ OcrUnavailableError         a program or language for text recognition is not installed
│  ├─ PlanBusyError               as many plans wait to be checked as the program takes on
│  ├─ StaleIndexError             vectors of another model, or none
│  ├─ MailUnavailableError        the mail server cannot be reached, or refuses us
│  ├─ MailDoubtfulError           nobody knows whether a mail was sent: the line broke
│  └─ ModelUnavailableError       the encoder cannot be loaded
└─ ConfigError           refuse to start (exit 2)
   ├─ TaxonomyError                corpus/taxonomy.toml is wrong, and where
   └─ ProcessError                 corpus/process.toml is wrong, and where

``code`` is stable and machine-readable; messages speak to a developer. The sentence a user reads
hangs on the code, in bokmål and nynorsk, in :mod:`kb.messages`.
"""

from enum import StrEnum
from typing import ClassVar

from typing_extensions import override


class KbError(Exception):
    """The root. Never raised itself."""

    code: ClassVar[str] = "error"

    @property
    def reason_code(self) -> str:
        """The most exact stable code: ``code`` itself, or ``code.reason`` where there is one."""
        return self.code


class InputError(KbError):
    """The caller gave something that cannot be used."""

    code = "input"


class InvalidQueryError(InputError):
    """A question, a filter or a page number that cannot be used."""

    code = "invalid-query"


class NotFoundError(InputError):
    """There is no such thing, or it is not published."""

    code = "not-found"


class AlreadyIngestedError(InputError):
    """The same file, byte for byte or word for word, is in the store."""

    code = "already-ingested"

    def __init__(self, report_id: str, shared: str = "the same SHA-256") -> None:
        super().__init__(f"report {report_id} has {shared}")
        self.report_id = report_id


class Unreadable(StrEnum):
    """Why a file gives no report. The values are stable: programs and translations rely on them."""

    EMPTY = "empty"
    NOT_A_REPORT = "not-a-report"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    NEEDS_OCR = "needs-ocr"
    OCR_FAILED = "ocr-failed"
    TOO_LARGE = "too-large"
    LIMIT = "limit"
    MISSING = "missing"


class UnreadableReportError(InputError):
    """A file that cannot be turned into a report; ``reason`` says why."""

    code = "unreadable-report"

    def __init__(self, reason: Unreadable, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason

    @property
    @override
    def reason_code(self) -> str:
        """``unreadable-report.<reason>``."""
        return f"{self.code}.{self.reason}"


class PlanProblem(StrEnum):
    """Why an uploaded plan cannot be checked. The values are stable, as those above."""

    EMPTY = "empty"
    FOREIGN = "foreign"
    """Neither PDF nor Word (.docx) nor plain text."""
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    NEEDS_OCR = "needs-ocr"
    TOO_LARGE = "too-large"
    """More bytes than a file may have."""
    TOO_LONG = "too-long"
    """More text than a plan has."""
    LIMIT = "limit"


class UnreadablePlanError(InputError):
    """A plan that gives no text to check; ``problem`` says why."""

    code = "unreadable-plan"

    def __init__(self, problem: PlanProblem, detail: str = "") -> None:
        super().__init__(f"{problem}: {detail}" if detail else str(problem))
        self.problem = problem

    @property
    @override
    def reason_code(self) -> str:
        """``unreadable-plan.<problem>``."""
        return f"{self.code}.{self.problem}"


class ConflictError(InputError):
    """What was to be changed is no longer as the caller saw it."""

    code = "conflict"


class JobStateError(ConflictError):
    """A job is over, or is not, and what was asked for needs the opposite."""

    code = "job-state"


class JobHeldError(ConflictError):
    """A worker reads the same bytes now, without OCR, publishing or an edition asked for later."""

    code = "job-held"


class EditionError(ConflictError):
    """The older report has a newer edition already, or the newer one is another report's."""

    code = "edition"


class DecidedError(ConflictError):
    """A person has done something about the report, which reading it again would lose."""

    code = "decided"


class ReportState(StrEnum):
    """Where a report stands that a step cannot be taken from."""

    PUBLISHED = "published"
    """There is nothing more to publish."""
    NOT_PUBLISHED = "not-published"
    TRASHED = "trashed"
    NOT_TRASHED = "not-trashed"
    SUPERSEDED = "superseded"
    """A newer edition is published instead."""
    NOT_SUPERSEDED = "not-superseded"


class ReportStateError(ConflictError):
    """The report is not published, not in the trash, replaced …; ``reason`` says which."""

    code = "report-state"

    def __init__(self, reason: ReportState, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason

    @property
    @override
    def reason_code(self) -> str:
        """``report-state.<reason>``."""
        return f"{self.code}.{self.reason}"


class NoUndo(StrEnum):
    """Why a change cannot be taken back."""

    DONE = "done"
    """It is taken back already."""
    CHANGED = "changed"
    """What it left was changed since."""


class UndoError(ConflictError):
    """A change that cannot be taken back; ``reason`` says why."""

    code = "undo"

    def __init__(self, reason: NoUndo, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason

    @property
    @override
    def reason_code(self) -> str:
        """``undo.<reason>``."""
        return f"{self.code}.{self.reason}"


class UndecidedError(InputError):
    """Lessons of the report still wait for a decision; ``count`` of them."""

    code = "undecided"

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} lessons wait for a decision")
        self.count = count


class NotVerbatimError(InputError):
    """A text that was to be a quote does not stand on the page, or is no lesson's part."""

    code = "not-verbatim"


class CollectionFullError(InputError):
    """A collection would hold too many lessons, or an account too many collections."""

    code = "collection-full"


class QuestionFileError(InputError):
    """A file from which no questions can be read."""

    code = "question-file"


class MailRefusedError(InputError):
    """The mail server does not take a mail, or not to this address."""

    code = "mail-refused"


class AccountProblem(StrEnum):
    """Why an account cannot be made or changed as asked."""

    NAME = "name"
    TAKEN = "taken"
    PASSWORD = "password"  # noqa: S105 the id of a problem, not a password
    OLD_PASSWORD = "old-password"  # noqa: S105 the id of a problem, not a password
    LAST_ADMINISTRATOR = "last-administrator"


class AccountError(InputError):
    """A name, password or role that cannot be used; ``reason`` says why."""

    code = "account"

    def __init__(self, reason: AccountProblem, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason

    @property
    @override
    def reason_code(self) -> str:
        """``account.<reason>``."""
        return f"{self.code}.{self.reason}"


class StateError(KbError):
    """Something on our side is broken or missing."""

    code = "state"


class StoreDamagedError(StateError):
    """The database or a stored file does not pass its check."""

    code = "store-damaged"


class StoreUnavailableError(StateError):
    """The data folder cannot be opened or written, its disk is full, or another writer holds it."""

    code = "store-unavailable"


class LeaseLostError(StateError):
    """Another worker has taken the job, or it was cancelled; this one must stop."""

    code = "lease-lost"


class JobAttemptsError(StateError):
    """A job was begun several times, and each time its worker went away before the end."""

    code = "job-attempts"


class InternalError(StateError):
    """Something nobody foresaw, met while working on a job; the log has the traceback."""

    code = "internal"


class OcrUnavailableError(StateError):
    """Text recognition was asked for, and a program or a language that it needs is missing."""

    code = "ocr-unavailable"


class PlanBusyError(StateError):
    """As many plans wait to be checked as the program takes on; the next must come again."""

    code = "plan-busy"


class StaleIndexError(StateError):
    """The store holds vectors of another model than the one configured, or none at all."""

    code = "stale-index"


class ModelUnavailableError(StateError):
    """The encoder cannot be loaded, or does not pass its self-test."""

    code = "model-unavailable"


class MailUnavailableError(StateError):
    """The mail server cannot be reached, or does not do what the settings say. Nothing was sent."""

    code = "mail-unavailable"


class MailDoubtfulError(StateError):
    """The line to the mail server broke before it answered, so the mail may have been sent."""

    code = "mail-doubtful"


class ConfigError(KbError):
    """A setting is unknown or wrong. The program refuses to start."""

    code = "config"


class TaxonomyError(ConfigError):
    """The taxonomy file is wrong; the message names the place and what was expected."""

    code = "taxonomy"


class ProcessError(ConfigError):
    """The process file is wrong; the message names the place and what was expected."""

    code = "process"
