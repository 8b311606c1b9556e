"""Blocks and page texts: they can never disagree, and nothing that was read is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sections import split_sections
from ingest.types import Body, Layout, Line, RawPage, Role
from kb.domain import quote_of
from kb.text import key


def body_of(*lines: Line, pages: int = 3) -> Body:
    blank = tuple(
        RawPage(number=number, label=str(number), width=0, height=0, lines=())
        for number in range(1, pages + 1)
    )
    return split_sections(Layout(pages=blank, lines=lines))


def a_line(
    text: str, role: Role = Role.PARAGRAPH, *, page: int = 1, level: int = 0, goes_on: bool = False
) -> Line:
    return Line(page=page, text=text, role=role, level=level, starts_block=not goes_on)


def two_lines(first: str, second: str, *others: str) -> str:
    extra = [a_line(text) for text in others]
    body = body_of(a_line(first), a_line(second, goes_on=True), *extra)
    return body.blocks[0].text


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("styret og", "kommunene", "styret og kommunene"),
        ("omstil\u00ad", "lingen gikk", "omstillingen gikk"),
        ("nærings-", "og kulturliv", "nærings- og kulturliv"),
        ("nærings\u00ad", "og kulturliv", "nærings- og kulturliv"),
        ("SMB-", "utvikling", "SMB-utvikling"),
        ("tall fra a-", "meldingen", "tall fra a-meldingen"),
        ("perioden 2016–", "2021 og", "perioden 2016– 2021 og"),
        ("under-", "Norge", "under- Norge"),
        ("slutt\u00ad", "", "slutt-"),
    ],
)
def test_lines_are_joined(first, second, expected):
    assert two_lines(first, second) == expected


def test_words_elsewhere_in_the_report_decide_about_a_hyphen():
    assert two_lines("et under-", "utvalg", "Et underutvalg ble satt ned.") == "et underutvalg"
    assert (
        two_lines("en bo-", "attraktivitet", "God bo-attraktivitet er viktig.")
        == "en bo-attraktivitet"
    )


def test_a_report_that_breaks_its_words_breaks_the_unknown_ones_too():
    broken = [text for n in range(4) for text in (f"styre{n} omstil-", "lingen")]
    lines = [a_line(text, goes_on=bool(index % 2)) for index, text in enumerate(broken)]

    blocks = body_of(*lines, a_line("nytt arbeids-"), a_line("liv", goes_on=True)).blocks

    assert blocks[-1].text == "nytt arbeidsliv"


def test_a_block_over_a_page_break_has_a_span_on_either_page():
    body = body_of(a_line("Styret møttes"), a_line("hver måned.", page=2, goes_on=True))

    (block,) = body.blocks

    assert [span.page for span in block.spans] == [1, 2]
    assert [page.text for page in body.pages] == ["Styret møttes", "hver måned.", ""]


def test_a_word_broken_over_a_page_break_is_kept_on_the_first_page():
    body = body_of(a_line("om omstil\u00ad"), a_line("lingen i dalen", page=2, goes_on=True))

    assert [page.text for page in body.pages[:2]] == ["om omstillingen", "i dalen"]
    assert body.blocks[0].text == "om omstillingen i dalen"


def test_a_word_that_is_all_of_the_second_part_leaves_one_span():
    body = body_of(a_line("om omstil\u00ad"), a_line("lingen.", page=2, goes_on=True))

    assert [span.page for span in body.blocks[0].spans] == [1]


def test_a_note_in_between_does_not_cut_a_block_in_two():
    body = body_of(
        a_line("Styret møttes"),
        a_line("1 I løpende kroner.", Role.FOOTNOTE),
        a_line("hver måned.", page=2, goes_on=True),
    )

    assert [block.text for block in body.blocks] == [
        "Styret møttes hver måned.",
        "1 I løpende kroner.",
    ]


def test_a_block_knows_the_headings_above_it():
    body = body_of(
        a_line("4 Organisering", Role.HEADING, level=1),
        a_line("4.1 Styret", Role.HEADING, level=2),
        a_line("Måloppnåelse:", Role.HEADING, level=3),
        a_line("Styret var lite."),
        a_line("5 Råd", Role.HEADING, level=1),
        a_line("Vær to."),
    )

    assert [block.section for block in body.blocks] == [
        ("4 Organisering",),
        ("4 Organisering", "4.1 Styret"),
        ("4 Organisering", "4.1 Styret", "Måloppnåelse"),
        ("4 Organisering", "4.1 Styret", "Måloppnåelse"),
        ("5 Råd",),
        ("5 Råd",),
    ]


def test_bullets_know_the_sentence_that_leads_them_in():
    body = body_of(
        a_line("Styret var lite. Vi vil trekke fram:"),
        a_line("Innretning:", Role.HEADING, level=3),
        a_line("Midlene ble delt slik:", Role.BULLET, level=1),
        a_line("halvparten til bedrifter", Role.BULLET, level=2),
        a_line("Styret møttes ofte.", Role.BULLET, level=1),
        a_line("Dette er alt."),
        a_line("Løst punkt", Role.BULLET, level=1),
    )

    lead_ins = [block.lead_in for block in body.blocks if block.role is Role.BULLET]

    assert lead_ins == [
        "Vi vil trekke fram:",
        "Midlene ble delt slik:",
        "Vi vil trekke fram:",
        None,
    ]


def test_lines_set_apart_are_in_the_page_text_and_give_no_block():
    cover = Line(page=1, text="Nye Tenkevik", role=Role.PARAGRAPH, starts_block=True, is_apart=True)

    body = body_of(cover, a_line("Styret møttes.", page=2))

    assert body.pages[0].text == "Nye Tenkevik"
    assert [block.text for block in body.blocks] == ["Styret møttes."]


def test_a_page_keeps_its_label_and_its_problem():
    pages = (RawPage(number=1, label="ii", width=0, height=0, lines=(), problem="no-text"),)

    (page,) = split_sections(Layout(pages=pages, lines=())).pages

    assert (page.label, page.problem, page.text) == ("ii", "no-text", "")


words_of_a_line = st.lists(
    st.sampled_from(["styret", "Tenkevik", "omstil\u00ad", "nærings-", "og", "2021.", "å", "«vi»"]),
    min_size=0,
    max_size=4,
).map(" ".join)
any_line = st.builds(
    Line,
    page=st.integers(1, 3),
    text=st.one_of(words_of_a_line, st.text(max_size=12)),
    role=st.sampled_from(Role),
    level=st.integers(0, 3),
    starts_block=st.booleans(),
    is_apart=st.booleans(),
)


@given(st.lists(any_line, max_size=25))
def test_every_block_can_be_looked_up_again(lines):
    body = body_of(*sorted(lines, key=lambda line: line.page))

    texts = {page.number: page.text for page in body.pages}
    for block in body.blocks:
        assert quote_of(block.spans, texts) == block.text


@given(st.lists(any_line, max_size=25))
def test_no_letter_is_lost(lines):
    lines = sorted(lines, key=lambda line: line.page)

    kept = "".join(page.text for page in body_of(*lines).pages)

    assert sorted(key(kept)) == sorted(key(" ".join(line.text for line in lines)))
