"""Text: normalised once and for all, cut where a reader would cut it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.text import (
    STOP_WORDS,
    content_words,
    key,
    language_of,
    normalise,
    sentence_spans,
    sentences,
    slugify,
    word_spans,
    words,
)

# ---- one way to normalise


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  styret  møttes\t sjelden ", "styret møttes sjelden"),
        ("nærings\u00adhagen", "næringshagen"),
        ("\ufeffStyret\u200b\u200c\u200d", "Styret"),
        ("A\u030angre", "Ångre"),
        ("to\u00a0år\u2009etter", "to år etter"),
        ("en linje\nen til\r\nog en", "en linje\nen til \nog en"),
        ("\n\n Styret \n", "Styret"),
        ("a\0b", "ab"),
        ("ﬁnans", "ﬁnans"),
        ("", ""),
        ("\u200b", ""),
    ],
)
def test_normalise(text: str, wanted: str) -> None:
    assert normalise(text) == wanted


@given(st.text())
def test_normalise_is_done_once(text: str) -> None:
    once = normalise(text)

    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once.count("\n") <= text.count("\n")


@given(st.text())
def test_normalise_keeps_every_letter(text: str) -> None:
    assert key(normalise(text)) == key(text.translate(dict.fromkeys(map(ord, "\u200c\u200d"))))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("nærings-\nhagen", "Næringshagen", True),
        ("«Styret», sa hun.", "styret sa hun", True),
        ("ﬁnans", "FINANS", True),
        ("Å", "A", False),
        ("ø", "o", False),
        ("10 000", "10.000", True),
    ],
)
def test_key_is_what_stays_when_layout_differs(one: str, other: str, is_same: bool) -> None:
    assert (key(one) == key(other)) == is_same


# ---- words


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Styret, og bedriftene!", ["styret", "og", "bedriftene"]),
        ("nærings- og reiselivet", ["nærings", "og", "reiselivet"]),
        ("SMB-er og Nye-Elvdal", ["smb-er", "og", "nye-elvdal"]),
        ("10,5 av 1.000 i 2016–2020", ["10,5", "av", "1.000", "i", "2016", "2020"]),
        ("50%", ["50"]),
        ("snake_case", ["snake", "case"]),
        ("e\u0301n", ["én"]),
        ("🙂 – … «»", []),
        ("", []),
    ],
)
def test_words(text: str, wanted: list[str]) -> None:
    assert words(text) == wanted


@given(st.text())
def test_word_spans_stand_where_they_say(text: str) -> None:
    text = normalise(text)
    spans = list(word_spans(text))

    assert all(text[start:end].lower() == word for start, end, word in spans)
    assert [word for _, _, word in spans] == words(text)
    assert [place for start, end, _ in spans for place in (start, end)] == sorted(
        place for start, end, _ in spans for place in (start, end)
    )


def test_content_words_leave_out_what_carries_no_meaning() -> None:
    assert content_words("Hva skal styret i ei bedrift få av b og eit næringsråd?") == [
        "styret",
        "bedrift",
        "næringsråd",
    ]
    assert content_words("What should the board do?") == ["board"]
    assert all(word == word.lower() for word in STOP_WORDS)


# ---- sentences


@pytest.mark.parametrize(
    "whole",
    [
        ["Styret møttes sjelden.", "Det var dumt."],
        ["Gikk det bra?", "Ja!", "Det gjorde det."],
        ["Det koster f.eks. Oslo mye.", "Slutt."],
        ["Bl.a. Innovasjon Norge var med.", "De ble."],
        ["Se kap. 3 og nr. 4 og s. 12.", "Der står det."],
        ["Møtet var kl. 10 på tirsdag.", "Alle kom."],
        ["Pr. 31. desember 2012 var det slutt.", "Vi telte."],
        ["Den 3. mars kom brevet.", "Det var sent."],
        ["Den 3. Mars kom brevet.", "Det var sent."],
        ["I 1. kvartal gikk det bra.", "I 2. kvartal gikk det galt."],
        ["1. Start tidlig.", "Vent ikke."],
        ["Det var i 2010. ", "20 personer kom."],
        ["Vi spurte 20. ", "Ti svarte."],
        ["«Vi var alene.»", "Det sa hun ofte."],
        ["Hun sa: «Vi var alene.»", "«Ingen ringte.»"],
        ["(Det var for sent.)", "Da dro de."],
        ["Vi ventet …", "Ingen kom."],
        ["Det ga 40 mill. kroner.", "Det holdt."],
        ["Dr. Berg og red. Lund skrev.", "Vi leste."],
        ["P. A. Munch eide det.", "Han solgte."],
        ["Det var dyrt, jf. Tabell 2.", "Vi sparte."],
        ["Ca. 20 kom, dvs. alle.", "Bra."],
        ["De fikk hjelp av kommunen, fylket m.fl. Ingen klaget."],
        ["Prisen var 10.5 kroner.", "Det var mye."],
        ["Se www.kommune.no for mer.", "Der er alt."],
        ["The board met e.g. Nordic firms.", "It helped."],
        ["Ångeren kom.", "Ærlig talt.", "Øya var tom."],
        ["– Vi var to.", "– Jeg var én."],
        ["En setning uten punktum"],
    ],
    ids=lambda whole: whole[0],
)
def test_sentences(whole: list[str]) -> None:
    whole = [one.strip() for one in whole]

    assert sentences(" ".join(whole)) == whole


@given(st.text(alphabet="aB1 .!?\n«»)–nrkl", max_size=60))
def test_sentences_leave_nothing_out_and_stand_where_they_say(text: str) -> None:
    spans = sentence_spans(text)

    places = [place for span in spans for place in span]
    assert places == sorted(places)
    gaps = zip([0, *(end for _, end in spans)], [*(s for s, _ in spans), len(text)], strict=True)
    assert all(not text[start:end].strip() for start, end in gaps)
    assert sentences(text) == [text[start:end].strip() for start, end in spans]
    assert all(sentences(text))


# ---- languages


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hva bør styret gjøre først?", "nb"),
        ("Kva bør styret gjere fyrst?", "nn"),
        ("What should the board do first?", "en"),
        ("Korleis får vi med oss bedriftene?", "nn"),
        ("Hvordan får vi med oss bedriftene?", "nb"),
        ("How do we get companies to join?", "en"),
        ("Dei burde ikkje ha venta så lenge.", "nn"),
        ("De burde ikke ha ventet så lenge.", "nb"),
        ("They should not have waited for so long.", "en"),
        ("Er seks år for kort for et omstillingsprogram?", "nb"),
        ("Er det vits i kurs for folk som vil bli sjef?", "nb"),
        ("Sørg for at kommunen eier tomta.", "nb"),
        ("Behold to programledere.", "nb"),
        ("Be om hjelp for at alle skal få det til", "nb"),
        ("styreseminar", "nb"),
        ("", "nb"),
        ("12 345", "nb"),
    ],
)
def test_language_of(text: str, wanted: str) -> None:
    assert language_of(text) == wanted


# ---- addresses


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Nye Ålvik-året", "nye-aalvik-aaret"),
        ("Sør-Varanger & Ærø", "soer-varanger-aeroe"),
        ("Sátni / Guovdageaidnu", "satni-guovdageaidnu"),
        ("  --  ", "ukjent"),
        ("", "ukjent"),
        ("🙂", "ukjent"),
        ("Nordlia 2028", "nordlia-2028"),
    ],
)
def test_slugify(text: str, wanted: str) -> None:
    assert slugify(text) == wanted


@given(st.text())
def test_a_slug_is_an_address_and_its_own_slug(text: str) -> None:
    slug = slugify(text)

    assert slug
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slugify(slug) == slug
