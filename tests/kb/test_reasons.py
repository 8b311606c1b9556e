"""What is kept as a sentence is read back as the code and the words it was made of."""

import pytest

from kb.reasons import _SENTENCES, Code, Reason, read, told


@pytest.mark.parametrize("code", Code)
def test_every_reason_is_read_back_as_it_was_told(code: Code) -> None:
    words = ("tydelig råd", "vi anbefaler")[: _SENTENCES[code][0].count("{}")]

    assert read(told(code, *words)) == (Reason(code, words),)


def test_several_reasons_are_parted_but_not_within_a_quotation() -> None:
    kept = "; ".join([told(Code.QUOTE_SAYS, "styret; valgt"), told(Code.PLACES, "3")])

    assert read(kept) == (
        Reason(Code.QUOTE_SAYS, ("styret; valgt",)),
        Reason(Code.PLACES, ("3",)),
    )


def test_what_is_not_known_is_shown_as_it_stands() -> None:
    assert read("noe helt annet") == (Reason(None, ("noe helt annet",)),)
    assert read("") == ()


def test_the_makers_of_reasons_write_only_what_can_be_read_back() -> None:
    kept = (
        "ingen kjent vending; språkmodellen mener at setningen er en lærdom, nærmest av "
        "eksemplene er «Planene var for like; de ble byttet»; told in 2 places"
    )

    assert [one.code for one in read(kept)] == [Code.NO_CUE, Code.MODEL_LESSON_LIKE, Code.PLACES]
