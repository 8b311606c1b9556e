"""Phrases, exclusions and fields are read as they are written; everything else is words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.question import Field, FieldTerm, ParsedQuestion, parse, write


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("", ParsedQuestion(), id="nothing"),
        pytest.param(
            "Hva lærte styret?", ParsedQuestion(words="Hva lærte styret?"), id="plain words"
        ),
        pytest.param(
            'om "SMB-utvikling" nå',
            ParsedQuestion(words="om nå", phrases=("SMB-utvikling",)),
            id="phrase",
        ),
        *(
            pytest.param(
                f"{opening}ny havn{closing}", ParsedQuestion(phrases=("ny havn",)), id=opening
            )
            for opening, closing in ("«»", "“”", "„“", "””", '""')
        ),
        pytest.param(
            'kai -havn -"ny vei"',
            ParsedQuestion(words="kai", excluded_words=("havn",), excluded_phrases=("ny vei",)),
            id="exclusions",
        ),
        pytest.param("SMB-utvikling", ParsedQuestion(words="SMB-utvikling"), id="hyphen inside"),
        pytest.param("før - etter", ParsedQuestion(words="før - etter"), id="dash alone"),
        pytest.param("2015 -2020", ParsedQuestion(words="2015 -2020"), id="a number is kept"),
        pytest.param('han sa "nei', ParsedQuestion(words="han sa nei"), id="quote left open"),
        pytest.param(
            "år:2015-2020 PROGRAM:hallingdal",
            ParsedQuestion(
                fields=(
                    FieldTerm(field=Field.YEAR, value="2015-2020"),
                    FieldTerm(field=Field.PROGRAMME, value="hallingdal"),
                )
            ),
            id="fields",
        ),
        pytest.param(
            'tema:"ny næring", -fase:strategi',
            ParsedQuestion(
                words=",",
                fields=(
                    FieldTerm(field=Field.THEME, value="ny næring"),
                    FieldTerm(field=Field.PHASE, value="strategi", is_excluded=True),
                ),
            ),
            id="field with blanks, field excluded",
        ),
        pytest.param("tema: styre", ParsedQuestion(words="tema: styre"), id="field without value"),
        pytest.param(
            "xyz:styre", ParsedQuestion(words="xyz:styre", unknown_fields=("xyz",)), id="no field"
        ),
        pytest.param(
            "kl. 12:30 http://a.no",
            ParsedQuestion(words="kl. 12:30 http://a.no"),
            id="a clock and an address are no fields",
        ),
    ],
)
def test_a_question_is_taken_apart(text: str, wanted: ParsedQuestion) -> None:
    assert parse(text) == wanted


def test_the_words_of_a_phrase_are_searched_for_too() -> None:
    assert parse('hvordan lykkes med "ny havn" -vei år:2019').text == "hvordan lykkes med ny havn"


_PIECES = [
    "tema:",
    "år:2015-2020",
    "-",
    "−",
    '"',
    "«",
    "»",
    "styret",
    "program:",
    "xyz:a",
    " ",
    ":",
]
_TEXT = st.one_of(
    st.text(max_size=40),
    st.text(alphabet='ab- "–«»:,.?!\n2æ“”()é_', max_size=30),
    st.lists(st.sampled_from(_PIECES), max_size=9).map("".join),
)


@given(_TEXT)
@settings(max_examples=600, deadline=None)
def test_any_text_is_read_and_what_is_written_of_it_reads_the_same(text: str) -> None:
    parsed = parse(text)

    assert parse(write(parsed)) == parsed
    assert not any(char in parsed.text for char in '"«»\n')
