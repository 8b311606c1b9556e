"""The base for AI assistants, over the Model Context Protocol: search, read, list.

Whatever an assistant is told of a lesson has its verbatim quote, the page and the address where a
person can see it; where nothing fits it is told so, and not to guess. Names and types of the
arguments are flat, since some assistants know no others. The library ``mcp`` is an option of the
installation and is imported only by :func:`serve`.
"""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kb.config import Config
from kb.domain import Kind, Lesson, LessonId, Phase, Report, ReportStatus, Status
from kb.embed import Encoder
from kb.errors import InputError, InvalidQueryError, NotFoundError, StateError
from kb.messages import sentence
from kb.output import lesson_json
from kb.search import Searcher, SearchQuery
from kb.store import Store
from kb.taxonomy import Taxonomy, load_taxonomy
from kb.text import normalise

MAX_HITS = 50
_log = logging.getLogger("kb.assistant")
_ABOUT = (
    "Erfaringsbanken holds lessons from evaluations of Norwegian restructuring programmes "
    "(omstillingsprogrammer). Search in Norwegian or English. Show the quote, the page and the "
    "address of every lesson you use, and keep quotes word for word. If nothing is found, say so."
)
_NOTHING = (
    "Ingen lærdommer i Erfaringsbanken passer til dette. Si det som det er, og ikke gjett. Prøv "
    "gjerne med andre ord eller færre filtre."
)


_WEAK = (
    "Ingen lærdommer svarer på dette. De under ligger nærmest. Si at de ikke svarer på spørsmålet."
)


class Assistant:
    """What an assistant may ask. Shared by all threads: each answer opens the store anew."""

    def __init__(self, config: Config, encoder: Encoder) -> None:
        self._home: Path = config.home
        self._base = config.public_url or f"http://{config.host}:{config.port}"
        self._searcher = Searcher(encoder, config.home, config.corpus)
        self._taxonomy: Taxonomy = load_taxonomy(config.corpus / "taxonomy.toml")

    def sok_laerdommer(
        self,
        sporsmal: str,
        tema: str = "",
        program: str = "",
        fase: str = "",
        type: str = "",  # noqa: A002 - the name that the website uses for it
        antall: int = 10,
    ) -> str:
        """Find lessons by meaning. Returns JSON: each lesson with quotes, pages and addresses.

        Args:
            sporsmal: a question or keywords, in Norwegian or English; empty lists all.
            tema: id of a theme (liste_temaer), or empty.
            program: id of a programme (liste_program), or empty.
            fase: avklaring, strategi, gjennomforing or avslutning, or empty.
            type: success, warning, recommendation or challenge, or empty.
            antall: how many lessons at most, 1 to 50.
        """
        return self._answer(
            lambda store: self._search(store, sporsmal, (tema, program, fase, type), antall)
        )

    def hent_laerdom(self, id: str) -> str:  # noqa: A002 - the name that the website uses for it
        """Get one lesson by its id. Returns JSON with quotes, pages and addresses.

        Args:
            id: twelve letters and digits, from another answer or from the address /laerdom/ID.
        """
        return self._answer(lambda store: self._lesson(store, id.strip()))

    def liste_temaer(self) -> str:
        """List the themes. Returns JSON: id, name, meaning, count, address, and one lesson."""
        return self._answer(self._themes)

    def liste_program(self) -> str:
        """List the programmes. Returns JSON: id, name, period, count, address, and one lesson."""
        return self._answer(self._programmes)

    def tools(self) -> tuple[Callable[..., str], ...]:
        """Return what an assistant may call."""
        return (self.sok_laerdommer, self.hent_laerdom, self.liste_temaer, self.liste_program)

    def _answer(self, ask: Callable[[Store], Mapping[str, Any]]) -> str:
        """Return the answer as JSON; an error that we foresaw is an answer too."""
        try:
            with Store.open(self._home) as store, store.reading():
                answer = ask(store)
        except InputError as error:
            answer = {"error": error.reason_code, "message": f"{sentence(error)} ({error})"}
        except StateError as error:  # what is broken is for us to know, not for the assistant
            _log.error("%s: %s", error.reason_code, error, exc_info=error)
            answer = {"error": error.reason_code, "message": sentence(error)}
        return json.dumps(answer, ensure_ascii=False)

    def _search(
        self, store: Store, text: str, chosen: tuple[str, str, str, str], most: int
    ) -> dict[str, Any]:
        theme, programme, phase, kind = (normalise(each) for each in chosen)
        if theme and self._taxonomy.theme(theme) is None:
            raise NotFoundError(f"theme {theme}; see liste_temaer")
        if programme and store.programme(programme) is None:
            raise NotFoundError(f"programme {programme}; see liste_program")
        for value, allowed in ((phase, Phase), (kind, Kind)):
            if value and value not in set(allowed):
                raise InvalidQueryError(f"{value} is not one of {', '.join(allowed)}")
        query = SearchQuery(
            text=text,
            themes=_only(theme),
            programmes=_only(programme),
            phases=_only(phase),
            kinds=_only(kind),
            limit=max(1, min(most, MAX_HITS)),
        )
        result = self._searcher.search(store, query)
        lessons = [self._told(hit.lesson, hit.report) for hit in result.hits]
        found = {"question": query.text, "total": result.total, "lessons": lessons}
        near = [self._told(hit.lesson, hit.report) for hit in result.weak]
        if near:
            return found | {"near_but_no_answer": near, "message": _WEAK}
        return found if lessons else found | {"message": _NOTHING}

    def _lesson(self, store: Store, lesson_id: LessonId) -> dict[str, Any]:
        wanted = store.heir(lesson_id) or lesson_id
        lesson = store.lessons([wanted]).get(wanted)
        report = None if lesson is None else store.report(lesson.report_id)
        if lesson is None or report is None or lesson.status is not Status.PUBLISHED:
            raise NotFoundError(f"lesson {lesson_id[:40]}")
        return self._told(lesson, report)

    def _themes(self, store: Store) -> dict[str, Any]:
        own: dict[str, list[LessonId]] = {theme.id: [] for theme in self._taxonomy.themes}
        for row in store.facets():
            for theme_id in row.themes:
                own.setdefault(theme_id, []).append(row.lesson_id)
        return {
            "themes": [
                {
                    "id": theme.id,
                    "name": theme.label.nb,
                    "meaning": theme.definition.nb,
                    "lessons": len(own[theme.id]),
                    "url": f"{self._base}/tema/{theme.id}",
                    "example": self._first(store, own[theme.id]),
                }
                for theme in self._taxonomy.themes
            ]
        }

    def _programmes(self, store: Store) -> dict[str, Any]:
        own: dict[str, list[LessonId]] = {
            one.report.programme.slug: []
            for one in store.reports()
            if one.report.status is ReportStatus.PUBLISHED
        }
        for row in store.facets():
            own[row.programme].append(row.lesson_id)
        return {
            "programmes": [
                {
                    "id": one.slug,
                    "name": one.name,
                    "place": one.place,
                    "from": one.period_from,
                    "to": one.period_to,
                    "lessons": len(own[one.slug]),
                    "url": f"{self._base}/program/{one.slug}",
                    "example": self._first(store, own[one.slug]),
                }
                for one in store.programmes()
                if one.slug in own
            ]
        }

    def _first(self, store: Store, ids: list[LessonId]) -> dict[str, Any] | None:
        """Return the first lesson, so that the assistant sees what stands behind a name."""
        return self._lesson(store, ids[0]) if ids else None

    def _told(self, lesson: Lesson, report: Report) -> dict[str, Any]:
        row = lesson_json(lesson, report)
        row["url"] = f"{self._base}/laerdom/{lesson.id}"
        row["year"], row["evaluator"], row["note"] = report.year, report.contractor, report.note
        for quote in row["quotes"]:
            page = f"{self._base}/kilde/{report.id}/side/{quote['page']}"
            quote["url"] = f"{page}?l={lesson.id}"
        return row


def serve(assistant: Assistant, http: tuple[str, int] | None, public_url: str) -> None:
    """Answer an assistant over standard in and out, or over HTTP at (host, port), until stopped.

    Raises:
        ImportError: the extra ``mcp`` is not installed.
    """
    from mcp.server import MCPServer  # noqa: PLC0415 - an option of the installation
    from mcp.server.transport_security import TransportSecuritySettings  # noqa: PLC0415 - the same
    from mcp.types import ToolAnnotations  # noqa: PLC0415 - the same

    server: Any = MCPServer("erfaringsbanken", instructions=_ABOUT, log_level="WARNING")
    for tool in assistant.tools():
        # No structured output: its schema would need references, which some assistants do not know.
        notes = ToolAnnotations(read_only_hint=True, open_world_hint=False)
        server.add_tool(tool, annotations=notes, structured_output=False)
    if http is None:
        server.run("stdio")
        return
    host, port = http
    names = {host, "127.0.0.1", "localhost", urlsplit(public_url).hostname or host}
    server.run(
        "streamable-http",
        host=host,
        port=port,
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[*names, *(f"{name}:*" for name in names)],
            allowed_origins=[
                f"{way}://{name}{at}"
                for way in ("http", "https")
                for name in names
                for at in ("", ":*")
            ],
        ),
    )


def _only(value: str) -> frozenset[str]:
    return frozenset({value}) if value else frozenset()
