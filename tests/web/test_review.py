"""The review of proposals: every decision as a plain form, and nothing lost when two decide."""

import html
import re
from pathlib import Path

import pytest

from kb.desk import Desk, Edit
from kb.domain import Kind, Phase, ReportStatus, Status
from kb.lint import LintCode
from kb.messages import lint_sentence
from kb.reasons import Code, told
from tests.web.review_world import (
    CALM,
    COURSE,
    LARGE,
    PAGES,
    ROLES,
    ROLES_AGAIN,
    SEMINAR,
    TIME,
    Bench,
    add,
    build_bench,
    token_of,
)
from web.review_words import reason_words


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return a base that every test takes a copy of, its page pictures made already."""
    bench = build_bench(tmp_path_factory.mktemp("built"))
    kari = bench.person()
    for number in (1, 2, 3):
        kari.go(f"/desk/rapport/{bench.report}/side/{number}.webp")
    return bench


@pytest.fixture
def bench(built: Bench, tmp_path: Path) -> Bench:
    return built.copied_to(tmp_path / "home")


def of(bench: Bench, quote: str, more: str = "") -> str:
    return f"/desk/laerdom/{bench.lessons[quote]}{more}"


def heading(page: object) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.S)  # type: ignore[attr-defined]
    assert found
    return html.unescape(found[1])


# --- the queue ------------------------------------------------------------------------------------


def test_the_report_lists_the_uncertain_first_and_counts_what_is_decided(bench: Bench):
    page = bench.person().go(f"/desk/rapport/{bench.report}")

    order = [page.text.index(bench.lessons[quote]) for quote in (CALM, TIME, ROLES_AGAIN, COURSE)]
    assert order == sorted(order)
    assert "0 av 7 avgjort" in page.text
    assert "7 forslag gjenstår før rapporten kan publiseres" in page.text
    assert "Side 1 har uleselig tekst" in page.text
    assert "Mangler: fyll inn" in page.text
    assert "Lest på side 1" in page.text


def test_next_keeps_to_the_order_in_the_address(bench: Bench):
    kari = bench.person()

    page = kari.go(of(bench, SEMINAR, "?orden=side"))

    assert "Forslag 1 av 7" in page.text
    following = re.search(r'rel="next"[^>]*href="([^"]+)"', page.text)
    assert following
    assert following[1] == of(bench, ROLES, "?orden=side#forslag")
    assert 'rel="prev"' not in page.text


@pytest.mark.parametrize("query", ["?orden=feil", "?vis=x", "?side=abc"])
def test_an_address_that_means_nothing_is_refused(bench: Bench, query: str):
    assert bench.person().go(of(bench, SEMINAR, query)).status_code == 400


def test_the_page_shows_the_quote_on_its_page_and_why(bench: Bench):
    page = bench.person().go(of(bench, SEMINAR))

    assert page.text.count('class="highlight"') >= 1
    assert "<mark>Styret holdt seminar etter ett år." in page.text
    assert "4 Vurderinger › 4.1 Styret" in page.text
    assert "sitatet sier «styret»" in page.text
    image = re.search(r'<image href="([^"]+)"', page.text)
    assert image
    assert bench.person().client.get(image[1]).mimetype == "image/webp"


# --- deciding -------------------------------------------------------------------------------------


def test_approve_goes_to_the_next_that_waits_and_offers_to_undo(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, CALM))

    page = kari.send("/godkjenn")

    assert bench.lesson(bench.lessons[CALM]).status is Status.APPROVED
    assert heading(page) == TIME
    assert "Godkjent: «Programleder fikk ro" in page.text
    back = kari.send("/angre")
    assert heading(back) == CALM
    assert bench.lesson(bench.lessons[CALM]).status is Status.CANDIDATE


def test_the_last_decision_leads_to_the_report_which_can_be_published(bench: Bench):
    bench.decide_all()
    kari = bench.person()
    kari.go(of(bench, CALM))
    kari.send("/tilbake")

    page = kari.send("/godkjenn")

    assert "7 av 7 avgjort" in page.text
    assert "Publiser rapporten" in page.text


@pytest.mark.parametrize(
    ("sent", "kept", "shown"),
    [
        pytest.param({"grunn": "too-general"}, "too-general", "For generell", id="a known reason"),
        pytest.param(
            {"annet": "Gjelder bare oss"}, "Gjelder bare oss", "Gjelder bare oss", id="own"
        ),
    ],
)
def test_reject_keeps_its_reason(bench: Bench, sent: dict[str, str], kept: str, shown: str):
    kari = bench.person()
    kari.go(of(bench, TIME))

    page = kari.send("/avvis", **sent)

    assert bench.lesson(bench.lessons[TIME]).status is Status.REJECTED
    with bench.store() as store:
        assert store.changes.history(limit=1)[0].reason == kept
    assert f"Avvist ({shown})" in page.text


def test_reject_without_a_reason_is_not_done(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, TIME))

    page = kari.send("/avvis")

    assert bench.lesson(bench.lessons[TIME]).status is Status.CANDIDATE
    assert "velg en grunn" in page.text


def test_a_statement_of_ones_own_is_marked_and_the_quote_untouched(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, LARGE))

    page = kari.send(
        "/rediger",
        utsagn="Spør de største bedriftene tidlig.",
        type="recommendation",
        fase="",
        tema=["naeringsliv-forankring", "", "styrearbeid"],
        saa="bli",
    )

    one = bench.lesson(bench.lessons[LARGE])
    assert one.statement == "Spør de største bedriftene tidlig."
    assert one.is_edited
    assert one.evidence[0].quote == LARGE
    assert one.kind is Kind.RECOMMENDATION
    assert one.phase is None
    assert [tag.theme for tag in one.tags] == ["naeringsliv-forankring", "styrearbeid"]
    assert "Redigert." in page.text
    assert heading(page) == "Spør de største bedriftene tidlig."


def test_a_sentence_of_the_quote_is_not_marked_as_edited(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, SEMINAR))

    kari.send(
        "/rediger",
        **(_as_seen(bench, SEMINAR) | {"utsagn": "Først da ble mandatet klart for alle."}),
    )

    one = bench.lesson(bench.lessons[SEMINAR])
    assert one.statement == "Først da ble mandatet klart for alle."
    assert not one.is_edited


def test_saving_and_approving_is_one_press(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, CALM))

    page = kari.send(
        "/rediger", **(_as_seen(bench, CALM) | {"utsagn": "Gi ro.", "saa": "godkjenn"})
    )

    assert bench.lesson(bench.lessons[CALM]).status is Status.APPROVED
    assert heading(page) == TIME


def test_undoing_an_edit_that_was_approved_takes_both_back(bench: Bench):
    kari = bench.person()
    before = bench.lesson(bench.lessons[CALM])
    kari.go(of(bench, CALM))
    kari.send("/rediger", **(_as_seen(bench, CALM) | {"utsagn": "Gi ro.", "saa": "godkjenn"}))

    kari.send("/angre")

    after = bench.lesson(before.id)
    assert (after.status, after.statement) == (Status.CANDIDATE, before.statement)


def test_an_edit_is_not_approved_over_a_change_that_was_not_seen(bench: Bench):
    kari = bench.person()
    seen = bench.lesson(bench.lessons[CALM])
    kari.go(of(bench, CALM))
    with bench.store() as store:
        ola = Desk(store, lambda: bench.encoder, "ola")
        ola.edit(seen.id, seen.version, Edit(statement="Ola skrev dette."))

    refused = kari.send(
        "/rediger", **(_as_seen(bench, CALM) | {"utsagn": "Gi ro.", "saa": "godkjenn"})
    )

    assert refused.status_code == 409
    assert bench.lesson(seen.id).status is Status.CANDIDATE


@pytest.mark.parametrize(
    "wrong",
    [
        {"utsagn": " "},
        {"utsagn": "x" * 1_001},
        {"tema": ["navn", "styrearbeid", "nettverk", "videreforing"]},
        {"tema": ["finnes-ikke"]},
    ],
)
def test_an_edit_that_cannot_be_is_told_and_not_done(bench: Bench, wrong: dict[str, object]):
    kari = bench.person()
    before = bench.lesson(bench.lessons[CALM])
    kari.go(of(bench, CALM))

    page = kari.send("/rediger", **(_as_seen(bench, CALM) | wrong))

    assert bench.lesson(bench.lessons[CALM]) == before
    assert 'data-color="danger" role="status"' in page.text


def test_an_edit_of_nothing_makes_no_change(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, CALM))

    page = kari.send("/rediger", **_as_seen(bench, CALM))

    assert "Ingenting ble endret" in page.text
    with bench.store() as store:
        assert store.changes.history() == ()


def test_a_quote_is_cut_and_widened_by_whole_sentences(bench: Bench):
    kari = bench.person()
    page = kari.go(of(bench, SEMINAR))
    places = re.findall(r'name="s" value="([^"]+)"', page.text)
    assert len(places) == 3

    kari.send("/sitat", s=places[:2])

    kept = bench.lesson(bench.lessons[SEMINAR])
    assert kept.evidence[0].quote == (
        "Styret holdt seminar etter ett år. Først da ble mandatet klart for alle."
    )
    kari.send("/sitat", s=places)
    assert bench.lesson(bench.lessons[SEMINAR]).evidence[0].quote == SEMINAR


def test_sentences_apart_are_no_quote(bench: Bench):
    kari = bench.person()
    page = kari.go(of(bench, SEMINAR))
    places = re.findall(r'name="s" value="([^"]+)"', page.text)

    page = kari.send("/sitat", s=[places[0], places[2]])

    assert bench.lesson(bench.lessons[SEMINAR]).evidence[0].quote == SEMINAR
    assert "som står etter hverandre" in page.text


def test_a_lesson_is_split_by_sentences(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, SEMINAR))

    page = kari.send("/del", **{"del": ["1", "1", "2"]})

    assert "delt i 2" in page.text
    assert bench.lesson(bench.lessons[SEMINAR]).evidence[0].quote.endswith("klart for alle.")
    with bench.store() as store:
        quotes = [
            one.evidence[0].quote
            for one in store.lessons(store.lesson_ids(report_id=bench.report)).values()
        ]
    assert "Det var seint." in quotes
    assert "0 av 8 avgjort" in page.text


@pytest.mark.parametrize("parts", [["1", "1", "1"], ["1", "2", "1"], ["1", "2"], []])
def test_a_split_that_makes_no_parts_is_not_done(bench: Bench, parts: list[str]):
    kari = bench.person()
    kari.go(of(bench, SEMINAR))

    page = kari.send("/del", **{"del": parts})

    assert "Velg minst to deler" in page.text
    assert bench.lesson(bench.lessons[SEMINAR]).evidence[0].quote == SEMINAR


def test_merging_shows_both_quotes_and_can_be_undone(bench: Bench):
    kari = bench.person()
    other = bench.lesson(bench.lessons[ROLES_AGAIN])
    kari.go(of(bench, ROLES))

    page = kari.send("/slaa-sammen", l=[f"{other.id}:{other.version}"])

    kept = bench.lesson(bench.lessons[ROLES])
    assert [one.quote for one in kept.evidence] == [ROLES, ROLES_AGAIN]
    assert bench.lesson(other.id).status is Status.MERGED
    assert page.text.count("data-quote>") == 2
    gone = kari.go(of(bench, ROLES_AGAIN))
    assert "Slått sammen med:" in gone.text
    assert "Godkjenn og neste" not in gone.text
    kari.page = page
    kari.send("/angre")
    assert bench.lesson(other.id).status is Status.CANDIDATE
    assert len(bench.lesson(bench.lessons[ROLES]).evidence) == 1


def test_a_merged_lesson_of_several_quotes_is_split_again(bench: Bench):
    kari = bench.person()
    other = bench.lesson(bench.lessons[ROLES_AGAIN])
    third = bench.lesson(bench.lessons[LARGE])
    kari.go(of(bench, ROLES))
    kari.send("/slaa-sammen", l=[f"{one.id}:{one.version}" for one in (other, third)])

    page = kari.send("/del", **{"del": ["1", "2", "1"]})

    assert page.status_code == 200
    assert len(bench.lesson(bench.lessons[ROLES]).evidence) == 2
    again = bench.lesson(bench.lessons[ROLES_AGAIN])
    assert (again.status, again.merged_into) == (Status.CANDIDATE, None)
    assert bench.lesson(bench.lessons[LARGE]).merged_into == bench.lessons[ROLES]


def test_the_most_alike_can_be_merged_with_one_press(bench: Bench):
    kari = bench.person()

    page = kari.go(of(bench, ROLES))

    alike = page.text.split('id="ligner"')[1].split("</ul>")[0]
    assert ROLES_AGAIN in alike.split("</li>")[0], "the nearest comes first"
    assert alike.count("<li>") == 3
    assert "Slå sammen hit" in alike


def test_a_relation_to_another_report_is_accepted_rejected_and_forgotten(bench: Bench):
    same = f"{ROLES[:-1]} (ny)."
    others = ("Vi fikk penger til veien (ny).", "Ungdommen flyttet hjem (ny).", CALM, LARGE, TIME)
    pages = (("Annet sted", "Rapport"), ("1 Erfaringer", same, *others))
    with bench.store() as store:
        other, ids = add(store, bench.encoder, pages)
        Desk(store, lambda: bench.encoder, "ola").approve_and_publish(other)
    elsewhere = ids[same]
    kari = bench.person()
    page = kari.go(of(bench, ROLES))
    assert "Forhold til andre rapporter" in page.text

    kari.send("/forhold", annen=elsewhere, forhold="stotter", svar="ja")

    with bench.store() as store:
        [kept] = store.relations.of(bench.lessons[ROLES])
    assert (kept.second, kept.kind, kept.verdict, kept.by) == (
        elsewhere,
        "stotter",
        "accepted",
        "kari",
    )
    assert "Denne støtter den over" in kari.page.text
    assert "godtok et forhold til en annen rapport" in kari.page.text, "in the lesson's history"
    kari.send("/forhold", svar="glem")
    kari.send("/forhold", annen=elsewhere, forhold="samme", svar="nei")
    assert "Ikke i slekt" in kari.page.text
    with bench.store() as store:
        assert store.relations.of(bench.lessons[ROLES])[0].verdict == "rejected"


def test_an_edition_is_no_other_report(bench: Bench):
    with bench.store() as store:
        Desk(store, lambda: bench.encoder, "ola").approve_and_publish(bench.report)
        new, ids = add(store, bench.encoder, (*PAGES, ("5 Tillegg", "Et tillegg (ny).")))
    kari = bench.person()
    before = kari.go(f"/desk/laerdom/{ids[ROLES]}").text
    with bench.store() as store:
        Desk(store, lambda: bench.encoder, "ola").link_edition(new, bench.report)

    after = kari.go(f"/desk/laerdom/{ids[ROLES]}").text

    assert "Forhold til andre rapporter" in before
    assert "Forhold til andre rapporter" not in after


def test_every_reason_of_the_machine_is_told_in_the_page_s_language(bench: Bench):
    """A new code needs its words; those that quote the report or a cue keep them."""
    untranslatable = {Code.CUE}
    for code in set(Code) - untranslatable:
        kept = told(code, "abc", "def")
        with bench.app.test_request_context(headers={"Cookie": "sprak=en"}):
            english = reason_words(kept)
        with bench.app.test_request_context():
            bokmaal = reason_words(kept)

        assert len(english) == len(bokmaal) == 1
        assert english != bokmaal, code
        assert ("abc" in kept) == ("abc" in english[0])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"annen": "000000000000", "forhold": "samme"}, 404),
        ({"annen": "self", "forhold": "samme"}, 400),
        ({"annen": "other", "forhold": "x"}, 400),
    ],
)
def test_a_relation_that_cannot_be_is_refused(bench: Bench, sent: dict[str, str], status: int):
    names = {"self": bench.lessons[ROLES], "other": bench.lessons[CALM]}
    kari = bench.person()
    page = kari.go(of(bench, ROLES))
    fields = {"csrf_token": token_of(page), "svar": "ja"} | sent
    fields["annen"] = names.get(fields["annen"], fields["annen"])

    answer = kari.client.post(of(bench, ROLES, "/forhold"), data=fields)

    assert answer.status_code == status


def test_what_may_be_wrong_is_told_in_plain_words(bench: Bench):
    kari = bench.person()

    page = kari.go(of(bench, TIME, "?vis=merknader"))

    assert "Se nærmere på" in page.text
    assert lint_sentence(LintCode.NO_ADVICE) in page.text
    assert "Forslag 2 av 2" in page.text
    assert "Se nærmere på" not in kari.go(of(bench, COURSE)).text


# --- several at once ------------------------------------------------------------------------------


def test_the_surest_are_listed_then_approved_then_undone(bench: Bench):
    kari = bench.person()

    page = kari.go(f"/desk/rapport/{bench.report}/godkjenn?sikre=1")

    listed = re.findall(r'name="l" value="([0-9a-f]+:\d+)"', page.text)
    assert {one.split(":")[0] for one in listed} == {
        bench.lessons[quote] for quote in (SEMINAR, COURSE, LARGE)
    }
    done = kari.send("/godkjenn", l=listed)
    assert "3 forslag godkjent" in done.text
    assert "3 av 7 avgjort" in done.text
    assert "0 av 7 avgjort" in kari.send("/angre").text


def test_a_bulk_approval_shows_only_what_was_chosen_and_waits(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, CALM))
    kari.send("/godkjenn")
    chosen = "&".join(f"l={bench.lessons[quote]}" for quote in (CALM, TIME))

    page = kari.go(f"/desk/rapport/{bench.report}/godkjenn?{chosen}")

    assert re.findall(r'name="l" value="([0-9a-f]+):', page.text) == [bench.lessons[TIME]]


def test_a_bulk_approval_of_what_was_changed_is_refused_whole(bench: Bench):
    kari, ola = bench.person(), bench.person("ola")
    page = kari.go(f"/desk/rapport/{bench.report}/godkjenn?sikre=1")
    listed = re.findall(r'name="l" value="([0-9a-f]+:\d+)"', page.text)
    ola.go(of(bench, COURSE))
    ola.send("/avvis", grunn="misread")

    refused = kari.send("/godkjenn", l=listed)

    assert refused.status_code == 409
    assert COURSE in refused.text
    assert bench.lesson(bench.lessons[SEMINAR]).status is Status.CANDIDATE
    again = re.findall(r'name="l" value="([0-9a-f]+:\d+)"', refused.text)
    assert "3 forslag godkjent" in kari.send("/godkjenn", l=again).text


# --- two people -----------------------------------------------------------------------------------


def test_two_people_at_once_get_a_page_and_lose_nothing(bench: Bench):
    kari, ola = bench.person(), bench.person("ola")
    kari.go(of(bench, CALM))
    ola.go(of(bench, CALM))
    ola.send("/rediger", **(_as_seen(bench, CALM) | {"utsagn": "Ola skrev dette.", "saa": "bli"}))

    refused = kari.send(
        "/rediger", **(_as_seen(bench, CALM) | {"utsagn": "Kari skrev dette.", "saa": "bli"})
    )

    assert refused.status_code == 409
    assert "Ola skrev dette." in refused.text
    assert "Kari skrev dette." in refused.text
    assert "<strong>ola</strong> rettet en lærdom" in refused.text
    assert bench.lesson(bench.lessons[CALM]).statement == "Ola skrev dette."
    mine = kari.send("/rediger")
    assert mine.status_code == 200
    assert bench.lesson(bench.lessons[CALM]).statement == "Kari skrev dette."
    with bench.store() as store:
        assert [one.by for one in store.changes.history()] == ["kari", "ola"]


def test_an_edit_sends_only_what_its_person_changed(bench: Bench):
    kari, ola = bench.person(), bench.person("ola")
    kari.go(of(bench, CALM))
    ola.go(of(bench, CALM))
    ola.send("/rediger", **(_as_seen(bench, CALM) | {"type": "success", "saa": "bli"}))

    refused = kari.send("/rediger", **(_as_seen(bench, CALM) | {"fase": "strategi", "saa": "bli"}))
    kari.page = refused
    kari.send("/rediger")

    one = bench.lesson(bench.lessons[CALM])
    assert (one.kind, one.phase) == (Kind.SUCCESS, Phase.STRATEGI)


@pytest.mark.parametrize(
    ("action", "values"),
    [
        ("/avvis", {"grunn": "misread"}),
        ("/sitat", {"s": "chosen"}),
        ("/del", {"del": ["1", "2", "3"]}),
        ("/slaa-sammen", {"l": "chosen"}),
    ],
)
def test_every_decision_on_what_changed_is_a_conflict(
    bench: Bench, action: str, values: dict[str, object]
):
    kari = bench.person()
    page = kari.go(of(bench, SEMINAR))
    chosen = {
        "s": re.findall(r'name="s" value="([^"]+)"', page.text)[:1],
        "l": re.findall(r'name="l" value="([^"]+)"', page.text)[:1],
    }
    sent = {name: chosen.get(name, value) for name, value in values.items()}
    ola = bench.person("ola")
    ola.go(of(bench, SEMINAR))
    ola.send("/godkjenn")
    before = bench.lesson(bench.lessons[SEMINAR])

    refused = kari.send(action, **sent)

    assert refused.status_code == 409
    assert "Behold det som står" in refused.text
    assert "Bruk mitt likevel" in refused.text
    assert bench.lesson(bench.lessons[SEMINAR]) == before
    shown = {name: value for name, value in sent.items() if name != "versjon"}
    assert kari.send(action, **({} if action == "/avvis" else shown)).status_code == 200
    assert bench.lesson(bench.lessons[SEMINAR]) != before


def test_the_same_form_sent_twice_counts_once(bench: Bench):
    kari = bench.person()
    page = kari.go(of(bench, CALM))
    kari.send("/godkjenn")
    kari.page = page

    again = kari.send("/godkjenn")

    assert again.status_code == 200
    with bench.store() as store:
        assert len(store.changes.history()) == 1


def test_what_was_changed_since_can_not_be_undone(bench: Bench):
    kari, ola = bench.person(), bench.person("ola")
    kari.go(of(bench, CALM))
    shown = kari.send("/godkjenn")
    ola.go(of(bench, CALM))
    ola.send("/avvis", grunn="repetition")
    kari.page = shown

    refused = kari.send("/angre")

    assert refused.status_code == 409
    assert "kan ikke angres" in refused.text
    assert "er alt gjort" not in refused.text
    assert bench.lesson(bench.lessons[CALM]).status is Status.REJECTED


# --- who may --------------------------------------------------------------------------------------


def test_only_editors_decide_and_only_with_their_own_forms(bench: Bench):
    kari, lars = bench.person(), bench.person("lars")
    page = kari.go(of(bench, CALM))
    action, fields = kari.action("/godkjenn"), dict(kari.fields("/godkjenn"))
    stranger = bench.app.test_client()

    assert lars.go(of(bench, CALM)).status_code == 403
    assert "/inn" in stranger.get(of(bench, CALM)).headers["Location"]
    assert stranger.post(action, data=fields).status_code in {400, 401, 403}
    assert kari.client.post(action, data=fields | {"csrf_token": "x"}).status_code == 400
    assert kari.client.get(action).status_code == 405
    assert bench.lesson(bench.lessons[CALM]).status is Status.CANDIDATE
    assert token_of(page)


@pytest.mark.parametrize("field", [{"versjon": "x"}, {"versjon": ""}, {"versjon": "1" * 20}])
def test_a_form_that_was_tampered_with_is_refused(bench: Bench, field: dict[str, str]):
    kari = bench.person()
    kari.go(of(bench, CALM))

    assert kari.send("/godkjenn", **field).status_code == 400


def test_a_bulk_approval_cannot_reach_into_another_report(bench: Bench):
    with bench.store() as store:
        other, ids = add(store, bench.encoder, (PAGES[0], ("4.9 Annet", "Noe annet (ny).")))
    kari = bench.person()
    kari.go(f"/desk/rapport/{bench.report}/godkjenn?sikre=1")

    answer = kari.send("/godkjenn", l=[f"{ids['Noe annet (ny).']}:1"])

    assert other != bench.report
    assert answer.status_code == 400


# --- the report -----------------------------------------------------------------------------------


def test_a_published_lesson_is_found_in_the_next_request(bench: Bench):
    bench.decide_all()
    kari = bench.person()
    kari.go(f"/desk/rapport/{bench.report}")
    reader = bench.app.test_client()
    assert COURSE not in reader.get("/sok?q=introkurset+søknadene").text

    done = kari.send("/publiser")

    assert "Rapporten er publisert" in done.text
    assert bench.status() is ReportStatus.PUBLISHED
    assert COURSE in reader.get("/sok?q=introkurset+søknadene").text.replace("<mark>", "").replace(
        "</mark>", ""
    )


def test_a_report_with_undecided_proposals_is_not_published(bench: Bench):
    bench.decide_all()
    kari = bench.person()
    kari.go(f"/desk/rapport/{bench.report}")
    bench_form = dict(kari.fields("/publiser"))
    ola = bench.person("ola")
    ola.go(of(bench, CALM))
    ola.send("/tilbake")

    page = kari.client.post(
        f"/desk/rapport/{bench.report}/publiser", data=bench_form, follow_redirects=True
    )

    assert "1 forslag er ikke avgjort" in page.text
    assert bench.status() is ReportStatus.CANDIDATE


def test_withdraw_trash_and_restore_keep_every_decision(bench: Bench):
    bench.decide_all()
    kari = bench.person()
    kari.go(f"/desk/rapport/{bench.report}")
    kari.send("/publiser")
    reader = bench.app.test_client()

    kari.send("/trekk", grunn="Feil utgave")

    assert bench.status() is ReportStatus.WITHDRAWN
    assert COURSE not in reader.get("/sok?q=introkurset+søknadene").text
    kari.send("/kast")
    assert bench.status() is ReportStatus.TRASHED
    page = kari.go(of(bench, CALM))
    assert "Her kan ingenting avgjøres" in page.text
    kari.go(f"/desk/rapport/{bench.report}")
    page = kari.send("/gjenopprett")
    assert bench.status() is ReportStatus.CANDIDATE
    assert "7 av 7 avgjort" in page.text


def test_withdrawing_asks_why(bench: Bench):
    bench.decide_all()
    kari = bench.person()
    kari.go(f"/desk/rapport/{bench.report}")
    kari.send("/publiser")

    kari.send("/trekk", grunn="  ")

    assert bench.status() is ReportStatus.PUBLISHED


def test_what_becomes_of_a_report_can_be_a_conflict_too(bench: Bench):
    kari, ola = bench.person(), bench.person("ola")
    kari.go(f"/desk/rapport/{bench.report}")
    ola.go(f"/desk/rapport/{bench.report}/opplysninger")
    ola.send("/opplysninger", title="Ny tittel")

    refused = kari.send("/kast")

    assert refused.status_code == 409
    assert bench.status() is ReportStatus.CANDIDATE
    kari.send("/kast")
    assert bench.status() is ReportStatus.TRASHED


# --- what is known of it --------------------------------------------------------------------------


def test_metadata_is_corrected_beside_what_was_read(bench: Bench):
    kari = bench.person()
    page = kari.go(f"/desk/rapport/{bench.report}/opplysninger")
    assert "Sluttevaluering, utarbeidet av Analyse AS" in page.text
    assert "Vet du det?" in page.text

    page = kari.send(
        "/opplysninger",
        programme="Stordal i vekst",
        contractor="Innsikt AS",
        programme_type="enkeltkommune",
        report_type="sluttrapport",
        year="2021",
    )

    with bench.store() as store:
        report = store.report(bench.report)
    assert report is not None
    assert report.programme_name == "Stordal i vekst"
    assert report.contractor == "Innsikt AS"
    assert report.year == 2021
    assert report.programme.period_from == 2016
    assert "Sluttevaluering, utarbeidet av Analyse AS" not in page.text
    kari.send("/angre")
    with bench.store() as store:
        undone = store.report(bench.report)
    assert undone is not None
    assert undone.contractor == "Analyse AS"


@pytest.mark.parametrize(
    ("field", "value"), [("year", "21"), ("period_from", "2025"), ("period_to", "nei")]
)
def test_metadata_that_cannot_be_is_told_beside_its_field(bench: Bench, field: str, value: str):
    kari = bench.person()
    kari.go(f"/desk/rapport/{bench.report}/opplysninger")
    fields = dict(kari.fields("/opplysninger")) | {field: value}

    page = kari.client.post(f"/desk/rapport/{bench.report}/opplysninger", data=fields)

    assert page.status_code == 422
    assert "ds-validation-message" in page.text
    assert f'value="{value}"' in page.text


def test_metadata_that_somebody_changed_is_a_conflict(bench: Bench):
    kari, ola = bench.person(), bench.person("ola")
    for person in (kari, ola):
        person.go(f"/desk/rapport/{bench.report}/opplysninger")
    ola.send("/opplysninger", contractor="Ola AS")

    refused = kari.send("/opplysninger", contractor="Kari AS")

    assert refused.status_code == 409
    assert "Ola AS" in refused.text
    assert "Kari AS" in refused.text


# --- editions -------------------------------------------------------------------------------------


def test_a_reworded_lesson_is_shown_beside_what_it_was(bench: Bench):
    bench.decide_all()
    reworded = LARGE.replace("for sent", "altfor sent") + " (ny)."
    pages = (PAGES[0], PAGES[1], (PAGES[2][0], reworded, *PAGES[2][2:]))
    with bench.store() as store:
        new, ids = add(store, bench.encoder, pages)
        Desk(store, lambda: bench.encoder, "ola").link_edition(new, bench.report)
    kari = bench.person()

    page = kari.go(f"/desk/laerdom/{ids[reworded]}?vis=endret")

    assert "Slik sto det i forrige utgave:" in page.text
    assert f"«{LARGE}»" in page.text
    assert "Forslag 1 av 1" in page.text
    done = kari.send("/godkjenn")
    assert "Endret: 0" in done.text


def test_a_new_edition_keeps_decisions_and_shows_what_changed(bench: Bench):
    bench.decide_all()
    pages = (PAGES[0], PAGES[1], (*PAGES[2][:2], "Et helt nytt avsnitt om noe annet (ny)."))
    with bench.store() as store:
        new, ids = add(store, bench.encoder, pages)
    kari = bench.person()
    page = kari.go(f"/desk/rapport/{new}")
    assert "Mye av teksten står også i" in page.text

    page = kari.send("/utgave", eldre=bench.report)

    assert "Ny utgave av" in page.text
    assert "Uendret: 5" in page.text
    assert "Borte: 2" in page.text
    assert "Nytt: 1" in page.text
    assert bench.lesson(ids[SEMINAR]).status is Status.APPROVED
    kari.send("/angre")
    assert bench.lesson(ids[SEMINAR]).status is Status.CANDIDATE


def newer_edition(bench: Bench) -> str:
    """Publish the report, and then a newer edition of it; return that."""
    bench.decide_all()
    pages = (PAGES[0], PAGES[1], (*PAGES[2][:2], "Et helt nytt avsnitt om noe annet (ny)."))
    with bench.store() as store:
        new, _ids = add(store, bench.encoder, pages)
        ola = Desk(store, lambda: bench.encoder, "ola")
        ola.approve_and_publish(bench.report)
        ola.link_edition(new, bench.report)
        ola.approve_and_publish(new)
    assert bench.status() is ReportStatus.SUPERSEDED
    return new


@pytest.mark.parametrize(("act", "sent"), [("/trekk", {"grunn": "feil tall"}), ("/kast", {})])
def test_an_edition_is_in_force_again_when_the_newer_one_is_gone(
    bench: Bench, act: str, sent: dict[str, str]
):
    new, kari = newer_edition(bench), bench.person()
    old_page = f"/desk/rapport/{bench.report}"
    assert "/gjeninnsett" not in kari.go(old_page).text, "the newer one is read"
    assert "Leserne ser ingen utgave nå" not in kari.go(f"/desk/rapport/{new}").text

    told = kari.send(act, **sent)

    assert "Leserne ser ingen utgave nå" in told.text
    assert f'href="{old_page}"' in told.text
    kari.go(old_page)
    done = kari.send("/gjeninnsett")
    assert "Utgaven gjelder igjen" in done.text
    assert bench.status() is ReportStatus.PUBLISHED
    assert bench.lesson(bench.lessons[CALM]).status is Status.PUBLISHED
    assert "Leserne ser ingen utgave nå" not in kari.go(f"/desk/rapport/{new}").text


def test_an_edition_stays_replaced_while_the_newer_one_is_read(bench: Bench):
    new, kari = newer_edition(bench), bench.person()
    kari.go(f"/desk/rapport/{new}")
    kari.send("/kast")
    kari.go(f"/desk/rapport/{bench.report}")
    with bench.store() as store:
        ola = Desk(store, lambda: bench.encoder, "ola")
        ola.undo(store.changes.history(report_id=new, limit=1)[0].id)

    refused = kari.send("/gjeninnsett")

    assert refused.status_code == 409
    assert bench.status() is ReportStatus.SUPERSEDED


# --- history --------------------------------------------------------------------------------------


def test_history_tells_who_did_what_and_what_it_changed(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, CALM))
    kari.send("/rediger", **(_as_seen(bench, CALM) | {"utsagn": "Gi ro.", "saa": "bli"}))
    kari.send("/avvis", grunn="repetition")

    for path in ("/desk/historikk", f"/desk/rapport/{bench.report}/historikk"):
        page = kari.go(path)
        assert "<strong>kari</strong> avviste 1 lærdom: Gjentakelse" in page.text
        assert "<strong>kari</strong> rettet en lærdom" in page.text
        assert f"<del>{CALM}</del> <ins>Gi ro.</ins>" in page.text
        assert "<del>Ikke avgjort</del> <ins>Avvist</ins>" in page.text


def test_going_on_leaves_a_selection_where_nothing_waits(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, CALM))
    kari.send("/godkjenn")

    page = kari.go(f"/desk/rapport/{bench.report}?vis=godkjente")

    link = re.search(r'href="([^"]+)">Fortsett gjennomgangen', page.text)
    assert link
    assert link[1] == of(bench, TIME, "#forslag")


def test_only_the_last_of_two_changes_to_a_value_can_be_undone(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, CALM))
    kari.send("/rediger", **(_as_seen(bench, CALM) | {"utsagn": "Gi ro.", "saa": "bli"}))
    kari.send("/rediger", **(_as_seen(bench, CALM) | {"utsagn": "Gi arbeidsro.", "saa": "bli"}))

    page = kari.go("/desk/historikk")

    assert len(re.findall(r"/desk/endring/\d+/angre", page.text)) == 1
    page = kari.send("/angre")
    assert page.status_code == 200
    assert bench.lesson(bench.lessons[CALM]).statement == "Gi ro."
    assert set(re.findall(r"/desk/endring/(\d+)/angre", page.text)) == {"1", "3"}, "and a redo"


def test_a_split_lesson_that_was_undone_is_told_without_it(bench: Bench):
    kari = bench.person()
    kari.go(of(bench, SEMINAR))
    kari.send("/del", **{"del": ["1", "1", "2"]})
    kari.send("/angre")

    page = kari.go("/desk/historikk")

    assert page.status_code == 200
    assert "som ikke finnes lenger" in page.text


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_page_of_the_review_answers_in_every_language(bench: Bench, language: str):
    kari = bench.person()
    kari.go(of(bench, CALM))
    kari.send("/rediger", **(_as_seen(bench, CALM) | {"utsagn": "Gi ro.", "saa": "bli"}))
    kari.client.set_cookie("sprak", language)

    for path in (
        of(bench, SEMINAR),
        f"/desk/rapport/{bench.report}",
        f"/desk/rapport/{bench.report}/opplysninger",
        f"/desk/rapport/{bench.report}/historikk",
        f"/desk/rapport/{bench.report}/godkjenn?sikre=1",
        "/desk/historikk",
    ):
        page = kari.go(path)
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.text


def test_what_the_report_says_is_shown_as_text(bench: Bench):
    evil = "<script>alert(1)</script> {{7*7}} %(x)s"
    kari = bench.person()
    kari.go(of(bench, CALM))

    page = kari.send("/rediger", **(_as_seen(bench, CALM) | {"utsagn": evil, "saa": "bli"}))

    assert "<script>alert" not in page.text
    assert ">49<" not in page.text
    assert "<script>alert" not in kari.go("/desk/historikk").text


def test_the_desk_can_not_be_seen_from_outside(bench: Bench):
    stranger = bench.app.test_client()

    for path in (
        f"/desk/rapport/{bench.report}",
        f"/desk/rapport/{bench.report}/side/1.webp",
        f"/desk/rapport/{bench.report}/fil",
        f"/desk/rapport/{bench.report}/opplysninger",
        f"/desk/rapport/{bench.report}/godkjenn?sikre=1",
        "/desk/historikk",
    ):
        assert stranger.get(path).status_code == 303, path


def test_the_version_of_ola_is_the_one_that_stands(bench: Bench):
    """The desk's own door refuses too: the page is not what keeps the decisions apart."""
    with bench.store() as store:
        one = bench.lesson(bench.lessons[CALM])
        Desk(store, lambda: bench.encoder, "ola").approve({one.id: one.version})
        assert bench.lesson(one.id).version != one.version


def _as_seen(bench: Bench, quote: str) -> dict[str, object]:
    one = bench.lesson(bench.lessons[quote])
    return {
        "utsagn": one.statement,
        "type": one.kind.value,
        "fase": one.phase or "",
        "tema": [tag.theme for tag in one.tags],
        "saa": "bli",
    }


# --- addresses ------------------------------------------------------------------------------------


def test_another_language_on_a_refusal_leads_to_a_page(bench: Bench):
    kari = bench.person()
    seen = bench.lesson(bench.lessons[CALM])
    kari.go(of(bench, CALM))
    with bench.store() as store:
        Desk(store, lambda: bench.encoder, "ola").approve({seen.id: seen.version})
    refused = kari.send("/avvis", grunn="repetition")
    assert refused.status_code == 409

    page = kari.send("/sprak", sprak="en")

    assert page.status_code == 200
    assert page.request.path == of(bench, CALM)


@pytest.mark.parametrize("digits", [19, 23, 5_000])
@pytest.mark.parametrize("path", ["/desk/jobb/{}/avbryt", "/desk/endring/{}/angre"])
def test_a_number_that_no_database_holds_is_the_address_of_nothing(
    bench: Bench, path: str, digits: int
):
    kari = bench.person()
    token = token_of(kari.go(of(bench, CALM)))

    answer = kari.client.post(path.format("9" * digits), data={"csrf_token": token})

    assert answer.status_code == 404
