"""Everything is said in bokmål, nynorsk and English, and the reader decides."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tests.web.world import World
from web.language import here, safe_return

_WEB = Path(__file__).resolve().parents[2] / "web"
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]


def _catalog(language: str) -> Catalog:
    with (_WEB / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.fixture(scope="module")
def used() -> set[str | tuple[str, ...]]:
    """Return every text that the code and the templates ask to have translated."""
    return {message for _file, _line, message, *_rest in extract_from_dir(str(_WEB), _METHODS)}


@pytest.mark.parametrize("language", ["nn", "en"])
def test_every_text_is_translated_and_none_is_left_over(
    language: str, used: set[str | tuple[str, ...]]
):
    catalog = {message.id: message for message in _catalog(language) if message.id}

    assert used - catalog.keys() == set(), "not translated"
    assert catalog.keys() - used == set(), "no longer used"
    for message in catalog.values():
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(text.strip() for text in texts), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", ["nn", "en"])
def test_translations_keep_the_places_that_are_filled_in(language: str):
    for message in _catalog(language):
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        for source, text in zip(sources, texts, strict=True) if message.id else ():
            filled_in = [sorted(re.findall(r"%\((\w+)\)s", each)) for each in (source, text)]
            assert filled_in[0] == filled_in[1], message.id


@pytest.mark.parametrize("language", ["nn", "en"])
def test_the_compiled_texts_are_those_of_the_source(language: str):
    compiled = io.BytesIO()
    write_mo(compiled, _catalog(language))

    kept = _WEB / "translations" / language / "LC_MESSAGES" / "messages.mo"
    assert kept.read_bytes() == compiled.getvalue(), "run pybabel compile (see web/babel.cfg)"


def test_the_long_texts_have_the_same_parts_in_every_language():
    for name in ("help", "about", "api"):
        parts = [
            len(re.findall(r"<h2|<p>|<dl", path.read_text(encoding="utf-8")))
            for path in sorted((_WEB / "templates" / "prose").glob(f"{name}.*.html"))
        ]
        assert len(parts) == 3
        assert len(set(parts)) == 1, name


def test_no_template_speaks_outside_the_catalogue():
    """Words between tags that do not pass ``_()`` would stay bokmål for everybody."""
    for path in (_WEB / "templates").rglob("*.html"):
        if path.parent.name == "prose":
            continue
        bare = re.sub(
            r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>|&\w+;", " ", path.read_text("utf-8"), flags=re.S
        )
        words = set(re.findall(r"[^\W\d_]{3,}", bare)) - {"Erfaringsbanken", "lang"}
        assert words == set(), path.name


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        pytest.param("", "nb", id="nothing said"),
        pytest.param("en-US,en;q=0.9", "nb", id="an English browser says little"),
        pytest.param("nn-NO,nn;q=0.9,nb;q=0.8", "nn", id="nynorsk first"),
        pytest.param("nb-NO,nb;q=0.9,nn;q=0.8", "nb", id="bokmål first"),
        pytest.param("en,nn;q=0.5", "nn", id="nynorsk before bokmål"),
        pytest.param("no", "nb", id="Norwegian"),
        pytest.param(";;q=,,*", "nb", id="nonsense"),
    ],
)
def test_the_first_visit_follows_the_browser(client: FlaskClient, accepted: str, expected: str):
    page = client.get("/", headers={"Accept-Language": accepted})

    assert f'<html lang="{expected}"' in page.text


def test_the_choice_is_kept_and_the_reader_stays_on_the_page(client: FlaskClient):
    answer = client.post("/sprak", data={"sprak": "nn", "tilbake": "/sok?q=styret&tema=navn"})

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sok?q=styret&tema=navn"
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert "Slik verkar søket" in client.get("/hjelp").text


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        ("/sok?q=styret", "GET", "/sok?q=styret"),
        ("/finnes-ikke", "GET", "/finnes-ikke"),
        ("/inn", "POST", "/inn"),
        ("/inn/abc", "POST", "/inn/abc"),
        ("/ut", "POST", "/"),
        ("/desk/laerdom/123456789abc/rediger", "POST", "/desk/laerdom/123456789abc"),
        ("/desk/endring/5/angre?x=y", "POST", "/desk"),
    ],
)
def test_the_choice_comes_back_to_an_address_that_is_a_page(
    app: Flask, path: str, method: str, expected: str
):
    with app.test_request_context(path, method=method):
        assert here() == expected


def test_reading_sets_no_cookie(client: FlaskClient):
    for path in ("/", "/sok?q=styret", "/matrise", "/hjelp"):
        assert "Set-Cookie" not in client.get(path).headers


@pytest.mark.parametrize("data", [{}, {"sprak": "xx"}, {"sprak": ""}, {"sprak": "nb" * 9999}])
def test_a_language_we_do_not_speak_is_refused(client: FlaskClient, data: dict[str, str]):
    assert client.post("/sprak", data=data).status_code in {400, 413}


@pytest.mark.parametrize(
    "path",
    [
        "//ond.example",
        "///ond.example",
        "/\\ond.example",
        "\\\\ond.example",
        "https://ond.example",
        "javascript:alert(1)",
        "/\tond",
        "/\r\nSet-Cookie: a=b",
        "",
    ],
)
def test_the_way_back_never_leaves_the_site(client: FlaskClient, path: str):
    answer = client.post("/sprak", data={"sprak": "nn", "tilbake": path})

    assert answer.headers["Location"] == "/"


@given(st.text(max_size=30))
def test_the_way_back_is_always_a_local_path(path: str):
    back = safe_return(path)

    assert back.startswith("/")
    assert not back.startswith(("//", "/\\"))
    assert back.isprintable()


def test_an_unknown_cookie_is_as_none(client: FlaskClient, world: World):
    client.set_cookie("sprak", "../../etc")

    assert '<html lang="nb"' in client.get("/").text
