"""The program ``kb``: where the parts are put together. Imported by nobody.

Every import is inside the command that needs it, so that a cold ``kb search`` loads neither torch
nor Flask nor Alembic. Exit codes: 0 ok, 1 nothing found or a check failed, 2 usage, 3 bad input.
"""

import gc
import json
import logging
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from kb.config import Config
from kb.domain import Kind, Phase, ProgrammeType, ReportType
from kb.errors import AlreadyIngestedError, ConfigError, InputError, KbError, NotFoundError
from kb.messages import sentence
from kb.text import normalise

if TYPE_CHECKING:
    from kb.embed import Encoder
    from kb.evaluate import Evaluation
    from kb.search import SearchQuery, SearchResult
    from kb.store import Store

OK, NOTHING, USAGE, BAD_INPUT = 0, 1, 2, 3
_JSON = click.option("as_json", "--json", is_flag=True, help="Skriv JSON for andre programmer.")


def _one_of(values: type[StrEnum]) -> click.Choice[str]:
    return click.Choice([value.value for value in values])


class _Program(click.Group):
    """Turns our errors into one sentence with a stable code, and the right exit code."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KbError as error:
            _say_error(error)
            if isinstance(error, ConfigError):
                sys.exit(USAGE)
            sys.exit(BAD_INPUT if isinstance(error, InputError) else NOTHING)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="erfaringsbanken", prog_name="kb")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Erfaringsbanken: lærdommer fra omstillingsprogrammer, hver med sitat og side."""
    ctx.obj = Config.load()


@main.command()
@click.pass_obj
def init(config: Config) -> None:
    """Lag datamappen og databasen, og gjør språkmodellen klar."""
    with _store(config):
        _encoder(config).embed_queries(["prøve"])
    click.echo(f"Klar: {config.home}")


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FIL…")
@click.option("--publish", is_flag=True, help="Publiser lærdommene med en gang.")
@click.option("--skip-existing", is_flag=True, help="Gå stille forbi filer som alt er lest inn.")
@click.option("--name", help="Filnavnet rapporten skal ha, når filen heter noe annet nå.")
@_JSON
@click.pass_obj
def ingest(
    config: Config,
    /,
    files: Sequence[Path],
    name: str | None,
    *,
    publish: bool,
    skip_existing: bool,
    as_json: bool,
) -> None:
    """Les inn rapporter (PDF eller tekst). Én dårlig fil stopper ikke de andre."""
    if name and len(files) > 1:
        raise click.UsageError("--name gjelder én fil")
    from ingest import Ingestor
    from kb.search import Searcher

    failed, done = False, []
    with _store(config) as store:
        encoder = _encoder(config)
        ingestor = Ingestor(encoder, config)
        for path in files:
            try:
                one = ingestor.add(
                    store, path, name=name, publish=publish, progress=_progress(path)
                )
            except AlreadyIngestedError as error:
                if not skip_existing:
                    failed = True
                    _say_error(error, f"{path.name}: ", f" (rapport {error.report_id})")
            except InputError as error:
                failed = True
                _say_error(error, f"{path.name}: ")
            else:
                done.append(one)
                if not as_json:
                    _say_ingested(one)
        if done:
            Searcher(encoder, config.home).refresh(store)
    if as_json:
        _print_json({"reports": [one.as_json() for one in done]})
    sys.exit(BAD_INPUT if failed else OK)


@main.command()
@click.argument("query", metavar="SPØRSMÅL")
@click.option("-k", "limit", default=10, type=click.IntRange(1, 1000), help="Antall treff.")
@click.option("--theme", "themes", multiple=True, help="Bare dette temaet (id).")
@click.option("--programme", "programmes", multiple=True, help="Bare dette programmet (id).")
@click.option("--phase", "phases", multiple=True, type=_one_of(Phase), help="Bare fasen.")
@click.option("--kind", "kinds", multiple=True, type=_one_of(Kind), help="Bare typen.")
@click.option(
    "--programme-type",
    "programme_types",
    multiple=True,
    type=_one_of(ProgrammeType),
    help="Bare programtypen.",
)
@click.option(
    "--report-type",
    "report_types",
    multiple=True,
    type=_one_of(ReportType),
    help="Bare rapporttypen.",
)
@click.option("--year", "years", multiple=True, type=int, help="Bare dette året.")
@_JSON
@click.pass_obj
def search(
    config: Config, /, query: str, limit: int, *, as_json: bool, **filters: Sequence[Any]
) -> None:
    """Finn lærdommer på tvers av programmer, også når de bruker andre ord."""
    if not normalise(query):
        raise click.UsageError("Skriv et spørsmål")
    gc.disable()  # one answer and out: collecting what the imports left costs 30 ms
    encoder = ThreadPoolExecutor(1).submit(_encoder, config)  # checks its weights as we import

    from kb.output import search_json
    from kb.search import Searcher, SearchQuery

    sets: dict[str, Any] = {name: frozenset(values) for name, values in filters.items()}
    asked = SearchQuery(text=query, limit=limit, **sets)
    with _store(config) as store:
        _refuse_unknown(config, store, asked)
        result = Searcher(encoder.result(), config.home).search(store, asked)
    if as_json:
        _print_json(search_json(result))
    else:
        _say_hits(result)
    sys.exit(NOTHING if result.no_match else OK)


@main.command()
@click.option(
    "--status",
    type=click.Choice(["candidate", "published", "rejected", "merged", "retired"]),
    help="Bare lærdommer med denne statusen.",
)
@click.option("--report", "report_id", help="Bare fra denne rapporten (id).")
@_JSON
@click.pass_obj
def lessons(config: Config, status: str | None, report_id: str | None, *, as_json: bool) -> None:
    """List lærdommer."""
    from kb.domain import Status
    from kb.output import lesson_json

    with _store(config) as store, store.reading():
        if report_id and store.report(report_id) is None:
            raise NotFoundError(f"report {report_id}")
        wanted = Status(status) if status else None
        ids = store.lesson_ids(status=wanted, report_id=report_id)
        found = store.lessons(ids)
        reports = {one.report.id: one.report for one in store.reports()}
    rows = [lesson_json(found[one], reports[found[one].report_id]) for one in ids]
    if as_json:
        _print_json({"lessons": rows})
    else:
        for row in rows:
            click.echo(f"{row['id']}  [{row['status']}]  {row['programme']}: {row['statement']}")
    sys.exit(OK if rows else NOTHING)


@main.command()
@_JSON
@click.pass_obj
def reports(config: Config, *, as_json: bool) -> None:
    """List rapporter."""
    from kb.output import report_json

    with _store(config) as store:
        found = store.reports()
    rows = [report_json(summary) for summary in found]
    slugs = {summary.report.programme.slug for summary in found}
    if as_json:
        _print_json({"reports": rows})
    else:
        for row in rows:
            title = row["title"] or row["file"]
            click.echo(f"{row['id']}  {title}  ({row['lessons']} lærdommer, {row['status']})")
    if rows and not as_json:
        click.echo("Programmer (id til --programme): " + ", ".join(sorted(slugs)))
    sys.exit(OK if rows else NOTHING)


@main.command()
@click.argument("report_id", metavar="RAPPORT")
@click.pass_obj
def publish(config: Config, report_id: str) -> None:
    """Publiser en rapport og alle forslagene i den."""
    from kb.search import Searcher

    with _store(config) as store:
        count = store.publish_report(report_id)
        Searcher(_encoder(config), config.home).refresh(store)
    click.echo(f"{count} lærdommer er publisert.")


@main.command()
@click.argument("report_id", metavar="RAPPORT")
@click.option("--yes", is_flag=True, help="Ikke spør.")
@click.pass_obj
def remove(config: Config, report_id: str, *, yes: bool) -> None:
    """Fjern en rapport med lærdommene dens. Filen blir liggende, så den kan leses inn igjen."""
    with _store(config) as store:
        kept, original = store.report(report_id), store.original_path(report_id)
        if kept is None or original is None:
            raise NotFoundError(f"report {report_id}")
        if not yes:
            click.confirm(f"Fjerne rapport {report_id} og alle lærdommene i den?", abort=True)
        store.remove_report(report_id)
    publish = ["--publish"] if kept.status == "published" else []
    undo = shlex.join(["kb", "ingest", *publish, "--name", kept.file, "--", str(original)])
    click.echo(f"Fjernet. Angre: {undo}")


@main.command()
@click.option("--host", help="Adresse å lytte på.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port å lytte på.")
@click.pass_obj
def serve(config: Config, host: str | None, port: int | None) -> None:
    """Start nettsidene."""
    from dataclasses import replace

    from kb.search import Searcher
    from web import create_app
    from web.serve import serve as run

    encoder = _encoder(config)
    with _store(config) as store:
        Searcher(encoder, config.home).refresh(store)
    config = replace(config, host=host or config.host, port=config.port if port is None else port)
    run(config, create_app(config, encoder))


@main.command()
@click.pass_obj
def reindex(config: Config) -> None:
    """Lag vektorene på nytt med modellen i KB_MODEL, og bygg søkeindeksen."""
    import numpy as np

    from kb.passages import passages_of
    from kb.search import Searcher

    with _store(config) as store:
        encoder = _encoder(config)
        found = list(store.lessons(store.lesson_ids()).values())
        batches = [found[start : start + 50] for start in range(0, len(found), 50)]
        quiet = not sys.stderr.isatty()
        with click.progressbar(
            batches, label="Lager vektorer", file=sys.stderr, hidden=quiet
        ) as bar:
            vectors: dict[str, Any] = {}
            for batch in bar:
                texts = [[p.text for p in passages_of(lesson)] for lesson in batch]
                rows = encoder.embed_passages([text for own in texts for text in own])
                cuts = np.cumsum([len(own) for own in texts])[:-1]
                parts = np.split(rows, cuts)
                vectors |= {one.id: part for one, part in zip(batch, parts, strict=True)}
        store.put_vectors(vectors, encoder.model_id)
        Searcher(encoder, config.home).refresh(store)
    click.echo(f"{len(found)} lærdommer er indeksert med {encoder.model_id}.")


@main.command()
@_JSON
@click.pass_obj
def check(config: Config, *, as_json: bool) -> None:
    """Kontroller databasen, indeksene og at hvert sitat står på siden sin."""
    from kb.search import Searcher

    with _store(config) as store:
        problems = [*store.check(), *Searcher(_encoder(config), config.home).problems(store)]
        quotes = _count_quotes(store)
    if as_json:
        _print_json({"ok": not problems, "quotes": quotes, "problems": problems})
    else:
        for problem in problems:
            click.echo(problem, err=True)
        click.echo(f"{quotes} sitater kontrollert, {len(problems)} feil.")
    sys.exit(NOTHING if problems else OK)


@main.command(name="eval")
@click.argument("queries", required=False, type=click.Path(path_type=Path), metavar="[SETT]")
@click.option(
    "--passages",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Fil med tekststykkene det søkes i; kan gjentas. Uten: rapportene settet er vurdert mot.",
)
@_JSON
@click.pass_obj
def evaluate(
    config: Config, queries: Path | None, passages: Sequence[Path], *, as_json: bool
) -> None:
    """Mål søket mot spørsmål med fasit: nDCG@10, MRR@10, recall@5 og @10."""
    from dataclasses import asdict

    from kb.evaluate import evaluate as run
    from kb.evaluate import load_set

    judged = load_set(queries or config.corpus / "queries.toml", passages)
    result = run(judged, _encoder(config))
    if as_json:
        _print_json(asdict(result))
    else:
        _say_evaluation(result)


@main.command(name="config")
@_JSON
@click.pass_obj
def show_config(config: Config, *, as_json: bool) -> None:
    """Vis hver innstilling, verdien og hvor den kommer fra."""
    rows = config.explain()
    if as_json:
        _print_json({name: {"value": value, "source": source} for name, value, source in rows})
        return
    for name, value, source in rows:
        click.echo(f"KB_{name.upper()} = {value}  ({source})")


def _store(config: Config) -> "Store":
    from kb.store import Store

    return Store.open(config.home)


def _refuse_unknown(config: Config, store: "Store", asked: "SearchQuery") -> None:
    """Refuse a theme or programme that does not exist: it is a typing error, not «no hits»."""
    for slug in asked.programmes:
        if store.programme(slug) is None:
            raise NotFoundError(f"programme {slug}")
    if asked.themes:
        from kb.taxonomy import load_taxonomy

        taxonomy = load_taxonomy(config.corpus / "taxonomy.toml")
        for theme in asked.themes:
            if taxonomy.theme(theme) is None:
                raise NotFoundError(f"theme {theme}")


def _encoder(config: Config) -> "Encoder":
    from kb.embed import open_encoder

    return open_encoder(config.model, config.home)


def _progress(path: Path) -> Callable[[str], None]:
    """Return what shows the stage under way, on a terminal only."""
    if not sys.stderr.isatty():
        return lambda _stage: None
    return lambda stage: click.echo(f"\r\033[K{path.name}: {stage} …", nl=False, err=True)


def _say_ingested(done: Any) -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    click.echo(f"{done.file}: {done.lessons} lærdommer, {done.pages} sider (rapport {done.id})")
    for number, problem in done.problems:
        click.echo(f"  side {number}: {problem}")


def _say_hits(result: "SearchResult") -> None:
    if result.no_match:
        click.echo("Ingen lærdommer passer til spørsmålet. Prøv andre ord, eller færre filtre.")
        return
    click.echo(
        f"{result.total} lærdommer fra {result.programmes} "
        f"av {result.programmes_in_base} programmer"
    )
    for hit in result.hits:
        one = hit.lesson.evidence[hit.best]
        click.echo(f"\n{hit.rank}. {click.style(hit.lesson.statement, bold=True)}")
        if one.quote != hit.lesson.statement:
            click.echo(f"   «{one.quote}»")
        click.echo(f"   {hit.report.programme.name}, {hit.report.file}, side {one.page}")


def _say_evaluation(result: "Evaluation") -> None:
    click.echo(f"{result.passages} passages, model {result.model}")
    click.echo(f"{'':14}{'slice':16}{'n':>4}  nDCG@10 [95 %]         MRR@10  R@5   R@10")
    for system, slices in result.scores.items():
        for name, s in slices.items():
            interval = f"{s.ndcg_at_10:.3f} [{s.low:.3f}, {s.high:.3f}]"
            more = f"{s.mrr_at_10:.3f}   {s.recall_at_5:.3f} {s.recall_at_10:.3f}"
            click.echo(f"{system:14}{name:16}{s.queries:>4}  {interval}   {more}")
    for system, (mean, low, high) in result.gain.items():
        click.echo(f"hybrid - {system}: {mean:+.3f} [{low:+.3f}, {high:+.3f}]")
    click.echo(
        f"out of scope: {result.abstained:.0%} of {result.out_of_scope} answered with nothing; "
        f"in scope wrongly empty: {result.wrongly_empty:.1%}"
    )
    for score, name, text in result.worst:
        click.echo(f"  {score:.3f}  {name}  {text}")


def _count_quotes(store: "Store") -> int:
    """Count the quotes of the lessons that can be read; of the others the check has told."""
    count = 0
    for lesson_id in store.lesson_ids():
        with suppress(ValueError):
            count += sum(len(one.evidence) for one in store.lessons([lesson_id]).values())
    return count


def _say_error(error: KbError, before: str = "", after: str = "") -> None:
    click.echo(f"{before}{sentence(error)} [{error.reason_code}]{after}", err=True)
    if not isinstance(error, InputError) or isinstance(error, NotFoundError):
        click.echo(f"  {error}", err=True)


def _print_json(data: object) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def run() -> None:
    """Run the program and leave at once: taking the imports apart again would cost 80 ms."""
    code: str | int | None = 0
    try:
        main()
    except SystemExit as leaving:
        code = leaving.code
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else NOTHING)


if __name__ == "__main__":
    run()
