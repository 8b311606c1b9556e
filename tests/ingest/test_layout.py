"""Clean lines: what is taken away, what each line is said to be, and where blocks begin."""

from dataclasses import replace

import pytest

from ingest.layout import clean_lines
from ingest.types import RawDocument, RawLine, Role
from tests.ingest.conftest import a_column, a_document, a_dump

FILLER = (
    "Programmet i Tenkevik hadde tre innsatsområder, og styret fordelte midlene mellom dem",
    "hvert halvår etter en samtale med kommunene og næringslivet om hva som virket best av",
    "det som var satt i gang.",
)


def filler(letter: str) -> list[str]:
    return [
        f"{text[:-1]}{letter}." if text is FILLER[-1] else f"{letter}{text[1:]}" for text in FILLER
    ]


def texts(document: RawDocument, role: Role | None = None) -> list[str]:
    lines = clean_lines(document).lines
    return [
        line.text for line in lines if role is None or (line.role is role and not line.is_apart)
    ]


def headings(document: RawDocument) -> list[tuple[int, str]]:
    lines = clean_lines(document).lines
    return [(line.level, line.text) for line in lines if line.role is Role.HEADING]


def blocks(document: RawDocument) -> list[str]:
    out: list[str] = []
    for line in clean_lines(document).lines:
        if line.starts_block:
            out.append(line.text)
        else:
            out[-1] += " " + line.text
    return out


def a_page(number: int, *texts: str, head: str = "", foot: str = "{}") -> list[RawLine]:
    lines = a_column(*texts)
    if head:
        lines.insert(0, RawLine(text=head.format(number), x=70, y=805, size=8))
    return [*lines, RawLine(text=foot.format(number), x=290, y=30, size=9)]


# ------------------------------------------------------------------------------- running heads


@pytest.mark.parametrize(
    ("head", "foot"),
    [
        ("Sluttevaluering av Nye Tenkevik", "{}"),
        ("Nye Tenkevik {}", "Side {} av 6"),
        ("{} NYE TENKEVIK", "– {} –"),
        ("Page {}Tenkevik Forward", "Havskilje 2021"),
    ],
)
def test_running_heads_and_page_numbers_go_and_the_text_stays(head, foot):
    pages = [
        a_page(number, f"Avsnitt {letter} om styret.", *filler(letter), head=head, foot=foot)
        for number, letter in enumerate("abcdef", start=1)
    ]

    left = texts(a_document(*pages))

    assert len(left) == 6 * 4
    assert {f"Avsnitt {letter} om styret." for letter in "abcdef"} < set(left)


def test_what_a_tagged_file_calls_an_artifact_goes():
    lines = [replace(a_column("Konfidensielt")[0], is_artifact=True), *a_column(*FILLER)]

    assert texts(a_document(lines)) == list(FILLER)


def test_the_head_of_a_dump_goes_with_its_page_number():
    document = a_dump(
        "1. Innledning\n"
        + "\n".join(FILLER)
        + "\nSLUTTEVALUERING AV NYE TENKEVIK\n4\n2. Mål\nMålet var 40 nye arbeidsplasser."
    )

    left = texts(document)

    assert "4" not in left
    assert not any("SLUTT" in text for text in left)
    assert "Målet var 40 nye arbeidsplasser." in left


def test_a_number_in_a_table_of_a_dump_is_no_page_number():
    document = a_dump("\n".join([*FILLER, "Nye", "12", "Sikrede", "7", *FILLER]))

    assert {"12", "7"} < set(texts(document))


# ----------------------------------------------------------------------------- contents, cover


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param(["1 Innledning ........ 3", "2 Mål ....... 4", "3 Råd . . . . 5"], id="dots"),
        pytest.param(["1 Innledning 3", "2 Mål 4", "3 Råd 5"], id="numbers"),
        pytest.param(["1 Innledning", "2 Mål", "3 Råd"], id="links without numbers"),
    ],
)
def test_the_contents_stand_apart_and_their_headings_are_found(entries):
    document = a_dump(
        "\n".join(
            ["Innhold", *entries, "1 Innledning", *FILLER, "2 Mål", *FILLER, "3 Råd", *FILLER]
        )
    )

    lines = clean_lines(document).lines

    assert [line.text for line in lines if line.is_apart] == ["Innhold", *entries]
    assert headings(document) == [(1, "1 Innledning"), (1, "2 Mål"), (1, "3 Råd")]


def test_a_first_page_with_little_on_it_is_a_cover():
    cover = a_column("Sluttevaluering av", "Nye Tenkevik", size=28, step=34)

    lines = clean_lines(a_document(cover, a_column(*filler("A")), a_column(*filler("B")))).lines

    assert [line.is_apart for line in lines[:3]] == [True, True, False]
    assert [line.starts_block for line in lines[:2]] == [True, False]


# ------------------------------------------------------------------------------------ headings


def test_headings_come_from_the_structure_tree_first():
    body = a_column(*FILLER)
    tagged = [
        replace(line, tag=("Document", role), mcid=block)
        for line, role, block in zip(
            a_column("Hva vi", "lærte", "Styret", "Råd"),
            ["H1", "H1", "H2", "H1"],
            [1, 1, 2, 3],
            strict=True,
        )
    ]

    found = [
        (line.level, line.text, line.starts_block)
        for line in clean_lines(a_document([*tagged, *body])).lines
        if line.role is Role.HEADING
    ]

    assert found == [
        (1, "Hva vi", True),
        (1, "lærte", False),
        (2, "Styret", True),
        (1, "Råd", True),
    ]


def test_unnumbered_headings_are_told_by_their_type():
    lines = [
        *a_column("Da fabrikken stoppet", size=18, top=780),
        *a_column(*FILLER, top=745),
        *[replace(line, is_bold=True) for line in a_column("Styret", top=685)],
        *a_column(*FILLER, top=665),
        *[replace(line, is_bold=True) for line in a_column("Kontoret", top=605)],
        *a_column(*FILLER, top=585),
    ]

    assert headings(a_document(lines)) == [
        (1, "Da fabrikken stoppet"),
        (2, "Styret"),
        (2, "Kontoret"),
    ]


def test_numbers_without_type_need_a_plausible_order():
    document = a_dump(
        "\n".join(
            [
                "1 Innledning",
                *FILLER,
                "14 Bedrifter svarte på undersøkelsen",
                *FILLER,
                "1.1 Bakgrunn",
                *FILLER,
                "2 Organisering og",
                "styring",
                *FILLER,
            ]
        )
    )

    assert headings(document) == [
        (1, "1 Innledning"),
        (2, "1.1 Bakgrunn"),
        (1, "2 Organisering og"),
        (1, "styring"),
    ]


def test_a_word_with_a_colon_alone_on_its_line_is_a_subhead():
    document = a_dump(
        "\n".join(
            ["1 Vurdering", *FILLER, "Måloppnåelse:", "• 12 nye arbeidsplasser", "• Godt samspill"]
        )
    )

    assert headings(document) == [(1, "1 Vurdering"), (2, "Måloppnåelse:")]


def test_a_sentence_with_a_colon_leads_in_a_list_and_is_no_heading():
    document = a_dump("\n".join(["1 Vurdering", *FILLER, "Vi vil trekke fram:", "• Godt samspill"]))

    assert headings(document) == [(1, "1 Vurdering")]


# ------------------------------------------------------------------------------- bullets, tables


@pytest.mark.parametrize("glyph", ["•", "▪", "◦", "·", "o", "➢"])
def test_the_glyph_is_taken_off(glyph):
    document = a_dump("\n".join([*FILLER, f"{glyph} Hold styret lite", f"{glyph} Vær to"]))

    assert texts(document, Role.BULLET) == ["Hold styret lite", "Vær to"]


def test_a_dash_that_stands_alone_on_a_page_is_a_remark_and_no_bullet():
    assert texts(a_dump("– Vi visste ikke hva vi gikk til."), Role.BULLET) == []


def test_glyphs_that_the_file_keeps_apart_find_their_lines():
    items = a_column("Hold styret lite", "Vær to", x=90, top=500)
    glyphs = [RawLine(text="•", x=76, y=line.y, size=11) for line in items]

    assert texts(a_document([*a_column(*FILLER), *items, *glyphs]), Role.BULLET) == [
        "Hold styret lite",
        "Vær to",
    ]


def test_items_without_a_glyph_are_told_by_their_tags():
    tag = ("Document", "L", "LI", "LBody")
    items = [
        replace(line, tag=tag, mcid=block)
        for line, block in zip(a_column("Hold styret", "lite", "Vær to"), [4, 4, 5], strict=True)
    ]

    found = clean_lines(a_document(items)).lines

    assert [(line.role, line.level, line.starts_block) for line in found] == [
        (Role.BULLET, 1, True),
        (Role.BULLET, 1, False),
        (Role.BULLET, 1, True),
    ]


def test_numbers_that_follow_each_other_are_a_list():
    document = a_dump(
        "\n".join(["1 Råd", *FILLER, "1. Hold styret lite.", "2. Vær to.", "3. Skriv det ned."])
    )

    assert texts(document, Role.BULLET) == ["Hold styret lite.", "Vær to.", "Skriv det ned."]


def test_bullets_within_bullets_have_a_level():
    document = a_dump("\n".join([*FILLER, "• Intervjuer", "o styret", "o bedrifter", "• Regnskap"]))

    levels = [line.level for line in clean_lines(document).lines if line.role is Role.BULLET]

    assert levels == [1, 2, 2, 1]


def test_the_cells_of_a_table_row_stay_together():
    caption = a_column("Tabell 1: Nye arbeidsplasser", top=700, size=10)
    cells = [
        RawLine(text=text, x=x, y=y, size=9)
        for y, row in ((680, ("Havbruk", "37", "–")), (660, ("Reiseliv", "6", "4")))
        for x, text in zip((76, 200, 300), row, strict=True)
    ]
    document = a_document([*a_column(*FILLER), *caption, *cells, *a_column(*FILLER, top=620)])

    assert texts(document, Role.CAPTION) == ["Tabell 1: Nye arbeidsplasser"]
    assert texts(document, Role.TABLE_ROW) == ["Havbruk 37 –", "Reiseliv 6 4"]


def test_a_sentence_about_a_table_is_no_caption():
    document = a_dump("\n".join([*FILLER, "Tabell 1 viser hvordan midlene ble brukt."]))

    assert texts(document, Role.CAPTION) == []


def test_footnotes_stand_behind_the_text_of_their_page_and_their_marks_go():
    text = a_column("Beløpet gjelder alle år.1", "Det ble ikke justert.")
    note = a_column("1 Tallene er i løpende kroner.", top=80, size=8)
    document = a_document([text[0], *note, text[1]], a_column(*FILLER, *filler("E")))

    lines = [line for line in clean_lines(document).lines if line.page == 1]

    assert [(line.role, line.text) for line in lines] == [
        (Role.PARAGRAPH, "Beløpet gjelder alle år."),
        (Role.PARAGRAPH, "Det ble ikke justert."),
        (Role.FOOTNOTE, "1 Tallene er i løpende kroner."),
    ]


# -------------------------------------------------------------------------------------- blocks


def test_an_item_ends_where_the_next_word_would_have_fitted():
    document = a_dump(
        "\n".join(
            [
                *FILLER,
                "• Styret bør være lite og ha flertall fra næringslivet i de",
                "tre kommunene",
                *FILLER,
            ]
        )
    )

    assert "Styret bør være lite og ha flertall fra næringslivet i de tre kommunene" in blocks(
        document
    )


def test_a_wider_gap_begins_a_paragraph():
    first, second = a_column(*FILLER), a_column(*FILLER, top=690)

    assert blocks(a_document([*first, *second])) == [" ".join(FILLER)] * 2


def test_a_paragraph_goes_on_over_the_page_break_when_it_has_not_ended():
    document = a_document(a_column(*FILLER[:2]), a_column(FILLER[2]))

    assert blocks(document) == [" ".join(FILLER)]


def test_an_indent_begins_a_paragraph():
    lines = a_column(*FILLER, *FILLER)
    lines[2] = replace(lines[2], text=FILLER[1].removesuffix(" av") + ".")
    lines[3] = replace(lines[3], x=86)

    assert len(blocks(a_document(lines))) == 2


def test_two_columns_drawn_across_are_read_one_after_the_other():
    left = a_column(*[f"venstre {n} med litt mer tekst" for n in range(12)], x=60)
    right = a_column(*[f"høyre {n} med litt mer tekst" for n in range(12)], x=310)
    across = [line for pair in zip(left, right, strict=True) for line in pair]
    across = [replace(line, y=line.y - 4 * (line.x > 300)) for line in across]

    found = texts(a_document(across))

    assert found == [line.text for line in left] + [line.text for line in right]


def test_a_document_without_lines_gives_none():
    assert clean_lines(a_document([])).lines == ()


# ------------------------------------------------------------------------- beside the text


def test_a_note_in_the_margin_stands_between_two_blocks():
    first, second = a_column(*FILLER, top=760), a_column(*FILLER, top=700)
    note = a_column("Se også råd", "til andre", x=480, top=745, size=8)
    document = a_document([*first[:2], *note, *first[2:], *second], a_column(*filler("E")))

    assert blocks(document)[:3] == [" ".join(FILLER), "Se også råd til andre", " ".join(FILLER)]


def test_a_note_beside_a_paragraph_that_runs_over_the_page_does_not_cut_it():
    open_lines = a_column(*FILLER[:2], top=300)
    note = a_column("Se også råd", "til andre", x=480, top=295, size=8)
    document = a_document([*a_column(*FILLER), *open_lines, *note], a_column(FILLER[2]))

    assert " ".join(FILLER) in blocks(document)[1:]


def test_heads_that_change_are_told_by_the_number_they_hold():
    heads = ["2 Bakgrunn", "Styret 3", "4 Midlene", "Råd til andre 5"]
    pages = [
        [RawLine(text=head, x=70, y=812, size=8), *a_column(*filler(head[-1]))] for head in heads
    ]

    found = texts(a_document(a_column("Rapport"), *pages))

    assert not set(heads) & set(found)
    assert len(found) == 1 + sum(len(page) - 1 for page in pages)


def test_numbers_at_the_foot_of_a_table_are_no_page_numbers():
    rows = [RawLine(text=str(10 * n), x=70, y=700 - 15 * n, size=11) for n in range(5)]

    found = texts(a_document(*[[*a_column(*filler("A")), *rows]] * 6))

    assert found.count("40") == 6
