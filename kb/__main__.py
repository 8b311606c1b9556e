"""The program ``kb``: where the parts are put together. Imported by nobody.

Every import is inside the command that needs it, so that a cold ``kb search`` loads neither torch
nor Flask nor Alembic. Exit codes: 0 ok, 1 nothing found or a check failed, 2 usage, 3 bad input.
"""

import gc
import logging
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from kb.config import Config
from kb.domain import Kind, Phase, ProgrammeType, ReportType, Status
from kb.errors import ConfigError, InputError, KbError, NotFoundError
from kb.staff import COMMANDS
from kb.terminal import (
    BAD_INPUT,
    JSON,
    NOTHING,
    OK,
    USAGE,
    open_encoder,
    open_store,
    print_json,
    say_error,
)
from kb.text import normalise
from kb.users_cli import user

if TYPE_CHECKING:
    from kb.calibrate import Calibration
    from kb.evaluate import Evaluation
    from kb.search import Hit, SearchQuery, SearchResult
    from kb.store import Store


def _one_of(values: type[StrEnum]) -> click.Choice[str]:
    return click.Choice([value.value for value in values])


class _Program(click.Group):
    """Turns our errors into one sentence with a stable code, and the right exit code."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KbError as error:
            say_error(error)
            if isinstance(error, ConfigError):
                sys.exit(USAGE)
            sys.exit(BAD_INPUT if isinstance(error, InputError) else NOTHING)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="erfaringsbanken", prog_name="kb")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Erfaringsbanken: lærdommer fra omstillingsprogrammer, hver med sitat og side."""
    ctx.obj = Config.load()


for _command in (*COMMANDS, user):
    main.add_command(_command)


@main.command()
@click.pass_obj
def init(config: Config) -> None:
    """Lag datamappen og databasen, og gjør språkmodellen klar."""
    with open_store(config):
        open_encoder(config).read_question("prøve")
    click.echo(f"Klar: {config.home}")


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
@click.option(
    "--sort",
    default="relevans",
    type=click.Choice(["relevans", "nyest", "eldst"]),
    help="Rekkefølgen.",
)
@click.option(
    "--group", type=click.Choice(["program", "tema", "fase"]), help="Samle treffene; -k er grupper."
)
@JSON
@click.pass_obj
def search(
    config: Config,
    /,
    query: str,
    limit: int,
    sort: str,
    group: str | None,
    *,
    as_json: bool,
    **filters: Sequence[Any],
) -> None:
    r"""Finn lærdommer på tvers av programmer, også når de bruker andre ord.

    \b
    Spørsmålet kan også holde:
      "SMB-utvikling"      ordene etter hverandre, ordrett
      -havn  -"ny havn"    det som ikke skal stå der; begynner spørsmålet slik, skriv -- først
      program:  tema:  fase:  type:  rapporttype:  programtype:  utfører:
      år:2019  år:2015-2020

    Avslutter med 0 når det er treff, og 1 når det er ingen eller bare svake.
    """
    if not normalise(query):
        raise click.UsageError("Skriv et spørsmål")
    gc.disable()  # one answer and out: collecting what the imports left costs 30 ms
    encoder = ThreadPoolExecutor(1).submit(open_encoder, config)  # checks its weights as we import

    from kb.output import search_json
    from kb.search import Group, Searcher, SearchQuery, Sort

    sets: dict[str, Any] = {name: frozenset(values) for name, values in filters.items()}
    by = None if group is None else Group(group)
    asked = SearchQuery(text=query, limit=limit, sort=Sort(sort), group=by, **sets)
    with open_store(config) as store:
        _refuse_unknown(config, store, asked)
        result = Searcher(encoder.result(), config.home, config.corpus).search(store, asked)
    if as_json:
        print_json(search_json(result))
    else:
        _say_hits(result)
    sys.exit(NOTHING if result.no_match else OK)


@main.command()
@click.option(
    "--status",
    type=click.Choice([*(status.value for status in Status), "all"]),
    default="all",
    help="Bare lærdommer med denne statusen.",
)
@click.option("--report", "report_id", help="Bare fra denne rapporten (id).")
@JSON
@click.pass_obj
def lessons(config: Config, status: str, report_id: str | None, *, as_json: bool) -> None:
    """List lærdommer."""
    from kb.output import lesson_json

    with open_store(config) as store, store.reading():
        if report_id and store.report(report_id) is None:
            raise NotFoundError(f"report {report_id}")
        wanted = None if status == "all" else Status(status)
        ids = store.lesson_ids(status=wanted, report_id=report_id)
        found = store.lessons(ids)
        reports = {one.report.id: one.report for one in store.reports()}
    rows = [lesson_json(found[one], reports[found[one].report_id]) for one in ids]
    if as_json:
        print_json({"lessons": rows})
    else:
        for row in rows:
            click.echo(f"{row['id']}  [{row['status']}]  {row['programme']}: {row['statement']}")
    sys.exit(OK if rows else NOTHING)


@main.command()
@JSON
@click.pass_obj
def reports(config: Config, *, as_json: bool) -> None:
    """List rapporter."""
    from kb.output import report_json

    with open_store(config) as store:
        found = store.reports()
    rows = [report_json(summary) for summary in found]
    slugs = {summary.report.programme.slug for summary in found}
    if as_json:
        print_json({"reports": rows})
    else:
        for row in rows:
            title = row["title"] or row["file"]
            counts = ", ".join(f"{n} {status}" for status, n in row["counts"].items() if n)
            edition = f", utgave av {row['edition_of']}" if row["edition_of"] else ""
            click.echo(f"{row['id']}  {title}  [{row['status']}]  {counts or 0}{edition}")
    if rows and not as_json:
        click.echo("Programmer (id til --programme): " + ", ".join(sorted(slugs)))
    sys.exit(OK if rows else NOTHING)


@main.command()
@click.option("--host", help="Adresse å lytte på.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port å lytte på.")
@click.option("--no-worker", is_flag=True, help="Les ikke inn filer; «kb work» gjør det.")
@click.option("--demo-editor", is_flag=True, help="Skriv ut en engangslenke for en demoredaktør.")
@click.pass_obj
def serve(
    config: Config, host: str | None, port: int | None, *, no_worker: bool, demo_editor: bool
) -> None:
    """Start nettsidene, og les inn filer som lastes opp."""
    from dataclasses import replace

    from kb.accounts import demo_link, is_loopback
    from kb.attend import attended
    from kb.search import Searcher
    from web import create_app
    from web.serve import serve as run

    config = replace(config, host=host or config.host, port=config.port if port is None else port)
    if demo_editor and not is_loopback(config.host):
        raise click.UsageError("--demo-editor virker bare på denne maskinen (127.0.0.1)")
    encoder = open_encoder(config)
    with open_store(config) as store:
        link = demo_link(store) if demo_editor else None
        Searcher(encoder, config.home).refresh(store)
    worker = [sys.executable, "-m", "kb", "work", "--attended"]
    with nullcontext() if no_worker else attended(worker):
        run(config, create_app(config, encoder), link)


@main.command()
@click.pass_obj
def reindex(config: Config) -> None:
    """Lag vektorene på nytt med modellen i KB_MODEL, og bygg søkeindeksen."""
    from kb.embed import embed_lessons, tokens_of
    from kb.search import Searcher

    with open_store(config) as store:
        encoder = open_encoder(config)
        found = list(store.lessons(store.lesson_ids()).values())
        batches = [found[start : start + 50] for start in range(0, len(found), 50)]
        quiet = not sys.stderr.isatty()
        with click.progressbar(
            batches, label="Lager vektorer", file=sys.stderr, hidden=quiet
        ) as bar:
            vectors: dict[str, Any] = {}
            tokens: dict[str, Any] = {}
            for batch in bar:
                vectors |= embed_lessons(batch, encoder)
                tokens |= tokens_of(batch, encoder)
        store.put_vectors(vectors, encoder.model_id, tokens)
        Searcher(encoder, config.home).refresh(store)
    click.echo(f"{len(found)} lærdommer er indeksert med {encoder.model_id}.")


@main.command()
@JSON
@click.pass_obj
def check(config: Config, *, as_json: bool) -> None:
    """Kontroller databasen, indeksene og at hvert sitat står på siden sin."""
    from kb.search import Searcher

    with open_store(config) as store:
        problems = [*store.check(), *Searcher(open_encoder(config), config.home).problems(store)]
        quotes = _count_quotes(store)
    if as_json:
        print_json({"ok": not problems, "quotes": quotes, "problems": problems})
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
@click.option("--floors", is_flag=True, help="Still inn gulvene for treff og svake treff.")
@click.option("--write", is_flag=True, help="Med --floors: ta dem i bruk (floors.toml).")
@JSON
@click.pass_obj
def evaluate(
    config: Config,
    queries: Path | None,
    passages: Sequence[Path],
    *,
    floors: bool,
    write: bool,
    as_json: bool,
) -> None:
    """Mål søket mot spørsmål med fasit: nDCG@10, MRR@10, recall@5 og @10.

    Med --floors: vis hvor mange spørsmål uten svar (corpus/out-of-scope.toml) som blir avvist, og
    hvor mange med svar som går tapt, målt på spørsmål som gulvene ikke er stilt inn med.
    """
    from dataclasses import asdict

    from kb.evaluate import evaluate as run
    from kb.evaluate import load_set

    if write and not floors:
        raise click.UsageError("--write hører sammen med --floors")
    judged = load_set(queries or config.corpus / "queries.toml", passages)
    if floors:
        from kb.calibrate import calibrate, load_outsiders

        outsiders = load_outsiders(config.corpus / "out-of-scope.toml")
        calibration = calibrate(judged, outsiders, open_encoder(config))
        if as_json:
            print_json(asdict(calibration))
        else:
            _say_calibration(calibration)
        if write:
            _write_calibration(config.corpus / "floors.toml", calibration)
        return
    result = run(judged, open_encoder(config), config.corpus)
    if as_json:
        print_json(asdict(result))
    else:
        _say_evaluation(result)


def _calibration_lines(result: "Calibration") -> tuple[str, ...]:
    flagged = ", ".join(f"{kind} {share:.0%}" for kind, share in result.flagged.items())
    lost = ", ".join(f"{name} {share:.1%}" for name, share in result.lost.items())
    return (
        f"{result.questions} questions, {result.outsiders} that nothing answers; cross-validated",
        f"out of scope flagged: {flagged}",
        f"in scope wrongly flagged: {lost}",
        f"the set's own out of scope, never learned from, flagged: {result.unseen:.0%}",
    )


def _say_calibration(result: "Calibration") -> None:
    for line in _calibration_lines(result):
        click.echo(line)
    own = result.floors
    click.echo(f"model {own.model}, {own.weights}, rise {own.rise:.3f}")
    for language, floor in own.hits.items():
        click.echo(f"  {language}: hits from {floor:.3f}, weak hits from {own.weak[language]:.3f}")


def _write_calibration(path: Path, result: "Calibration") -> None:
    from kb.floors import write_floors

    head = "Set by `kb eval --floors --write`; what it means: docs/EVALUATION.md"
    write_floors(path, result.floors, (head, *_calibration_lines(result)))


@main.command(name="config")
@JSON
@click.pass_obj
def show_config(config: Config, *, as_json: bool) -> None:
    """Vis hver innstilling, verdien og hvor den kommer fra."""
    rows = config.explain()
    if as_json:
        print_json({name: {"value": value, "source": source} for name, value, source in rows})
        return
    for name, value, source in rows:
        click.echo(f"KB_{name.upper()} = {value}  ({source})")


@main.command()
@click.pass_obj
def digest(config: Config) -> None:
    """Send e-post om det som er publisert i lagrede søk siden sist."""
    from datetime import UTC, datetime

    from web import create_app
    from web.digest import Outcome, send_due

    outcomes = send_due(create_app(config, open_encoder(config)), datetime.now(UTC))
    click.echo(
        f"{outcomes[Outcome.SENT]} sendt, {outcomes[Outcome.NOTHING_NEW]} uten noe nytt, "
        f"{outcomes[Outcome.NOT_DUE]} ikke nå, {outcomes[Outcome.TAKEN]} tatt av andre, "
        f"{outcomes[Outcome.REFUSED]} avvist, {outcomes[Outcome.DOUBTFUL]} uvisse"
    )
    sys.exit(NOTHING if outcomes[Outcome.REFUSED] or outcomes[Outcome.DOUBTFUL] else OK)


@main.command()
@click.option("--http", "over_http", is_flag=True, help="Svar over HTTP (Streamable HTTP).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Adresse å lytte på.")
@click.option(
    "--port", default=8001, show_default=True, type=click.IntRange(1, 65535), help="Port."
)
@click.pass_obj
def mcp(config: Config, *, over_http: bool, host: str, port: int) -> None:
    """La KI-assistenter søke og lese (Model Context Protocol)."""
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        raise click.UsageError(
            "Tillegget mangler. Installer det: pip install 'erfaringsbanken[mcp]'"
        )
    from kb.assistant import Assistant, serve

    assistant = Assistant(config, open_encoder(config))
    serve(assistant, (host, port) if over_http else None, config.public_url)


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


def _say_hits(result: "SearchResult") -> None:
    for hint in result.hints:
        what = f"{hint.field}:{hint.value}" if hint.value else f"{hint.field}:"
        click.echo(f"«{what}» finnes ikke og er ikke brukt. Finnes: {', '.join(hint.known)}")
    if result.did_you_mean:
        click.echo(f"Mente du: {result.did_you_mean}")
    if result.weak:
        click.echo("Ingen lærdom svarer klart på spørsmålet. Svake treff:")
        _say_each(result.weak)
    elif result.no_match:
        click.echo("Ingen lærdommer passer til spørsmålet. Prøv andre ord, eller færre filtre.")
    else:
        folded = sum(len(hit.twins) for hit in result.hits)
        click.echo(
            f"{result.total} lærdommer fra {result.programmes} "
            f"av {result.programmes_in_base} programmer"
            + (f" ({folded} er nesten like en annen i samme rapport)" if folded else "")
        )
        for group in result.groups:
            click.echo(f"\n== {group.value or 'uten'} ({group.total})")
            _say_each(group.hits)
        _say_each(result.hits)


def _say_each(hits: "Sequence[Hit]") -> None:
    for hit in hits:
        one = hit.lesson.evidence[hit.best]
        click.echo(f"\n{hit.rank}. {click.style(hit.lesson.statement, bold=True)}")
        if one.quote != hit.lesson.statement:
            click.echo(f"   «{one.quote}»")
        kind = ", ".join(str(x) for x in (hit.report.report_type, hit.report.year) if x)
        about = f" ({kind})" if kind else ""
        click.echo(f"   {hit.report.programme.name}{about}, {hit.report.file}, side {one.page}")
        if hit.twins:
            click.echo(f"   og {len(hit.twins)} nesten like i samme rapport")


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
