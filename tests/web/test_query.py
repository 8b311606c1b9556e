"""Addresses become searches and back, and odd ones are refused politely."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from kb.domain import Kind, Phase, ProgrammeType, ReportType
from kb.errors import InvalidQueryError
from kb.search import Group, SearchQuery, Sort
from kb.text import normalise
from web.query import (
    GROUPS_PER_PAGE,
    all_of_group,
    chosen,
    page_number,
    page_window,
    read_query,
    without,
    write_query,
)


def _args(query_string: str) -> MultiDict[str, str]:
    pairs = [part.split("=", 1) for part in query_string.split("&") if part]
    return MultiDict([(name, value) for name, value in pairs])


@pytest.mark.parametrize(
    ("query_string", "expected"),
    [
        pytest.param("", SearchQuery(), id="nothing lists everything"),
        pytest.param("q=  styret\n nå ", SearchQuery(text="styret nå"), id="blanks are folded"),
        pytest.param("q=" + "a" * 600, SearchQuery(text="a" * 512), id="a long question is cut"),
        pytest.param("q=a\x00b", SearchQuery(text="ab"), id="NUL is dropped"),
        pytest.param(
            "tema=navn&tema=maal", SearchQuery(themes=frozenset({"navn", "maal"})), id="repeated"
        ),
        pytest.param("tema=", SearchQuery(), id="an empty filter is none"),
        pytest.param(
            "tema=xyz", SearchQuery(themes=frozenset({"xyz"})), id="unknown theme is kept"
        ),
        pytest.param("fase=strategi", SearchQuery(phases=frozenset({"strategi"})), id="phase"),
        pytest.param("ar=2021", SearchQuery(years=frozenset({2021})), id="year"),
        pytest.param("side=3", SearchQuery(offset=40), id="page three begins at 40"),
        pytest.param("side=", SearchQuery(), id="an empty page is the first"),
        pytest.param("ukjent=1&sort=x", SearchQuery(), id="unknown names are ignored"),
    ],
)
def test_an_address_is_read(query_string: str, expected: SearchQuery):
    assert read_query(_args(query_string)) == expected


@pytest.mark.parametrize(
    "query_string",
    [
        "side=0",
        "side=-1",
        "side=x",
        "side=1.5",
        "side=99999999999999999999",
        "side=10001",
        "side=²",
        "side=٣",
        "ar=x",
        "ar=99",
        "ar=20211",
        "ar=2021;",
        "ar=٢٠٢١",
        "ar=-2021",
        "fase=xyz",
        "type=xyz",
        "programtype=xyz",
        "rapporttype=xyz",
        "tema=" + "a" * 121,
        "&".join(f"tema=t{number}" for number in range(61)),
    ],
)
def test_an_address_that_cannot_be_is_refused(query_string: str, client: FlaskClient):
    with pytest.raises(InvalidQueryError):
        read_query(_args(query_string))

    answer = client.get(f"/sok?{query_string}")
    assert answer.status_code == 400
    assert "Søket kan ikke brukes slik det står" in answer.text


@pytest.mark.parametrize(
    "query_string",
    [
        "q=%00%01%02",
        "q=%ff%fe",
        "q=%ed%a0%80",
        "q=" + "%F0%9F%A6%86" * 300,
        "q=%22%27%3B--",
        "q=" + "(" * 500,
        "q=AND+OR+NOT+NEAR(",
        "q=%22*%22",
        "q=...&tema=%00",
        "q&tema&side",
        "%ff=%ff",
        "q=a&q=b",
        "q[]=a",
        "=",
        "&&&",
        "tema=navn%20OR%201%3D1",
    ],
)
def test_odd_addresses_never_break_us(query_string: str, client: FlaskClient):
    for path in ("/sok", "/api/v1/search"):
        assert client.get(f"{path}?{query_string}").status_code in {200, 400}


@given(
    st.text(max_size=80), st.dictionaries(st.text(max_size=12), st.text(max_size=30), max_size=5)
)
def test_any_text_is_read_or_refused(text: str, others: dict[str, str]):
    args = MultiDict([("q", text), *others.items()])
    try:
        query = read_query(args)
    except InvalidQueryError:
        return
    assert len(query.text) <= 512
    assert normalise(query.text) == query.text


_VALUE = st.from_regex(r"[a-zæøå0-9][a-zæøå0-9 /-]{0,20}[a-zæøå0-9]", fullmatch=True).map(normalise)
_QUERIES = st.builds(
    SearchQuery,
    text=st.text(max_size=60).map(lambda text: normalise(text.replace("\n", " "))),
    themes=st.frozensets(_VALUE, max_size=4),
    programmes=st.frozensets(_VALUE, max_size=4),
    phases=st.frozensets(st.sampled_from([str(each) for each in Phase])),
    kinds=st.frozensets(st.sampled_from([str(each) for each in Kind])),
    programme_types=st.frozensets(st.sampled_from([str(each) for each in ProgrammeType])),
    report_types=st.frozensets(st.sampled_from([str(each) for each in ReportType])),
    years=st.frozensets(st.integers(1900, 2199), max_size=4),
    sort=st.sampled_from(Sort),
    offset=st.integers(0, 99).map(lambda page: page * 20),
)


@given(_QUERIES, st.sampled_from(Group))
def test_groups_have_pages_of_their_own(query: SearchQuery, group: Group):
    query = replace(
        query, group=group, offset=query.offset * GROUPS_PER_PAGE // 20, limit=GROUPS_PER_PAGE
    )

    assert read_query(MultiDict(write_query(query, page=page_number(query)))) == query


@given(_QUERIES)
def test_a_search_written_as_an_address_is_read_back(query: SearchQuery):
    address = write_query(query, page=page_number(query))

    assert read_query(MultiDict(address)) == query


@given(_QUERIES)
def test_removing_each_chosen_value_leaves_only_the_question(query: SearchQuery):
    for name, value in chosen(query):
        query = without(query, name, value)
        assert page_number(query) == 1, "other hits: begin at the first"

    assert chosen(query) == ()


@pytest.mark.parametrize(
    ("current", "last", "expected"),
    [
        pytest.param(1, 1, (1,), id="one page"),
        pytest.param(1, 3, (1, 2, 3), id="few pages"),
        pytest.param(1, 9, (1, 2, 3, None, 9), id="start"),
        pytest.param(5, 9, (1, 2, 3, 4, 5, 6, 7, 8, 9), id="a gap of one is filled"),
        pytest.param(10, 20, (1, None, 8, 9, 10, 11, 12, None, 20), id="middle"),
        pytest.param(20, 20, (1, None, 18, 19, 20), id="end"),
    ],
)
def test_page_window(current: int, last: int, expected: tuple[int | None, ...]):
    assert page_window(current, last) == expected


@pytest.mark.parametrize("query_string", ["sorter=x", "grupper=x", "grupper=type"])
def test_an_order_or_grouping_that_is_none_is_refused(query_string: str):
    with pytest.raises(InvalidQueryError):
        read_query(_args(query_string))


def test_files_and_programs_get_each_lesson_by_itself():
    query = read_query(_args("q=styret&grupper=program&sorter=eldst"), page_size=50)

    assert (query.group, query.is_folded, query.sort, query.limit) == (None, False, Sort.OLDEST, 50)


def test_all_of_a_group_is_a_filter():
    query = read_query(_args("q=styret&grupper=fase&tema=navn&side=2"))

    alone = all_of_group(query, "strategi")

    assert write_query(alone) == {"q": "styret", "tema": ["navn"], "fase": ["strategi"]}
