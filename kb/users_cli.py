"""``kb user``: the accounts of those who work at the desk. Nothing else changes them."""

import sys
from typing import TYPE_CHECKING, Any

import click

from kb.config import Config
from kb.terminal import JSON, NOTHING, OK, open_store, print_json

if TYPE_CHECKING:
    from kb.store import Account

_ROLES = ("reader", "editor", "administrator")
_DAY_MINUTES = 24 * 60
_NAME = click.argument("name", metavar="NAVN")
_ROLE = click.option(
    "--role", required=True, type=click.Choice(_ROLES), help="Hva brukeren har lov til."
)
_STDIN = click.option(
    "--password-stdin", "from_stdin", is_flag=True, help="Les passordet fra standard inn."
)


@click.group()
def user() -> None:
    """Lag og endre brukere som logger inn på skrivebordet."""


@user.command()
@_NAME
@_ROLE
@_STDIN
@click.pass_obj
def add(config: Config, name: str, role: str, *, from_stdin: bool) -> None:
    """Lag en bruker. Passordet spørres det om to ganger."""
    from kb.accounts import add_user, check_name
    from kb.store import Role

    name = name.lower()
    check_name(name)
    with open_store(config) as store:
        add_user(store, name, Role(role), _password(from_stdin=from_stdin))
    click.echo(f"{name} er laget ({role}).")


@user.command(name="list")
@JSON
@click.pass_obj
def list_all(config: Config, *, as_json: bool) -> None:
    """List brukerne."""
    with open_store(config) as store:
        found = store.accounts.all()
    if as_json:
        print_json({"users": [_as_json(one) for one in found]})
    for one in () if as_json else found:
        closed = "  stengt" if one.is_disabled else ""
        way = "passord" if one.has_password else "bare engangslenke"
        click.echo(f"{one.name}  {one.role}  {way}{closed}")
    sys.exit(OK if found else NOTHING)


@user.command()
@_NAME
@_ROLE
@click.pass_obj
def role(config: Config, name: str, role: str) -> None:
    """Gi en bruker en annen rolle, fra neste side brukeren åpner."""
    from kb.store import Role

    with open_store(config) as store:
        store.accounts.set_role(name.lower(), Role(role))
    click.echo(f"{name.lower()} er nå {role}.")


@user.command()
@_NAME
@_STDIN
@click.pass_obj
def password(config: Config, name: str, *, from_stdin: bool) -> None:
    """Gi en bruker et nytt passord. Brukeren blir logget ut overalt."""
    from kb.accounts import set_password
    from kb.errors import NotFoundError

    name = name.lower()
    with open_store(config) as store:
        if store.accounts.get(name) is None:  # before anyone has to think of a password
            raise NotFoundError(f"account {name}")
        set_password(store, name, _password(from_stdin=from_stdin))
    click.echo(f"{name} har fått nytt passord.")


@user.command()
@_NAME
@click.pass_obj
def disable(config: Config, name: str) -> None:
    """Steng en bruker ute og avslutt det brukeren holder på med."""
    with open_store(config) as store:
        store.accounts.disable(name.lower())
    click.echo(f"{name.lower()} er stengt.")


@user.command()
@_NAME
@click.pass_obj
def enable(config: Config, name: str) -> None:
    """Slipp en stengt bruker inn igjen."""
    with open_store(config) as store:
        store.accounts.enable(name.lower())
    click.echo(f"{name.lower()} er åpnet.")


@user.command()
@_NAME
@click.option(
    "--minutes",
    default=60,
    show_default=True,
    type=click.IntRange(1, 7 * _DAY_MINUTES),
    help="Så lenge virker lenken.",
)
@click.pass_obj
def link(config: Config, name: str, minutes: int) -> None:
    """Skriv ut en lenke som slipper brukeren inn én gang."""
    from kb.accounts import make_link

    with open_store(config) as store:
        token = make_link(store, name.lower(), minutes)
    click.echo(f"Adressen til nettstedet, og så: /inn/{token}")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Passord", hide_input=True, confirmation_prompt="En gang til"))


def _as_json(one: "Account") -> dict[str, Any]:
    return {
        "name": one.name,
        "role": one.role,
        "has_password": one.has_password,
        "is_disabled": one.is_disabled,
        "created": one.created,
    }
