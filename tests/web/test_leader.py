"""For programme leaders: lessons without a question, lists to print, a check to go through."""

import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import docx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from kb.domain import Phase, ProgrammeType
from kb.errors import InvalidQueryError, ProcessError
from kb.export import FORMATS
from kb.process import Month
from kb.profile import Profile
from kb.store import Role, Store
from tests.web.conftest import Client
from tests.web.staff import add_staff, log_in, send, token_in
from tests.web.world import CORPUS, World, build_world
from web import create_app
from web.profile_address import read_profile, write_profile
from web.views import now as now_view

SMALL_PAGE = "/sjekkliste"
"""Any page has the token: the menu holds the form to log out."""

PAGES = (
    "/na",
    "/na?min-fase=gjennomforing",
    "/sjekkliste",
    "/sjekkliste/styreseminar",
    "/sjekkliste/avslutning?min-type=regionalt&min-lengde=3",
    "/startpakke",
    "/egensjekk/gjennomforing",
    "/egensjekk/avslutning",
)


class NovemberDay(date):
    """Today is 24 November 2026."""

    @classmethod
    def today(cls) -> date:
        return date(2026, 11, 24)


# ---- the address


@pytest.mark.parametrize(
    ("address", "profile"),
    [
        pytest.param({}, Profile(), id="nothing"),
        pytest.param(
            {"min-fase": "strategi", "min-type": "regionalt", "min-kommuner": "6"},
            Profile(phase=Phase.STRATEGI, programme_type=ProgrammeType.REGIONALT, municipalities=6),
            id="phase, type, size",
        ),
        pytest.param(
            {"min-ar": "2026", "min-maned": "2", "min-lengde": "3"},
            Profile(start=Month(2026, 2), years=3),
            id="start and length",
        ),
    ],
)
def test_an_address_tells_a_profile_and_a_profile_its_address(address, profile):
    assert read_profile(MultiDict(address)) == profile
    assert write_profile(profile) == address


def test_half_a_start_is_no_start():
    assert read_profile(MultiDict({"min-ar": "2026", "min-maned": ""})).is_empty


@pytest.mark.parametrize(
    "address",
    [
        {"min-fase": "midt"},
        {"min-type": "fylke"},
        {"min-ar": "26", "min-maned": "1"},
        {"min-ar": "2026", "min-maned": "13"},
        {"min-lengde": "-1"},
        {"min-lengde": "١"},
        {"min-kommuner": "9999999999"},
    ],
)
def test_a_profile_that_cannot_be_is_refused(client: FlaskClient, address: dict[str, str]):
    with pytest.raises(InvalidQueryError):
        read_profile(MultiDict(address))
    assert client.get("/na", query_string=address).status_code == 400


# ---- pages


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_page_answers_in_every_language_without_a_cookie_of_ours(
    client: FlaskClient, language: str
):
    client.set_cookie("sprak", language)

    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert f'<html lang="{language}"' in answer.text
        assert "Set-Cookie" not in answer.headers


def test_an_empty_base_says_so(empty_client: FlaskClient):
    for path in PAGES[1:]:
        if path != "/sjekkliste":
            assert "Basen har ingen lærdommer om dette ennå." in empty_client.get(path).text, path


@pytest.mark.parametrize(
    "path",
    [
        "/sjekkliste/finnes-ikke",
        "/sjekkliste/finnes-ikke.docx",
        "/sjekkliste/styreseminar.exe",
        "/startpakke.exe",
        "/egensjekk/midt",
        "/egensjekk/midt.docx",
        "/egensjekk/strategi.exe",
    ],
)
def test_what_is_not_there_is_404(client: FlaskClient, path: str):
    assert client.get(path).status_code == 404


def test_now_shows_what_is_at_hand_what_comes_next_and_why(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(now_view, "date", NovemberDay)

    page = client.get("/na?min-ar=2026&min-maned=2&min-lengde=3").text

    assert "Dere er i fasen Gjennomføring" in page
    calendar = page[page.index('class="calendar"') : page.index('id="lessons"')]
    events = re.findall(r"min-lengde=3\">([^<]+)</a>", calendar)
    assert events[:6] == [
        "Programstatusvurdering",
        "Styret vedtar neste handlingsplan",
        "Introkurset en gang til",
        "Søknad om midler for neste år",
        "Handlingsplanen settes i verk",
        "Videreføring og avslutning",
    ]
    assert "desember 2026" in calendar
    assert "Fordi d" in page
    assert "Hypotese" in page


def test_now_groups_by_likeness_only_when_there_is_something_to_compare(client: FlaskClient):
    alike = client.get("/na?min-fase=gjennomforing&min-type=enkeltkommune").text
    other = client.get("/na?min-fase=gjennomforing&min-type=regionalt").text
    plain = client.get("/na?min-fase=gjennomforing").text

    assert "Fra programmer som ligner deres" in alike
    assert "Fra andre programmer" not in alike  # every programme of the world is one municipality
    assert "Fra andre programmer" in other
    assert "Fra programmer som ligner deres" not in other
    assert "Fra andre programmer" not in plain


def test_now_asks_for_the_other_half_of_a_start(client: FlaskClient):
    assert "Velg både måned og år" in client.get("/na?min-ar=2026&min-maned=").text


def test_a_checklist_holds_lessons_with_their_sources_and_nothing_else(
    client: FlaskClient, world: World
):
    page = client.get("/sjekkliste/styreseminar").text

    shown = set(re.findall(r'class="lesson-title"[^>]*><a href="/laerdom/([0-9a-f]{12})"', page))
    places = re.findall(r"/kilde/\w+/side/\d+\?l=(\w+)</span>", page)
    themes = {"styreseminar", "styrearbeid", "styresammensetning", "observatorer", "rolleavklaring"}
    with Store.open(world.config.home) as store:
        known = {row.lesson_id for row in store.facets() if themes & set(row.themes)}
    assert shown
    assert shown <= known
    assert set(places) == shown
    assert "evalueringer peker på det" in page


def test_a_step_of_the_process_names_the_page_it_was_read_from(client: FlaskClient):
    page = client.get("/sjekkliste/programstatusvurdering").text

    assert 'href="https://www.innovasjonnorge.no/no/regional-omstilling/verktoy/program' in page
    assert "lest 23. november 2026" in page


@pytest.mark.parametrize(
    "path", ["/sjekkliste/styreseminar", "/startpakke", "/egensjekk/avslutning"]
)
def test_every_page_offers_every_format_and_gives_it(client: FlaskClient, path: str):
    page = client.get(path).text

    for ending in FORMATS:
        assert f'href="{path}.{ending}"' in page
    answer = client.get(f"{path}.docx?min-type=regionalt")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert headings(answer.data, "Title")


@pytest.mark.parametrize("ending", FORMATS)
def test_a_checklist_can_be_taken_along_in_every_format(client: FlaskClient, ending: str):
    answer = client.get(f"/sjekkliste/rolleavklaring.{ending}")

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith(f'.{ending}"')
    assert len(answer.data) > 100


def headings(word: bytes, style: str) -> list[str]:
    """Return the paragraphs of a Word file in this style."""
    paragraphs = docx.Document(io.BytesIO(word)).paragraphs
    return [one.text for one in paragraphs if one.style.name == style]


def test_the_word_file_of_a_checklist_has_the_lessons_of_the_page(client: FlaskClient):
    page = client.get("/sjekkliste/styreseminar").text
    word = client.get("/sjekkliste/styreseminar.docx").data

    statements = re.findall(r'/laerdom/[0-9a-f]{12}">([^<]+)</a></h3>', page)
    assert headings(word, "Heading 2") == statements
    assert len(headings(word, "Quote")) >= len(statements)
    text = "\n".join(one.text for one in docx.Document(io.BytesIO(word)).paragraphs)
    assert text.count("☐") == len(statements)
    assert "http://localhost/sjekkliste/styreseminar\n" in text


def test_the_start_pack_never_says_a_lesson_twice(client: FlaskClient):
    page = client.get("/startpakke").text

    ids = re.findall(r'<h[34] class="lesson-title"[^>]*><a href="/laerdom/([0-9a-f]{12})"', page)
    assert ids
    assert len(ids) == len(set(ids))
    assert "Hvem gjør hva" in page
    assert "eier programmet" in page


# ---- the self-check without an account


def marks_of(page: str) -> dict[str, str]:
    """Return the address behind each mark of the first lesson, by its name."""
    card = page[page.index('class="check-card') :]
    card = card[: card.index("</li>\n    </ol>") if "</li>\n    </ol>" in card else len(card)]
    found = re.findall(r'href="(/egensjekk/[^"]+)"[^>]*>([^<]+)<', card)
    return {name: address.replace("&amp;", "&") for address, name in reversed(found)}


def progress(page: str) -> tuple[int, int]:
    done, every = re.search(r'for="progress-bar">(\d+) av (\d+)<', page).groups()
    return int(done), int(every)


def test_without_an_account_marks_stand_in_the_address_and_can_be_taken_away(client: FlaskClient):
    start = client.get("/egensjekk/gjennomforing").text
    assert progress(start)[0] == 0
    assert "blir borte når du lukker den" in start

    address = marks_of(start)["Gjort"]
    assert "gjort=" in address
    marked = client.get(address).text
    assert progress(marked) == (1, progress(start)[1])
    assert "Set-Cookie" not in client.get(address).headers

    back = re.search(r'href="([^"]+)" aria-current="true">Gjort', marked)[1].replace("&amp;", "&")
    assert progress(client.get(back).text)[0] == 0


def test_the_filter_shows_what_is_left_and_the_file_tells_both(client: FlaskClient):
    start = client.get("/egensjekk/gjennomforing").text
    every = progress(start)[1]
    address = marks_of(start)["Planlagt"].split("#")[0]

    left = client.get(f"{address}&vis=igjen").text
    planned = client.get(f"{address}&vis=planlagt").text
    word = client.get(address.replace("/gjennomforing?", "/gjennomforing.docx?")).data

    assert left.count('class="check-card') == every - 1
    assert planned.count('class="check-card') == 1
    assert headings(word, "Heading 1")[:2] == ["Planlagt", "Ikke gått gjennom"]


def test_marks_of_lessons_that_are_gone_do_no_harm(client: FlaskClient):
    page = client.get("/egensjekk/gjennomforing?gjort=finnesikke,%22%3E,000000000000")

    assert page.status_code == 200
    assert progress(page.text)[0] == 0


def test_nobody_can_keep_anything_without_an_account(client: FlaskClient, world: World):
    lesson = world.lessons["styret"]

    for path in ("/na/husk", "/na/glem", f"/egensjekk/strategi/laerdom/{lesson}"):
        assert client.post(path).status_code in {400, 401}


# ---- with an account


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a base of this module's own, with accounts: the marks change it."""
    world = build_world(tmp_path_factory.mktemp("leader"))
    add_staff(world.config.home)
    return world


@pytest.fixture(scope="module")
def own_app(own_world: World) -> Flask:
    app = create_app(own_world.config, own_world.encoder)
    app.test_client_class = Client
    return app


@pytest.fixture
def leader(own_app: Flask, own_world: World) -> Iterator[FlaskClient]:
    """Return a reader who is logged in, and forget all they kept afterwards."""
    client = own_app.test_client()
    log_in(client, Role.READER)
    yield client
    with Store.open(own_world.config.home) as store:
        store.leaders.forget_profile("leser")
        for phase in Phase:
            while store.leaders.undo_check("leser", phase):
                pass


def test_a_kept_profile_is_used_next_time_and_can_be_forgotten(leader: FlaskClient):
    chosen = {"min-fase": "avslutning", "min-lengde": "3"}
    told = leader.get("/na", query_string=chosen).text
    assert "Husk dette" in told

    leader.post("/na/husk", data={"csrf_token": token_in(told), **chosen})

    again = leader.get("/na")
    assert again.status_code == 302
    assert again.headers["Location"] == "/na?min-fase=avslutning&min-lengde=3"
    kept = leader.get(again.headers["Location"]).text
    assert "Dette er lagret på kontoen din" in kept
    send(leader, "/na/glem", page=again.headers["Location"])
    assert leader.get("/na").status_code == 200


def press(client: FlaskClient, lesson_id: str, **form: str) -> str:
    """Press a button of a lesson's form and return the page that comes."""
    answer = send(
        client,
        f"/egensjekk/gjennomforing/laerdom/{lesson_id}",
        page=SMALL_PAGE,
        **form,
    )
    assert answer.status_code == 303
    return client.get(answer.headers["Location"].split("#")[0]).text


def test_marks_and_notes_are_kept_with_the_account_and_undone(
    leader: FlaskClient, own_world: World
):
    lesson_id = own_world.lessons["styret"]

    page = press(leader, lesson_id, merke="brukt", notat="Kapittel 4 i planen")

    assert progress(page)[0] == 1
    assert "Kapittel 4 i planen" in page
    assert 'value="brukt" aria-pressed="true"' in page
    assert "Angre siste merke" in page
    assert "blir borte" not in page
    fresh = leader.get("/egensjekk/gjennomforing").text
    assert progress(fresh)[0] == 1
    markdown = leader.get("/egensjekk/gjennomforing.md").text
    assert "Kapittel 4 i planen" in markdown
    answer = send(leader, "/egensjekk/gjennomforing/angre", page=SMALL_PAGE)
    assert progress(leader.get(answer.headers["Location"].split("#")[0]).text)[0] == 0


def test_pressing_a_mark_again_takes_it_away_and_keeps_the_note(
    leader: FlaskClient, own_world: World
):
    lesson_id = own_world.lessons["styret"]

    press(leader, lesson_id, merke="gjort", notat="I mars")
    page = press(leader, lesson_id, merke="gjort", notat="I mars")

    assert progress(page)[0] == 0
    assert "I mars" in page


@pytest.mark.parametrize("form", [{"merke": "kanskje"}, {"merke": "GJORT"}])
def test_a_mark_that_does_not_exist_is_refused(
    leader: FlaskClient, own_world: World, form: dict[str, str]
):
    path = f"/egensjekk/gjennomforing/laerdom/{own_world.lessons['styret']}"

    assert send(leader, path, page=SMALL_PAGE, **form).status_code == 400


def test_what_is_not_published_cannot_be_marked(leader: FlaskClient, own_world: World):
    for name in ("dette", "seminaret"):
        path = f"/egensjekk/gjennomforing/laerdom/{own_world.lessons[name]}"
        answer = send(leader, path, page=SMALL_PAGE, merke="gjort")
        assert answer.status_code == 404


def test_another_account_sees_nothing_of_it(leader: FlaskClient, own_world: World):
    press(leader, own_world.lessons["styret"], merke="gjort", notat="Bare for oss")
    other = leader.application.test_client()
    log_in(other, Role.EDITOR)

    page = other.get("/egensjekk/gjennomforing").text

    assert progress(page)[0] == 0
    assert "Bare for oss" not in page


def test_the_process_is_checked_before_the_site_starts(tmp_path: Path, world: World):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "taxonomy.toml").write_bytes((CORPUS / "taxonomy.toml").read_bytes())
    config = type(world.config)(home=tmp_path, corpus=corpus)

    with pytest.raises(ProcessError):
        create_app(config, world.encoder)
