"""The collections of an account: private until their owner shares a link, which ends at any time.

Nothing of a lesson is kept but its id, so a lesson that was withdrawn is shown as withdrawn.
"""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from kb.domain import Lesson, LessonId
from kb.errors import NotFoundError
from kb.export import Entry
from kb.store import Collection, Kept, Role
from web import auth
from web.addresses import whole
from web.context import store
from web.language import safe_return
from web.takeaway import (
    GROUPINGS,
    MAX_INTRO_CHARS,
    answer,
    entries_of,
    grouped,
    my_collections,
    new_document,
    read_grouping,
)
from web.views.published import published_lesson

bp = Blueprint("collections", __name__)
_MAX_NAME_CHARS, _MAX_NOTE_CHARS = 120, 2_000
_MAX_FORM_BYTES = 60_000
_STEPS = {"opp": -1, "ned": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A place in a collection: the lesson as it stands now, or None if it was withdrawn.

    ``heir`` then is the lesson of a newer edition that took its place, if there is one.
    """

    kept: Kept
    entry: Entry | None
    heir: Lesson | None


@bp.url_value_preprocessor
def _allow_words(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    request.max_content_length = request.max_form_memory_size = _MAX_FORM_BYTES


@bp.get("/samlinger")
@auth.requires(Role.READER)
def page() -> str:
    """List the reader's collections, and those deleted lately."""
    everything = store().collections.all(auth.actor())
    return render_template(
        "takeaway/collections.html",
        standing=[one for one in everything if one.deleted is None],
        deleted=[one for one in everything if one.deleted is not None],
        max_name=_MAX_NAME_CHARS,
    )


@bp.post("/samlinger")
@auth.requires(Role.READER)
def create() -> AnyResponse:
    """Make a collection, with the lessons that the form names, if any."""
    ids = [entry.lesson.id for entry in entries_of(store(), request.form.getlist("l"))]
    made = store().collections.create(auth.actor(), _name() or _default_name(), ids)
    return _show(made.id)


@bp.post("/samlinger/lagre")
@auth.requires(Role.READER)
def save() -> AnyResponse:
    """Put a lesson into the chosen collection, else the one used last, else a new one."""
    lesson = published_lesson(store(), request.form.get("laerdom", ""))
    chosen = request.form.get("samling", "")
    mine = list(my_collections())
    wanted = [one for one in mine if str(one.id) == chosen] or ([] if chosen == "ny" else mine)
    if wanted:
        store().collections.add(auth.actor(), wanted[0].id, [lesson.id])
    else:
        store().collections.create(auth.actor(), _default_name(), [lesson.id])
    back = safe_return(request.form.get("tilbake", "/"))
    return redirect(f"{back.partition('#')[0]}#lagre-{lesson.id}", 303)


@bp.get("/samlinger/<int:collection_id>")
@auth.requires(Role.READER)
def one(collection_id: int) -> str:
    """Show a collection with everything its owner can do to it."""
    return _page(_mine(collection_id))


@bp.post("/samlinger/<int:collection_id>/beskriv")
@auth.requires(Role.READER)
def describe(collection_id: int) -> AnyResponse:
    """Give a collection another name and introduction."""
    intro = "\n".join(request.form.get("innledning", "").splitlines())[:MAX_INTRO_CHARS].strip()
    name = _name() or _mine(collection_id).name
    store().collections.describe(auth.actor(), collection_id, name, intro)
    return _show(collection_id)


@bp.post("/samlinger/<int:collection_id>/slett")
@auth.requires(Role.READER)
def delete(collection_id: int) -> AnyResponse:
    """Delete a collection; it can be restored from the list."""
    name = _mine(collection_id).name
    store().collections.delete(auth.actor(), collection_id)
    flash(
        _("«%(name)s» er slettet. Du kan gjenopprette den nederst på siden.", name=name), "success"
    )
    return redirect(url_for("collections.page"), 303)


@bp.post("/samlinger/<int:collection_id>/gjenopprett")
@auth.requires(Role.READER)
def restore(collection_id: int) -> AnyResponse:
    """Undo a deletion."""
    store().collections.restore(auth.actor(), collection_id)
    return _show(collection_id)


@bp.post("/samlinger/<int:collection_id>/del")
@auth.requires(Role.READER)
def share(collection_id: int) -> str:
    """Show a new link for others, this once; the one before ends."""
    token = store().collections.share(auth.actor(), collection_id)
    return _page(_mine(collection_id), link=whole("collections.shared", token=token))


@bp.post("/samlinger/<int:collection_id>/slutt-aa-dele")
@auth.requires(Role.READER)
def stop_sharing(collection_id: int) -> AnyResponse:
    """Let the link end."""
    store().collections.stop_sharing(auth.actor(), collection_id)
    flash(_("Lenken virker ikke lenger. Samlingen er bare din."), "success")
    return _show(collection_id)


@bp.post("/samlinger/<int:collection_id>/laerdom/<lesson_id>/flytt")
@auth.requires(Role.READER)
def move(collection_id: int, lesson_id: LessonId) -> AnyResponse:
    """Move a lesson one place up or down."""
    steps = _STEPS.get(request.form.get("retning", ""), 0)
    store().collections.move(auth.actor(), collection_id, lesson_id, steps)
    return _show(collection_id, f"l-{lesson_id}")


@bp.post("/samlinger/<int:collection_id>/laerdom/<lesson_id>/kommentar")
@auth.requires(Role.READER)
def annotate(collection_id: int, lesson_id: LessonId) -> AnyResponse:
    """Keep the owner's words about a lesson."""
    note = "\n".join(request.form.get("kommentar", "").splitlines())[:_MAX_NOTE_CHARS].strip()
    store().collections.annotate(auth.actor(), collection_id, lesson_id, note)
    return _show(collection_id, f"l-{lesson_id}")


@bp.post("/samlinger/<int:collection_id>/laerdom/<lesson_id>/fjern")
@auth.requires(Role.READER)
def remove(collection_id: int, lesson_id: LessonId) -> AnyResponse:
    """Take a lesson out; the page offers to put it back."""
    store().collections.remove(auth.actor(), collection_id, lesson_id)
    return _show(collection_id, "fjernet")


@bp.post("/samlinger/<int:collection_id>/laerdom/<lesson_id>/tilbake")
@auth.requires(Role.READER)
def put_back(collection_id: int, lesson_id: LessonId) -> AnyResponse:
    """Put a lesson back where it was."""
    store().collections.put_back(auth.actor(), collection_id, lesson_id)
    return _show(collection_id, f"l-{lesson_id}")


@bp.get("/samlinger/<int:collection_id>/eksport/<name>")
@auth.requires(Role.READER)
def export(collection_id: int, name: str) -> Response | str:
    """Give the collection as a file, with its introduction and comments."""
    return _export(_mine(collection_id), name, request.path.partition("/eksport")[0])


@bp.get("/delt/<token>")
def shared(token: str) -> str:
    """Show a shared collection to whoever has its link; nothing in it can be changed."""
    collection = _by_link(token)
    return render_template(
        "takeaway/shared.html",
        collection=collection,
        rows=_rows(collection.lessons),
        token=token,
        groupings=GROUPINGS,
    )


@bp.get("/delt/<token>/eksport/<name>")
def export_shared(token: str, name: str) -> Response | str:
    """Give a shared collection as a file."""
    return _export(_by_link(token), name, url_for("collections.shared", token=token))


def _page(collection: Collection, link: str = "") -> str:
    return render_template(
        "takeaway/collection.html",
        collection=collection,
        rows=_rows(collection.lessons),
        removed=_rows(collection.removed),
        link=link,
        groupings=GROUPINGS,
        max_name=_MAX_NAME_CHARS,
        max_note=_MAX_NOTE_CHARS,
        max_intro=MAX_INTRO_CHARS,
    )


def _rows(kept: tuple[Kept, ...]) -> list[Row]:
    with store().reading():
        found = entries_of(store(), [one.lesson_id for one in kept])
        entries = {entry.lesson.id: entry for entry in found}
        return [
            Row(kept=each, entry=entry, heir=None if entry else _heir(each.lesson_id))
            for each in kept
            for entry in (entries.get(each.lesson_id),)
        ]


def _heir(lesson_id: LessonId) -> Lesson | None:
    heir = store().heir(lesson_id)
    found = entries_of(store(), [heir]) if heir and heir != lesson_id else ()
    return found[0].lesson if found else None


def _export(collection: Collection, name: str, address: str) -> Response | str:
    rows = _rows(collection.lessons)
    entries = [
        Entry(lesson=row.entry.lesson, report=row.entry.report, note=row.kept.note)
        for row in rows
        if row.entry
    ]
    gone = len(rows) - len(entries)
    told = ngettext(
        "%(num)s lærdom i samlingen er trukket tilbake og er ikke med.",
        "%(num)s lærdommer i samlingen er trukket tilbake og er ikke med.",
        gone,
    )
    document = new_document(
        title=collection.name,
        address=address,
        intro="\n\n".join(filter(None, (collection.intro, told if gone else ""))),
        sections=grouped(entries, read_grouping(request.args)),
    )
    return answer(document, name)


def _mine(collection_id: int) -> Collection:
    found = store().collections.get(auth.actor(), collection_id)
    if found is None:
        raise NotFoundError(f"collection {collection_id}")
    return found


def _by_link(token: str) -> Collection:
    found = store().collections.shared(token)
    if found is None:
        raise NotFoundError("a shared collection")
    return found


def _name() -> str:
    return " ".join(request.form.get("navn", "").split())[:_MAX_NAME_CHARS]


def _default_name() -> str:
    return str(_("Min samling"))


def _show(collection_id: int, anchor: str = "") -> AnyResponse:
    address = url_for("collections.one", collection_id=collection_id)
    return redirect(f"{address}#{anchor}" if anchor else address, 303)
