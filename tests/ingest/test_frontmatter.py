"""What a report says about itself, and that nothing is said for it."""

import textwrap
import tomllib
from pathlib import Path

import pytest

from ingest.frontmatter import read_frontmatter
from ingest.layout import clean_lines
from ingest.sections import split_sections
from ingest.types import Frontmatter, RawDocument, RawLine
from kb.domain import ProgrammeType, ReportType
from tests.ingest.conftest import a_column, a_document, a_dump

BODY = (
    "Nye Tenkevik hadde et styre på sju. Nye Tenkevik delte ut midler hvert halvår, og det ga",
    "bedriftene ro. Navnet Nye Tenkevik ble godt kjent, og det ville ikke de fleste være uten.",
)


def front_of(document: RawDocument) -> Frontmatter:
    return read_frontmatter(document, split_sections(clean_lines(document)))


def a_report(
    *cover: str, title: str = "Fem år i Tenkevik", body: tuple[str, ...] = BODY
) -> RawDocument:
    lines = [
        RawLine(text=title, x=70, y=700, size=28),
        *a_column(*cover, top=600, step=40, size=14),
    ]
    return a_document(lines, a_column(*body), a_column("Slutt på rapporten her."))


def told_by(text: str) -> Frontmatter:
    return front_of(a_dump(f"1 Innledning\n{text}\n2 Mål\nMålet var å skape nye arbeidsplasser."))


def test_a_cover_tells_nearly_everything():
    front = front_of(
        a_report(
            "Sluttevaluering av Nye Tenkevik 2016–2021",
            "Oppdragsgiver: Tenkevik kommune",
            "Utarbeidet av: Bølgedal Analyse",
            "Mars 2022",
            "Oppdiktet eksempelrapport",
        )
    )

    assert front.title == "Fem år i Tenkevik"
    assert front.programme == "Nye Tenkevik"
    assert front.place == "Tenkevik"
    assert front.programme_type is ProgrammeType.ENKELTKOMMUNE
    assert front.report_type is ReportType.SLUTTEVALUERING
    assert (front.period_from, front.period_to, front.year) == (2016, 2021, 2022)
    assert (front.client, front.contractor) == ("Tenkevik kommune", "Bølgedal Analyse")
    assert front.note == "Oppdiktet eksempelrapport"
    assert front.language == "nb"


def test_a_note_that_runs_over_two_lines_of_the_cover_is_read_whole():
    cover = [
        RawLine(text="Fem år i Tenkevik", x=70, y=700, size=28, width=240),
        RawLine(text="Sluttevaluering 2016–2021", x=70, y=650, size=14, width=180),
        RawLine(
            text="Gjenfortelling: evalueringen av Nye Tenkevik fortalt på nytt av",
            x=85, y=560, size=11, is_bold=True, width=340,
        ),
        RawLine(text="Prosjektet", x=85, y=544.6, size=11, is_bold=True, width=55),
        RawLine(
            text="Fortalt med egne ord etter en rapport som andre har skrevet, og med deres",
            x=85, y=527.6, size=8.5, width=380,
        ),
        RawLine(text="samtykke.", x=85, y=515.2, size=8.5, width=45),
    ]  # fmt: skip

    front = front_of(a_document(cover, a_column(*BODY), a_column("Slutt på rapporten her.")))

    assert (
        front.note == "Gjenfortelling: evalueringen av Nye Tenkevik fortalt på nytt av Prosjektet"
    )


def test_every_value_names_its_source():
    front = front_of(a_report("Oppdragsgiver: Tenkevik kommune", "Mars 2022"))

    assert {"title", "client", "year", "place"} <= front.sources.keys()
    assert front.sources["year"].page == 1
    assert front.sources["client"].evidence == "Oppdragsgiver: Tenkevik kommune"


def test_what_is_not_said_is_none():
    front = front_of(a_dump("Styret møttes hver måned og delte ut midler i 2019."))

    assert front == Frontmatter(language=front.language)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Sluttevaluering", ReportType.SLUTTEVALUERING),
        ("Forenklet sluttevaluering", ReportType.FORENKLET_EVALUERING),
        ("Midtvegsevaluering", ReportType.MIDTVEISEVALUERING),
        ("Programstatusvurdering 2022", ReportType.PROGRAMSTATUSVURDERING),
        ("Sluttrapport fra styret", ReportType.SLUTTRAPPORT),
        ("Final evaluation", ReportType.SLUTTEVALUERING),
        ("En forstudie", ReportType.FORSTUDIE),
        ("Årsmelding", None),
    ],
)
def test_the_type_of_report(line, kind):
    assert front_of(a_report(line)).report_type is kind


@pytest.mark.parametrize(
    ("line", "year"),
    [
        ("Mars 2022", 2022),
        ("14. mars 2022", 2022),
        ("14.03.2022", 2022),
        ("Rapport 7/2021", 2021),
        ("Tall fra 2019 og 2020", None),
    ],
)
def test_the_year_of_the_report(line, year):
    assert front_of(a_report(line)).year == year


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("Programmet ble gjennomført i perioden 2016-2021.", (2016, 2021)),
        ("Programperiode: 1. januar 2024 – 31. desember 2028", (2024, 2028)),
        ("Omstillingsplanen 2022-24 hadde ett mål.", (2022, 2024)),
        ("Programmet kjøpte utstyr i 2016.", (None, None)),
        ("Perioden 1950–2020 var god for fisket.", (None, None)),
    ],
)
def test_the_period_of_the_programme(text, period):
    front = told_by(text)

    assert (front.period_from, front.period_to) == period


@pytest.mark.parametrize(
    ("text", "programme"),
    [
        ("Programmet fikk navnet Havna 2030 og varte i seks år.", "Havna 2030"),
        ("Programmet Framtid Tenkevik starta i januar.", "Framtid Tenkevik"),
        ("Lys i Dal er et regionalt omstillingsprogram. Lys i Dal gikk godt.", "Lys i Dal"),
        ("Omstillingsprogrammet i Tenkevik er nå avsluttet.", None),
    ],
)
def test_a_sentence_may_name_the_programme(text, programme):
    assert told_by(text).programme == programme


def test_those_who_only_helped_are_not_the_contractor():
    front = told_by(
        "Selskapet Fyrlykt ble engasjert da planen skulle lages. En forstudie ble gjort i"
        " regi av KPX. Rapporten er laget på oppdrag fra Innovasjon Norge."
    )

    assert front.contractor is None
    assert front.client == "Innovasjon Norge"


def test_a_name_that_may_be_a_person_is_not_taken():
    front = front_of(a_report("Utarbeidet av: Kari Tenkemo", "Oppdragsgiver: Ola Tenkemo"))

    assert (front.contractor, front.client) == (None, None)


def test_several_municipalities_make_a_regional_programme():
    front = told_by("Programmet omfattet kommunene Tenkevik, Drømvik og Skodde i fem år.")

    assert front.programme_type is ProgrammeType.REGIONALT


def test_kommunene_in_a_sentence_is_no_list_of_municipalities():
    assert told_by("Arbeidet i kommunene gikk fint og ga resultater.").programme_type is None


def test_the_title_of_a_dump_is_its_running_head_in_sentence_case():
    document = a_dump(
        "1. Innledning\nProgrammet i Tenkevik er avsluttet, og alle i Tenkevik vet det.\n"
        "SLUTTEVALUERING OMSTILLINGSPROGRAMMET I TENKEVIK\n3\n2. Mål\nMålet var arbeid."
    )

    front = front_of(document)

    assert front.title == "Sluttevaluering omstillingsprogrammet i Tenkevik"
    assert front.place == "Tenkevik"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Styret var ikke fornøyd, men de visste hva som måtte til.", "nb"),
        ("Styret var ikkje nøgd, men dei visste kva som måtte til og korleis.", "nn"),
        ("The board was not pleased, but they knew which way to go and that helped.", "en"),
    ],
)
def test_the_language_is_told_by_small_words(text, language):
    assert told_by(text).language == language


# --- openings of many houses ----------------------------------------------------------------------

OPENINGS = tomllib.loads(Path(__file__).with_name("openings.toml").read_text(encoding="utf-8"))[
    "opening"
]
FIELDS = (
    *("title", "programme", "place", "programme_type", "report_type", "period", "year"),
    *("client", "contractor"),
)
PEOPLE = ("Nordbø", "Sjøvold", "Hegge", "Lindvik", "Myrli", "Stokke", "Brekke", "Vold", "Marsh")


def set_on_paper(text: str) -> RawDocument:
    """Lay an opening out as its markup says."""
    pages = []
    for page in text.strip("\n").split("\n---\n"):
        lines, y = [], 790.0
        for raw in page.split("\n"):
            mark, _, rest = raw.partition(" ")
            if mark == ">":
                lines.append(RawLine(text=rest, x=70, y=815, size=9, width=len(rest) * 4))
                continue
            size = {"#": 26.0, "##": 15.0}.get(mark, 11.0)
            shown = rest if size > 11 else raw
            for piece in textwrap.wrap(shown, 85 if size == 11 else 60):
                lines.append(
                    RawLine(text=piece, x=70, y=y, size=size, width=len(piece) * size / 2.1)
                )
                y -= size * 1.35
            y -= 14 if not raw.strip() else size * 0.6 if size > 11 else 0
        pages.append(lines)
    return a_document(*pages)


def said_by(front: Frontmatter) -> dict[str, object]:
    values = {name: getattr(front, name) for name in FIELDS if name != "period"}
    values["period"] = f"{front.period_from}–{front.period_to}" if front.period_from else None
    return {name: value for name, value in values.items() if value is not None}


@pytest.fixture(scope="module")
def read_openings():
    return [(one, front_of(set_on_paper(one["text"]))) for one in OPENINGS]


def test_openings_of_many_houses_are_read_rightly_or_not_at_all(read_openings):
    """Of what is said 95 % is found, of what is shown at most 5 % is wrong; as in the module."""
    right = wrong = said = 0
    faults = []
    for opening, front in read_openings:
        found = said_by(front)
        said += len(opening["expected"])
        for name, value in found.items():
            if value == opening["expected"].get(name):
                right += 1
            else:
                wrong += 1
                faults.append((opening["id"], name, value))

    assert len({opening["id"] for opening, _ in read_openings}) >= 25
    assert right / said >= 0.95, faults
    assert wrong / (right + wrong) <= 0.02, faults


@pytest.mark.parametrize("name", ["programme", "contractor"])
def test_the_hard_ones_are_never_guessed(read_openings, name):
    for opening, front in read_openings:
        value = getattr(front, name)
        assert value in (None, opening["expected"].get(name)), opening["id"]


def test_no_name_of_a_person_is_kept(read_openings):
    for opening, front in read_openings:
        offered = [one for own in front.offered.values() for one in own]
        for kept in [*front.sources.values(), *offered]:
            text = f"{kept.value} {kept.evidence}"
            assert not any(name in text for name in PEOPLE), (opening["id"], text)


def test_two_names_as_likely_as_each_other_are_offered_and_none_is_taken():
    front = told_by(
        "Programmet fikk navnet Lys i Vika. Lys i Vika varte lenge. Andre sier at programmet "
        "fikk navnet Vekst i Vika. Vekst i Vika varte lenge."
    )

    assert front.programme is None
    assert {one.value for one in front.offered["programme"]} == {"Lys i Vika", "Vekst i Vika"}
    assert all(one.page == 1 and one.value in one.evidence for one in front.offered["programme"])


def test_at_most_three_are_offered_the_chosen_one_first(read_openings):
    for _, front in read_openings:
        for name, offered in front.offered.items():
            assert 1 <= len(offered) <= 3
            if name in front.sources:
                assert offered[0] == front.sources[name]


# ---- how large the programme is


def sizes(front: Frontmatter) -> tuple[int | None, int | None, str | None]:
    return front.municipalities, front.inhabitants, front.budget


def test_a_fact_box_tells_how_large_the_programme_is():
    front = told_by(
        "Område: Tenkevik kommune, 4 350 innbyggere ved starten\n"
        "Program: Nye Tenkevik\n"
        "Ramme: 38,5 millioner kroner, hvorav kommunen betalte 9,5\n"
        "Tenkevik kommune er en kystkommune."
    )

    assert sizes(front) == (1, 4350, "38,5 millioner kroner")
    assert "4 350 innbyggere" in front.sources["inhabitants"].evidence
    assert front.sources["budget"].page == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            (
                "Programmet er et samarbeid mellom fire kommuner med til sammen 18 200 innbyggere. "
                "Den samlede rammen var 52 mill. kroner."
            ),
            (4, 18200, "52 mill. kroner"),
        ),
        (
            (
                "Dei tre kommunane gjekk saman om programmet. Programmet hadde eit budsjett på 7,5 "
                "millionar kroner i året."
            ),
            (3, None, "7,5 millionar kroner i året"),
        ),
        (
            (
                "The programme is shared by the municipalities of Fjordby, Sandnes and Holm. It "
                "had a total budget of NOK 30 million."
            ),
            (3, None, "NOK 30 million"),
        ),
    ],
)
def test_sentences_tell_how_large_a_regional_programme_is(text: str, expected: tuple):
    assert sizes(told_by(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Tenkevik kommune mistet 300 innbyggere. Prosjektet hadde en ramme på 4 millioner kroner.",
        "Programmet ga 2 millioner kroner til fondet. Bedriften fikk 3 millioner kroner.",
        "To av kommunene i regionen trakk seg. Området hadde en ramme på 12 millioner kroner.",
    ],
)
def test_what_is_said_of_something_else_is_not_the_programme_s_size(text: str):
    front = told_by(text)

    assert front.municipalities in {None, 1}
    assert (front.inhabitants, front.budget) == (None, None)


def test_numbers_of_several_municipalities_are_offered_and_not_added_up():
    front = told_by(
        "Type: regionalt program, to kommuner\n"
        "Grånes har 6 900 innbyggere. Rismo har 3 150 innbyggere. Begge mistet en hjørnestein."
    )

    assert front.municipalities == 2
    assert front.inhabitants is None
    assert [one.value for one in front.offered["inhabitants"]] == ["6900", "3150"]


def test_a_report_about_several_programmes_has_no_size_and_no_programme():
    front = front_of(
        a_report(
            "En sammenstilling av omstillingsprogrammene i Tenkevik og Rismo",
            title="To år, to steder",
            body=(
                "Tenkevik er et samarbeid mellom fire kommuner med til sammen 11 600 innbyggere.",
            ),
        )
    )

    assert front.report_type is ReportType.SYNTESE
    assert (front.programme, *sizes(front)) == (None, None, None, None)


@pytest.mark.parametrize(
    ("line", "contractor"),
    [
        ("Utarbeidet av: Elvedal kommunerevisjon IKS", "Elvedal kommunerevisjon IKS"),
        ("Utarbeidet av: Programkontoret for Vekst i vest", "Programkontoret for Vekst i vest"),
    ],
)
def test_the_maker_s_name_is_read_whole(line: str, contractor: str):
    assert front_of(a_report(line, "Mars 2022")).contractor == contractor


def test_a_line_of_the_contents_is_no_value_of_a_label():
    front = told_by(
        "Utarbeidet av\nIndustrien: fra én kunde til mange .......... 4\nNye Tenkevik startet."
    )

    assert front.contractor is None
