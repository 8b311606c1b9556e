"""What the reader finds on the pages."""

import re

import pytest
from flask.testing import FlaskClient

from tests.web.world import FJELLVIK, NOTE, World


def _text(html: str) -> str:
    """Return what is left of ``html`` without tags, blanks folded."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_hit_shows_quote_page_programme_year_and_why(client: FlaskClient, world: World):
    page = client.get("/sok?q=seminar+etter+det+første+året+mandatet").text
    card = page.split(f'id="hit-{world.lessons["styret"]}"')[1].split("</article>")[0]

    assert "Suksessfaktor" in card
    assert "Gjennomføring" in card
    assert "<mark>" in card
    assert "Fjellvik i vekst (2021), side 2" in _text(card)
    assert f"/kilde/{world.reports['fjellvik']}/side/2?l={world.lessons['styret']}" in card
    assert NOTE in card
    assert re.search(r"Treff på (ord og mening|ord|mening)", card)
    assert "Sies også 1 annet sted i rapporten" in card
    assert 'href="/tema/styreseminar"' in card


def test_the_count_and_the_breadth_are_true(client: FlaskClient):
    page = _text(client.get("/sok").text)

    assert "29 lærdommer" in page
    assert "Treffene kommer fra 3 av 3 programmer" in page


def test_chosen_filters_are_shown_with_links_that_remove_them(client: FlaskClient):
    page = client.get("/sok?tema=styreseminar&program=fjellvik").text

    chosen = page.split('<div class="chosen">')[1].split("</div>")[0]
    assert "Valgte filtre" in chosen
    assert 'href="/sok?program=fjellvik"' in chosen
    assert 'href="/sok?tema=styreseminar"' in chosen
    assert "Fjern alle filtre" in chosen
    assert "Styreseminar og introkurs" in _text(chosen)
    assert "Fjellvik i vekst" in _text(chosen)


def test_a_facet_count_is_what_you_get(client: FlaskClient):
    page = client.get("/sok").text
    counts = dict(re.findall(r'name="tema"[^>]*value="([^"]+)".*?count">\((\d+)', page, re.S))

    for theme, count in counts.items():
        found = _text(client.get(f"/sok?tema={theme}").text)
        assert f" {count} lærdom" in found, theme


def test_many_hits_are_paged_and_no_lesson_is_lost(client: FlaskClient):
    first, second = client.get("/sok").text, client.get("/sok?side=2").text

    ids = [re.findall(r'<li id="hit-(\w+)"', page) for page in (first, second)]
    assert [len(each) for each in ids] == [20, 9]
    assert len(set(ids[0] + ids[1])) == 29
    assert 'start="21"' in second
    assert re.search(r'aria-current="page"[^>]*href="/sok\?side=2"', second)


def test_htmx_gets_only_the_part_that_changes(client: FlaskClient):
    part = client.get("/sok?q=styret", headers={"HX-Request": "true"})

    assert part.text.lstrip().startswith('<div class="frame')
    assert "<html" not in part.text
    assert "HX-Request" in part.headers["Vary"]


def test_no_hits_says_what_was_searched_and_what_to_do(client: FlaskClient):
    page = _text(client.get("/sok?q=xyzzy").text)

    assert "Ingen treff for «xyzzy»" in page
    assert "ingen lærdom ligger nær nok" in page
    assert "Temaer vi har lærdommer om" in page
    assert "Styreseminar og introkurs (3)" in page


def test_no_hits_inside_the_filters_offers_to_remove_them(client: FlaskClient):
    page = client.get("/sok?tema=styreseminar&ar=2019").text

    assert "Ingen lærdommer passer både med søket og filtrene" in page
    assert "Fjern filtrene og se 29 treff" in _text(page)


def test_an_unknown_theme_finds_nothing_and_can_be_removed(client: FlaskClient):
    page = client.get("/sok?tema=nedlagt-tema").text

    assert "nedlagt-tema" in page.split('<div class="chosen">')[1]


def test_a_lesson_shows_everything_about_it(client: FlaskClient, world: World):
    page = client.get(f"/laerdom/{world.lessons['ta']}").text
    text = _text(page)

    assert FJELLVIK[1][3] in text, "lead-in"
    assert FJELLVIK[1][4] in text, "quote"
    assert "3 Vurderinger › 3.1 Styret" in text
    assert "Se sitatet i rapporten, side 2" in text
    assert "satt automatisk ut fra ord i teksten" in text
    assert NOTE in text
    assert "Siter" in text


def test_a_quote_over_a_page_break_names_both_pages(client: FlaskClient, world: World):
    page = client.get(f"/laerdom/{world.lessons['et']}").text

    assert "side 2–3" in page


def test_text_in_another_language_than_the_page_says_so(client: FlaskClient, world: World):
    nynorsk = client.get(f"/laerdom/{world.lessons['dei']}").text
    bokmaal = client.get(f"/laerdom/{world.lessons['styret']}").text

    assert '<blockquote lang="nn">' in nynorsk
    assert "<blockquote>" in bokmaal
    client.set_cookie("sprak", "nn")
    assert "<blockquote>" in client.get(f"/laerdom/{world.lessons['dei']}").text


def test_a_report_shows_where_its_facts_were_read_and_its_chapters(
    client: FlaskClient, world: World
):
    page = client.get(f"/rapport/{world.reports['fjellvik']}").text
    text = _text(page)

    assert "Omstilling i Fjellvik &lt;2017–2021&gt;" in page, "the title is escaped"
    assert "Lest på side 1" in text
    assert "5 lærdommer, kapittel for kapittel" in text
    assert text.index("3 Vurderinger › 3.1 Styret") < text.index("4 Avslutning")
    assert "Oppdragsgiver" not in text, "what is not known is left out"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sok?q=styret+seminar",
        "/program",
        "/program/fjellvik",
        "/tema/styreseminar",
        "/matrise",
    ],
)
def test_the_remark_on_the_cover_follows_the_report_everywhere(client: FlaskClient, path: str):
    assert NOTE in client.get(path).text


def test_the_remark_is_shown_on_the_pages_of_the_report(client: FlaskClient, world: World):
    report = world.reports["fjellvik"]

    for path in (f"/rapport/{report}", f"/kilde/{report}/side/1"):
        assert NOTE in client.get(path).text


def test_a_programme_shows_its_lessons_by_phase(client: FlaskClient):
    text = _text(client.get("/program/fjellvik").text)

    assert text.index("Strategi og forankring") < text.index("Gjennomføring")
    assert "Gjelder ikke én bestemt fase" in text
    assert "2017–2021" in text
