"""How alike a programme is to the reader's: which facts agree, never a number."""

import pytest

from kb.domain import Phase, ProgrammeType
from kb.process import Month
from kb.profile import Profile, Trait, can_compare, compare, split
from tests.make import a_programme

REGION = a_programme(
    "Regionen",
    programme_type=ProgrammeType.REGIONALT,
    period_from=2022,
    period_to=2024,
    municipalities=6,
)
TOWN = a_programme(
    "Byen", programme_type=ProgrammeType.ENKELTKOMMUNE, period_from=2010, period_to=2015
)
UNKNOWN = a_programme("Ukjent")


@pytest.mark.parametrize(
    ("profile", "programme", "same", "differing", "is_like"),
    [
        pytest.param(
            Profile(programme_type=ProgrammeType.REGIONALT, years=3, start=Month(2026, 2)),
            REGION,
            {Trait.TYPE, Trait.LENGTH, Trait.PERIOD},
            set(),
            True,
            id="all agrees",
        ),
        pytest.param(
            Profile(programme_type=ProgrammeType.REGIONALT, years=6),
            REGION,
            {Trait.TYPE},
            {Trait.LENGTH},
            False,
            id="twice as long is another thing",
        ),
        pytest.param(
            Profile(years=5),
            TOWN,
            {Trait.LENGTH},
            set(),
            True,
            id="a year more or less is as long",
        ),
        pytest.param(
            Profile(start=Month(2023, 1)),
            REGION,
            {Trait.PERIOD},
            set(),
            False,
            id="the same years alone say little",
        ),
        pytest.param(
            Profile(programme_type=ProgrammeType.ENKELTKOMMUNE, start=Month(2026, 1)),
            TOWN,
            {Trait.TYPE},
            {Trait.PERIOD},
            True,
            id="old programmes may still be alike",
        ),
        pytest.param(
            Profile(programme_type=ProgrammeType.REGIONALT, municipalities=2),
            REGION,
            {Trait.TYPE},
            {Trait.SIZE},
            False,
            id="two municipalities are not six",
        ),
        pytest.param(
            Profile(programme_type=ProgrammeType.REGIONALT, years=3, municipalities=6),
            UNKNOWN,
            set(),
            set(),
            False,
            id="what nobody told is neither",
        ),
        pytest.param(Profile(), REGION, set(), set(), False, id="nothing told"),
    ],
)
def test_facts_agree_or_differ_where_both_are_known(profile, programme, same, differing, is_like):
    found = compare(profile, programme)

    assert set(found.same) == same
    assert set(found.differing) == differing
    assert found.is_like is is_like


def test_things_are_split_by_their_programme_and_keep_their_order():
    profile = Profile(programme_type=ProgrammeType.REGIONALT)
    things = [("a", TOWN), ("b", REGION), ("c", UNKNOWN), ("d", REGION)]

    alike, others = split(profile, things, lambda thing: thing[1])

    assert [name for name, _ in alike] == ["b", "d"]
    assert [name for name, _ in others] == ["a", "c"]
    assert split(Profile(), things, lambda thing: thing[1]) == ((), tuple(things))


def test_only_type_size_and_length_can_be_compared_by():
    assert can_compare(Profile(municipalities=3))
    assert not can_compare(Profile(phase=Phase.STRATEGI, start=Month(2026, 1)))


def test_a_phase_that_is_told_goes_before_what_the_months_say():
    started = Profile(start=Month(2026, 1), years=3)

    assert started.phase_at(Month(2026, 5)) is Phase.GJENNOMFORING
    told = Profile(phase=Phase.AVSLUTNING, start=Month(2026, 1))
    assert told.phase_at(Month(2026, 5)) is Phase.AVSLUTNING
    assert Profile(years=3).phase_at(Month(2026, 5)) is None


@pytest.mark.parametrize("wrong", [{"years": 0}, {"years": 40}, {"municipalities": 0}])
def test_an_impossible_programme_cannot_be_told(wrong: dict[str, int]):
    with pytest.raises(ValueError, match="is no"):
        Profile(**wrong)
