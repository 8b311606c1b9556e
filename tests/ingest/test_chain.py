"""File → lines → blocks on small whole reports, held still by golden files (``--golden``)."""

from pathlib import Path

import pytest

from ingest.layout import clean_lines
from ingest.pdf import Limits, read_document
from ingest.sections import split_sections
from ingest.types import Body
from kb.domain import quote_of
from tests.ingest.conftest import BOLD, Text, write_pdf

GOLDEN = Path(__file__).with_name("golden")

DUMP = """1. Innledning

Rapporten ser på arbeidet i Tenkevik fra 2016 til 2021, og den er skrevet for dem som skal i

gang med noe liknende et annet sted. Vi har snakket med nitten personer.

2. Erfaringer fra programmet i

kommunen

Styret fant formen sent. Vi vil særlig trekke fram:

Organisering:

• Styret hadde ni medlemmer, og det var to for mange. De som kom fra bedriftene, sluttet å

komme da møtene ble flyttet til dagtid.

• Programlederen satt alene. Da hun ble syk, stanset alt i elleve uker, og ingen andre visste

hvilke avtaler som var inngått:

o med bedriftene

o med kommunen

SLUTTRAPPORT FRA PROGRAMMET I TENKEVIK

2

3. Råd

1. Vær to fra første dag.

2. Legg møtene til kvelden når styret har folk fra små og mellomstore bedrifter i nærings-

og reiselivet.

Takk til alle som stilte opp.
"""

HEAD = "Nye Tenkevik – sluttrapport"


def a_body_page(number: int, *lines: Text) -> list[Text]:
    return [Text(HEAD, 70, 805, 8), *lines, Text(f"Side {number}", 280, 30, 9)]


PDF_PAGES = [
    [
        Text("Ett styre, to kommuner", 70, 600, 26, BOLD),
        Text("Sluttrapport fra Nye Tenkevik 2016–2021", 70, 560, 15),
        Text("Utarbeidet av: Bølgedal Analyse", 70, 120),
        Text("Mars 2022", 70, 80),
    ],
    a_body_page(
        2,
        Text("Innhold", 70, 760, 16, BOLD),
        Text("1 Bakgrunn ..................................... 3", 70, 730),
        Text("2 Lærdommer ................................... 4", 70, 712),
        Text("2.1 Styret ...................................... 4", 80, 694),
    ),
    a_body_page(
        3,
        Text("1 Bakgrunn", 70, 760, 16, BOLD),
        Text("Sagbruket i Tenkevik ble lagt ned i 2015, og nabokommunen mistet like", 70, 735),
        Text("mange arbeidsplasser. Derfor søkte de om å få omstillingsstatus sam-", 70, 720),
        Text("men, og det ble innvilget i 2016.", 70, 705),
        Text("Tabell 1: Nye arbeidsplasser", 70, 675, 9),
        Text("Kommune", 76, 657, 9, BOLD),
        Text("Mål", 200, 657, 9, BOLD),
        Text("Tenkevik", 76, 641, 9),
        Text("40", 200, 641, 9),
        Text("Skodde", 76, 625, 9),
        Text("25", 200, 625, 9),
        Text("To kommuner med ett styre gjorde det vanskelig å bli enige om hvem som", 70, 590),
    ),
    a_body_page(
        4,
        Text("skulle eie det som ble igjen da programmet var slutt.", 70, 760),
        Text("2 Lærdommer", 70, 725, 16, BOLD),
        Text("2.1 Styret", 70, 695, 13, BOLD),
        Text("Dette ville vi gjort annerledes:", 70, 672),
        Text("\u2022", 76, 650),
        Text("Avtal eierskapet før det første prosjektet får penger, og skriv det inn i", 90, 650),
        Text("tilsagnet.", 90, 635),
        Text("\u2022", 76, 615),
        Text("Ha faste møter sammen, også når det går godt.", 90, 615),
    ),
]


def shown(body: Body) -> str:
    """Return a body as text that reads well in a diff."""
    out = []
    for page in body.pages:
        out += [f"== page {page.number} {page.label or '-'} {page.problem or 'ok'}", page.text]
    for block in body.blocks:
        places = " ".join(f"{span.page}:{span.start}-{span.end}" for span in block.spans)
        out += [
            f"-- {block.role} {block.level} [{places}] {' > '.join(block.section)}",
            block.text if block.lead_in is None else f"({block.lead_in}) {block.text}",
        ]
    return "\n".join(out) + "\n"


@pytest.mark.parametrize(
    ("name", "file", "data"),
    [
        ("dump", "rapport.txt", DUMP.encode()),
        ("printed", "rapport.pdf", write_pdf(PDF_PAGES)),
    ],
)
def test_a_small_report_is_cut_up_as_before(request, tmp_path, name, file, data):
    path = tmp_path / file
    path.write_bytes(data)
    golden = GOLDEN / f"{name}.txt"

    body = split_sections(clean_lines(read_document(path, Limits())))

    texts = {page.number: page.text for page in body.pages}
    assert all(quote_of(block.spans, texts) == block.text for block in body.blocks)
    if request.config.getoption("--golden"):
        golden.write_text(shown(body), encoding="utf-8")
    assert shown(body) == golden.read_text(encoding="utf-8")
