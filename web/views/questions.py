"""Many questions at once: each with the lessons that answer it best. Nothing sent is kept."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from kb.errors import QuestionFileError
from kb.export import Entry, Section
from kb.messages import sentence
from kb.questions import MAX_FILE_BYTES, MOST_QUESTIONS, questions_in, questions_in_file
from kb.search import Hit, SearchQuery
from kb.store import Store
from web.context import services, store
from web.language import language
from web.takeaway import answer, new_document

bp = Blueprint("questions", __name__, url_prefix="/sporsmal")
_HITS, _WEAK = 5, 3
_MAX_FORM_BYTES = MAX_FILE_BYTES + 100_000
_MAX_TEXT_BYTES = 64_000
_MAX_ADDRESS_CHARS = 4_000
"""A longer list does not go into an address that can be shared: some programs would cut it."""
_UNUSABLE = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question with its best hits, best first.

    ``is_weak``: they are no hits, only the nearest there is. None at all: nothing comes near.
    """

    question: str
    hits: tuple[Hit, ...]
    is_weak: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The questions that are answered, and how many more there were."""

    questions: tuple[str, ...]
    left_out: int


@bp.url_value_preprocessor
def _allow_file(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    request.max_content_length = _MAX_FORM_BYTES
    request.max_form_memory_size = _MAX_TEXT_BYTES


@bp.get("")
def page() -> str:
    """Show the form; with questions in the address their answers too."""
    asked = _first(questions_in("\n".join(request.args.getlist("s"))))
    return _page(asked)


@bp.post("")
def ask() -> str | tuple[str, int]:
    """Answer the questions in the form or the file."""
    try:
        return _page(_asked())
    except QuestionFileError as error:
        told = sentence(error, language())
        return _page(_first(()), text=request.form.get("sporsmal", ""), problem=told), _UNUSABLE


@bp.post("/eksport/<name>")
def export(name: str) -> Response | str:
    """Give the answers to the questions in the form as a file."""
    asked = _asked()
    document = new_document(
        title=str(_("Svar på spørsmål")),
        address=_permalink(asked.questions) or url_for("questions.page"),
        sections=[_section(each) for each in _answers(store(), asked.questions)],
    )
    return answer(document, name)


def _page(asked: Asked, text: str = "", problem: str = "") -> str:
    return render_template(
        "takeaway/questions.html",
        asked=asked,
        answers=_answers(store(), asked.questions),
        verdict=verdict,
        text=text or "\n".join(asked.questions),
        problem=problem,
        most=MOST_QUESTIONS,
        permalink=_permalink(asked.questions),
    )


def _asked() -> Asked:
    file = request.files.get("fil")
    if file is not None and file.filename:
        return _first(questions_in_file(file.filename, file.read(MAX_FILE_BYTES + 1)))
    return _first(questions_in(request.form.get("sporsmal", "")))


def _first(questions: tuple[str, ...]) -> Asked:
    kept = questions[:MOST_QUESTIONS]
    return Asked(questions=kept, left_out=len(questions) - len(kept))


def _answers(store: Store, questions: tuple[str, ...]) -> tuple[Answered, ...]:
    searcher = services().searcher
    with store.reading():
        results = [
            searcher.search(store, SearchQuery(text=each, limit=_HITS)) for each in questions
        ]
    return tuple(
        Answered(
            question=question,
            hits=result.hits or result.weak[:_WEAK],
            is_weak=not result.hits,
        )
        for question, result in zip(questions, results, strict=True)
    )


def _section(answered: Answered) -> Section:
    return Section(
        heading=answered.question,
        text=verdict(answered),
        entries=tuple(
            Entry(
                lesson=hit.lesson,
                report=hit.report,
                label=str(_("Svakt treff")) if answered.is_weak else "",
            )
            for hit in answered.hits
        ),
    )


def verdict(answered: Answered) -> str:
    """Return what must be said before the hits of a question, or nothing."""
    if not answered.is_weak:
        return ""
    if answered.hits:
        return str(_("Ingen sikre treff. Lærdommene ligger i nærheten, men svarer neppe."))
    return str(_("Ingen treff: ingen lærdom i basen ligger nær nok til å være et svar."))


def _permalink(questions: tuple[str, ...]) -> str:
    """Return the address that asks the same; "" where it would be too long to share."""
    address = url_for("questions.page", s=list(questions)) if questions else ""
    return address if len(address) <= _MAX_ADDRESS_CHARS else ""
