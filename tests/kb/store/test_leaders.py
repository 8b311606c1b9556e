"""What leaders tell of their own programme is kept per account, and can be taken back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.domain import Phase, ProgrammeType
from kb.process import Month
from kb.profile import Profile
from kb.store import Checked, Mark, Role, Store

TOLD = Profile(
    phase=Phase.STRATEGI,
    start=Month(2026, 2),
    programme_type=ProgrammeType.REGIONALT,
    years=3,
    municipalities=6,
)


@pytest.fixture(scope="module")
def two_accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("two")
    with Store.open(home) as store:
        for name in ("kari", "ola"):
            store.accounts.add(name, Role.READER, None)
    return home


@pytest.fixture
def store(two_accounts: Path, tmp_path: Path) -> Iterator[Store]:
    with Store.open(shutil.copytree(two_accounts, tmp_path / "home")) as opened:
        yield opened


@pytest.mark.parametrize("told", [TOLD, Profile(years=4), Profile()])
def test_a_profile_comes_back_as_it_was_told_and_only_to_its_account(store: Store, told: Profile):
    store.leaders.keep_profile("kari", Profile(phase=Phase.AVKLARING))
    store.leaders.keep_profile("kari", told)

    assert store.leaders.profile("kari") == told
    assert store.leaders.profile("ola") is None


def test_a_forgotten_profile_is_gone_and_the_marks_stay(store: Store):
    store.leaders.keep_profile("kari", TOLD)
    done = Checked(lesson_id="a", mark=Mark.DONE, note="")
    store.leaders.check("kari", Phase.STRATEGI, done)

    store.leaders.forget_profile("kari")

    assert store.leaders.profile("kari") is None
    assert store.leaders.checked("kari", Phase.STRATEGI) == {"a": done}


def test_the_newest_mark_counts_and_undo_brings_back_the_one_before(store: Store):
    planned = Checked(lesson_id="a", mark=Mark.PLANNED, note="I mars")
    used = Checked(lesson_id="a", mark=Mark.USED, note="I mars, kapittel 4")
    for one in (planned, used):
        store.leaders.check("kari", Phase.STRATEGI, one)

    assert store.leaders.checked("kari", Phase.STRATEGI) == {"a": used}
    assert store.leaders.undo_check("kari", Phase.STRATEGI) == "a"
    assert store.leaders.checked("kari", Phase.STRATEGI) == {"a": planned}
    assert store.leaders.undo_check("kari", Phase.STRATEGI) == "a"
    assert store.leaders.checked("kari", Phase.STRATEGI) == {}
    assert store.leaders.undo_check("kari", Phase.STRATEGI) is None


def test_phases_and_accounts_do_not_touch_each_other(store: Store):
    done = Checked(lesson_id="a", mark=Mark.DONE, note="")
    store.leaders.check("kari", Phase.STRATEGI, done)

    assert store.leaders.checked("kari", Phase.AVSLUTNING) == {}
    assert store.leaders.checked("ola", Phase.STRATEGI) == {}
    assert store.leaders.undo_check("ola", Phase.STRATEGI) is None
    assert store.leaders.checked("kari", Phase.STRATEGI) == {"a": done}


def test_a_mark_taken_away_leaves_the_note_and_nothing_leaves_nothing(store: Store):
    store.leaders.check("kari", Phase.STRATEGI, Checked(lesson_id="a", mark=None, note="Spør Ola"))
    store.leaders.check("kari", Phase.STRATEGI, Checked(lesson_id="b", mark=Mark.DONE, note=""))
    store.leaders.check("kari", Phase.STRATEGI, Checked(lesson_id="b", mark=None, note=""))

    assert [*store.leaders.checked("kari", Phase.STRATEGI)] == ["a"]


def test_marks_change_nothing_that_others_see(store: Store):
    before = store.generation()

    store.leaders.keep_profile("kari", TOLD)
    store.leaders.check("kari", Phase.STRATEGI, Checked(lesson_id="a", mark=Mark.DONE, note=""))

    assert store.generation() == before
