"""Names, passwords, links, and the commands that make them."""

import shutil
import time
from pathlib import Path

import argon2
import pytest
from click.testing import CliRunner, Result

from kb import accounts
from kb.__main__ import main
from kb.accounts import (
    add_user,
    check_name,
    check_password,
    demo_link,
    is_loopback,
    link_works,
    make_link,
    set_password,
    use_link,
    verify,
)
from kb.errors import AccountError, AccountProblem
from kb.store import Role, Store

_ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "fire ville vafler"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of an empty store: making the tables takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")
    Store.open(folder).close()
    return folder / "erfaringsbanken.db"


@pytest.fixture
def home(tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(empty, tmp_path)
    monkeypatch.setenv("KB_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def store(home: Path):
    with Store.open(home) as opened:
        yield opened


def kb(*args: str, stdin: str = "") -> Result:
    """Run ``kb user …`` as a person at the terminal does."""
    return CliRunner().invoke(main, ["user", *args], input=stdin)


# ---- names and passwords


@pytest.mark.parametrize("name", ["kari", "k2", "ola.nordmann", "anne-grete", "åse", "a" * 40])
def test_a_plain_name_can_be_used(name: str):
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "k",
        "Kari",
        "kari nordmann",
        "-kari",
        "kari.",
        "../kari",
        "kari\n",
        "<b>",
        "a" * 41,
        "a:b",
    ],
)
def test_other_names_are_refused(name: str):
    with pytest.raises(AccountError) as caught:
        check_name(name)

    assert caught.value.reason_code == "account.name"


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("elleve tegn", id="eleven characters"),
        pytest.param("", id="empty"),
        pytest.param("aaaaaaaaaaaaaaaa", id="one letter over and over"),
        pytest.param("kari-nordmann", id="the name"),
        pytest.param(" KARI-nordmann ", id="the name in other letters"),
        pytest.param("å" * 200 + "x" * 57, id="longer than any hash needs"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password: str):
    with pytest.raises(AccountError) as caught:
        check_password("kari-nordmann", password)

    assert caught.value.reason is AccountProblem.PASSWORD


def test_the_right_password_lets_in_and_no_other(store: Store):
    made = add_user(store, "kari", Role.EDITOR, PASSWORD)

    assert verify(store, "kari", PASSWORD) == made
    for wrong in ("", PASSWORD + " ", PASSWORD.upper(), PASSWORD[:-1], "x" * 10_000):
        assert verify(store, "kari", wrong) is None


def test_the_database_holds_no_password_and_no_token(store: Store, home: Path):
    add_user(store, "kari", Role.EDITOR, PASSWORD)
    token = make_link(store, "kari", 60)

    kept = b"".join(path.read_bytes() for path in home.glob("erfaringsbanken.db*"))
    assert b"$argon2id$" in kept
    assert PASSWORD.encode() not in kept
    assert token.encode() not in kept


@pytest.mark.parametrize("closed", [False, True])
def test_without_a_password_or_with_a_closed_account_nobody_gets_in(store: Store, *, closed: bool):
    store.accounts.add("lenke", Role.EDITOR, None)
    add_user(store, "kari", Role.EDITOR, PASSWORD)
    if closed:
        store.accounts.disable("kari")

    assert verify(store, "lenke", "") is None
    assert (verify(store, "kari", PASSWORD) is None) == closed


def test_an_unknown_name_costs_as_much_as_a_wrong_password(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    """Counted, not timed: each try costs exactly one hash, whatever is wrong with it."""
    add_user(store, "kari", Role.EDITOR, PASSWORD)
    add_user(store, "stengt", Role.EDITOR, PASSWORD)
    store.accounts.disable("stengt")
    store.accounts.add("lenke", Role.EDITOR, None)
    verify(store, "varm opp", "x")
    costs = []
    real = accounts._HASHER.verify

    class Counting:
        def __getattr__(self, name: str):
            return getattr(argon2.PasswordHasher(), name)

        def verify(self, kept: str, password: str) -> bool:
            costs.append(kept.split("$")[3])
            return real(kept, password)

    monkeypatch.setattr(accounts, "_HASHER", Counting())
    for name in ("kari", "stengt", "lenke", "ukjent"):
        assert verify(store, name, "feil passord her") is None

    assert len(costs) == 4
    assert len(set(costs)) == 1, "the same parameters each time"


def test_a_weaker_hash_of_former_times_is_renewed_when_it_is_used(store: Store):
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    made = store.accounts.add("kari", Role.EDITOR, weak)

    assert verify(store, "kari", PASSWORD) == made

    renewed = store.accounts.password_hash("kari")
    assert renewed != weak
    assert not argon2.PasswordHasher().check_needs_rehash(renewed)
    assert verify(store, "kari", PASSWORD) == made


def test_a_new_password_takes_the_place_of_the_old_one(store: Store):
    add_user(store, "kari", Role.EDITOR, PASSWORD)

    set_password(store, "kari", "tre tamme traner")

    assert verify(store, "kari", PASSWORD) is None
    assert verify(store, "kari", "tre tamme traner") is not None


# ---- links


def test_a_link_works_once_and_looking_does_not_use_it_up(store: Store):
    add_user(store, "kari", Role.EDITOR, PASSWORD)
    token = make_link(store, "kari", 60)

    assert link_works(store, token)
    assert link_works(store, token)
    assert use_link(store, token).name == "kari"
    assert not link_works(store, token)
    assert use_link(store, token) is None


@pytest.mark.parametrize("token", ["", "x", "../..", "\ud800", "a" * 10_000])
def test_a_link_that_was_never_made_does_not_work(store: Store, token: str):
    assert not link_works(store, token)
    assert use_link(store, token) is None


def test_a_link_works_for_so_long_and_no_longer(store: Store, monkeypatch: pytest.MonkeyPatch):
    store.accounts.add("kari", Role.EDITOR, None)
    token = make_link(store, "kari", minutes=60)
    now = time.time()

    monkeypatch.setattr(accounts.time, "time", lambda: now + 3_590)
    assert link_works(store, token)
    monkeypatch.setattr(accounts.time, "time", lambda: now + 3_601)
    assert use_link(store, token) is None


def test_a_link_of_a_closed_account_lets_nobody_in(store: Store):
    store.accounts.add("kari", Role.EDITOR, None)
    token = make_link(store, "kari", 60)
    store.accounts.disable("kari")

    assert use_link(store, token) is None


def test_the_demo_makes_an_editor_without_a_password(store: Store):
    first, second = demo_link(store), demo_link(store)

    assert first != second
    made = use_link(store, first)
    assert (made.name, made.role, made.has_password) == ("demo", Role.EDITOR, False)
    assert verify(store, "demo", "") is None


@pytest.mark.parametrize(
    ("role", "password"), [(Role.ADMINISTRATOR, None), (Role.EDITOR, "hash"), (Role.READER, None)]
)
def test_the_demo_does_not_take_over_somebodys_account(
    store: Store, role: Role, password: str | None
):
    store.accounts.add("demo", role, password)

    with pytest.raises(AccountError):
        demo_link(store)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.4", False),
        ("localhost.ond.example", False),
        ("127.0.0.1.ond.example", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, expected: bool):
    assert is_loopback(host) == expected


# ---- commands


def test_a_user_is_made_with_a_password_said_twice(home: Path):
    done = kb("add", "Kari", "--role", "editor", stdin=f"{PASSWORD}\n{PASSWORD}\n")

    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output
    with Store.open(home) as store:
        assert verify(store, "kari", PASSWORD).role is Role.EDITOR


def test_two_different_passwords_make_no_user(home: Path):
    done = kb("add", "kari", "--role", "editor", stdin=f"{PASSWORD}\nnoe helt annet her\n")

    assert done.exit_code != 0
    with Store.open(home) as store:
        assert store.accounts.all() == ()


def test_a_program_gives_the_password_on_standard_input(home: Path):
    done = kb("add", "kari", "--role", "reader", "--password-stdin", stdin=f"{PASSWORD}\n")

    assert done.exit_code == 0
    with Store.open(home) as store:
        assert verify(store, "kari", PASSWORD) is not None


@pytest.mark.parametrize(
    ("args", "stdin", "code"),
    [
        pytest.param(
            ["add", "k", "--role", "editor", "--password-stdin"], PASSWORD, "name", id="name"
        ),
        pytest.param(
            ["add", "ola", "--role", "editor", "--password-stdin"], "kort", "password", id="short"
        ),
        pytest.param(
            ["add", "ola", "--role", "editor", "--password-stdin"],
            "",
            "password",
            id="nothing said",
        ),
        pytest.param(
            ["add", "sjef", "--role", "editor", "--password-stdin"], PASSWORD, "taken", id="taken"
        ),
        pytest.param(["role", "sjef", "--role", "reader"], "", "last-administrator", id="last"),
        pytest.param(["disable", "sjef"], "", "last-administrator", id="last closed"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_code(
    store: Store, args: list[str], stdin: str, code: str
):
    add_user(store, "sjef", Role.ADMINISTRATOR, PASSWORD)

    done = kb(*args, stdin=stdin)

    assert done.exit_code == 3
    assert f"[account.{code}]" in done.output


def test_a_user_without_a_role_is_wrong_use(home: Path):
    assert kb("add", "kari", "--password-stdin", stdin=PASSWORD).exit_code == 2
    assert kb("add", "kari", "--role", "sjef", "--password-stdin", stdin=PASSWORD).exit_code == 2


@pytest.mark.parametrize(
    "args",
    [["role", "ola", "--role", "editor"], ["disable", "ola"], ["link", "ola"], ["password", "ola"]],
)
def test_a_user_that_is_not_there_is_said_before_anything_is_asked(home: Path, args: list[str]):
    done = kb(*args)

    assert done.exit_code == 3
    assert "[not-found]" in done.output


def test_a_user_lives_through_all_commands(home: Path):
    assert kb("list").exit_code == 1
    kb("add", "sjef", "--role", "administrator", "--password-stdin", stdin=PASSWORD)
    kb("add", "kari", "--role", "reader", "--password-stdin", stdin=PASSWORD)

    assert kb("role", "kari", "--role", "editor").exit_code == 0
    assert "kari  editor  passord" in kb("list").output
    assert kb("password", "kari", "--password-stdin", stdin="tre tamme traner").exit_code == 0
    assert kb("disable", "kari").exit_code == 0
    assert "stengt" in kb("list").output
    assert kb("enable", "kari").exit_code == 0
    token = kb("link", "kari", "--minutes", "5").output.strip().rpartition("/inn/")[2]
    with Store.open(home) as store:
        assert verify(store, "kari", "tre tamme traner") is not None
        assert use_link(store, token).name == "kari"


def test_every_command_and_option_of_kb_user_stands_in_the_documents():
    text = (_ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")

    group = main.commands["user"]
    for name, command in group.commands.items():
        assert command.help
        usage = next(line for line in text.splitlines() if line.startswith(f"| `kb user {name}"))
        options = {
            max(one.opts, key=len) for one in command.params if one.param_type_name == "option"
        }
        assert {word for word in usage.split("`")[1].split() if word.startswith("--")} <= options
        assert all(option in usage for option in options), name
