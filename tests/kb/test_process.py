"""The process file loads, a slip in it is refused with its place, and its calendar is right."""

from pathlib import Path

import pytest

from kb.domain import Phase
from kb.errors import ProcessError
from kb.process import Basis, Calendar, Month, Process, load_process
from kb.taxonomy import load_taxonomy

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
TAXONOMY = load_taxonomy(CORPUS / "taxonomy.toml")
SHIPPED = "#" + (CORPUS / "process.toml").read_text(encoding="utf-8").partition("# ── Sources")[2]
"""Without the explanation on top, which names the same things."""


@pytest.fixture(scope="module")
def process() -> Process:
    return load_process(CORPUS / "process.toml", TAXONOMY)


def test_the_shipped_process_has_the_four_phases_each_with_steps_and_sources(process: Process):
    assert tuple(one.id for one in process.phases) == tuple(Phase)
    for phase in process.phases:
        assert phase.steps
        assert all(step.source in process.sources for step in phase.steps)


def test_every_source_is_used_and_every_event_of_the_process_has_one(process: Process):
    used = {one.source.id for phase in process.phases for one in (phase, *phase.steps)}
    used |= {role.source.id for role in process.roles}
    used |= {event.source.id for event in process.events if event.source}

    assert used == {one.id for one in process.sources}
    for event in process.events:
        assert (event.source is not None) == (event.basis is Basis.PROCESS)


def test_the_events_of_a_leader_are_there(process: Process):
    wanted = {"styreseminar", "introkurs-igjen", "programstatusvurdering", "rolleavklaring"}

    assert wanted | {"avslutning", "oppstart"} <= {event.id for event in process.events}
    assert process.event("programstatusvurdering").months == (10, 11)
    assert process.event("introkurs-igjen").after_start == (6, 12)
    assert process.event("avslutning").before_end == 24


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        pytest.param("[[source]]", "[source]]", "expected TOML", id="not TOML"),
        pytest.param(
            'source = "psv"\nphases',
            'source = "pvs"\nphases',
            "«programstatusvurdering»: source: expected one of om-omstilling",
            id="unknown source",
        ),
        pytest.param(
            'themes = ["planverk", "innretning", "maal", "portefolje"]',
            'themes = ["planverket"]',
            "«neste-handlingsplan»: themes: expected ids of taxonomy.toml",
            id="unknown theme",
        ),
        pytest.param(
            "months = [10, 11]",
            "months = [10, 13]",
            "months: expected months from 1 to 12",
            id="no such month",
        ),
        pytest.param(
            "after_start = [6, 12]",
            "after_start = [12, 6]",
            "after_start: expected two numbers of months",
            id="backwards",
        ),
        pytest.param(
            "before_end = 24",
            "before_end = 24\nmonths = [1]",
            "only one time for an event",
            id="two times",
        ),
        pytest.param(
            'id = "soknad"', 'id = "styreseminar"', "expected an id that stands once", id="id twice"
        ),
        pytest.param(
            'id = "avslutning"\nsource', 'id = "slutt"\nsource', "expected one of", id="no phase"
        ),
        pytest.param("before_end", "befor_end", "befor_end: expected one of id", id="misspelt"),
        pytest.param("read = 2026-11-24", "", "read: expected a date", id="no date"),
        pytest.param(
            'address = "https://', 'address = "http://', "begins with https", id="address"
        ),
        pytest.param(
            'basis = "evaluations"\nphases',
            'basis = "evaluations"\nsource = "psv"\nphases',
            "source: expected no source",
            id="evaluations with a source",
        ),
    ],
)
def test_a_slip_is_refused_with_its_place(tmp_path: Path, old: str, new: str, complaint: str):
    assert old in SHIPPED
    path = tmp_path / "process.toml"
    path.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ProcessError) as refused:
        load_process(path, TAXONOMY)

    assert "process.toml" in str(refused.value)
    assert complaint in str(refused.value)


def test_a_missing_file_is_a_wrong_file(tmp_path: Path):
    with pytest.raises(ProcessError, match="expected a file"):
        load_process(tmp_path / "process.toml", TAXONOMY)


@pytest.mark.parametrize(
    ("months", "expected"),
    [(0, Month(2026, 11)), (1, Month(2026, 12)), (2, Month(2027, 1)), (-11, Month(2025, 12))],
)
def test_months_are_counted_over_the_turn_of_the_year(months: int, expected: Month):
    assert Month(2026, 11).plus(months) == expected
    assert Month(2026, 11).until(expected) == months


def names(windows: object) -> list[str]:
    return [one.event.id for one in windows]


def test_what_is_at_hand_and_what_comes_next(process: Process):
    calendar = Calendar(start=Month(2026, 2), years=3)
    now = Month(2026, 11)

    assert names(calendar.now(process.events, now)) == [
        "programstatusvurdering",
        "styrevedtak",
        "introkurs-igjen",
    ]
    coming = calendar.next(process.events, now, 3)
    assert names(coming) == ["soknad", "handlingsplan-starter", "avslutning"]
    assert (coming[2].first, coming[2].last) == (Month(2027, 2), Month(2029, 1))


def test_exit_begins_two_years_before_the_end_and_not_before_the_start(process: Process):
    exit_event = process.event("avslutning")

    assert Calendar(start=Month(2025, 1), years=6).windows(exit_event)[0].first == Month(2029, 1)
    assert Calendar(start=Month(2025, 1), years=1).windows(exit_event)[0].first == Month(2025, 1)
    assert Calendar(start=Month(2025, 1), years=None).windows(exit_event) == ()


def test_what_comes_every_year_stays_inside_the_programme(process: Process):
    windows = Calendar(start=Month(2026, 12), years=2).windows(process.event("styrevedtak"))

    assert [one.first.year for one in windows] == [2026, 2027, 2028]
    assert Calendar(start=Month(2026, 2), years=2).next(process.events, Month(2028, 2), 9) == ()


@pytest.mark.parametrize(
    ("now", "phase"),
    [
        (Month(2026, 1), Phase.STRATEGI),
        (Month(2026, 2), Phase.GJENNOMFORING),
        (Month(2030, 1), Phase.GJENNOMFORING),
        (Month(2030, 2), Phase.AVSLUTNING),
        (Month(2032, 2), Phase.AVSLUTNING),
    ],
)
def test_the_months_tell_the_phase(now: Month, phase: Phase):
    assert Calendar(start=Month(2026, 2), years=6).phase(now) is phase


def test_a_short_programme_is_not_all_exit_and_one_without_end_never_is():
    short = Calendar(start=Month(2026, 2), years=3)

    assert short.phase(Month(2027, 7)) is Phase.GJENNOMFORING
    assert short.phase(Month(2027, 8)) is Phase.AVSLUTNING
    assert Calendar(start=Month(2010, 2), years=None).phase(Month(2027, 8)) is Phase.GJENNOMFORING
