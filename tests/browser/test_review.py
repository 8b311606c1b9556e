"""The review of a report of forty pages: by keyboard alone, without JavaScript, for everybody."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from waitress.server import create_server

from kb.accounts import make_link
from kb.desk import Desk, Edit
from kb.domain import ReportStatus, Status
from tests.browser.test_access import violations
from tests.web.long_report import build_long_bench
from tests.web.review_world import PAGES, Bench, add

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]


class Site:
    """A running site over a base under review."""

    def __init__(self, bench: Bench, base: str) -> None:
        self.bench, self.base = bench, base

    @property
    def report(self) -> str:
        return f"{self.base}/desk/rapport/{self.bench.report}"

    def lesson(self, number: int) -> str:
        return f"{self.base}/desk/laerdom/{list(self.bench.lessons.values())[number]}"

    def counts(self) -> dict[str, int]:
        with self.bench.store() as store:
            [own] = [one for one in store.reports() if one.report.id == self.bench.report]
        return dict(own.lessons)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    bench = build_long_bench(tmp_path)
    server = create_server(bench.app, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    yield Site(bench, f"http://127.0.0.1:{server.effective_port}")
    server.close()
    server.task_dispatcher.shutdown()


@pytest.fixture
def enter(chromium: Browser, site: Site) -> Iterator[Enter]:
    """Return a way to open a page as somebody logged in; faults of the page fail the test."""
    opened: list[BrowserContext] = []
    faults: list[str] = []

    def log_in(name: str = "kari", width: int = 1280, **options: object) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, locale="nb-NO", **options
        )
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on(
            "console",
            lambda said: (
                faults.append(said.text)
                if said.type == "error" and "status of 409" not in said.text
                else None
            ),
        )
        with site.bench.store() as store:
            token = make_link(store, name, 5)
        page.goto(f"{site.base}/inn/{token}")
        page.locator("main button[type=submit]").click()
        return page

    yield log_in
    for context in opened:
        context.close()
    assert faults == []


def tab_to(page: Page, claim: str, key: str = "Tab") -> None:
    """Press Tab until the focused element is the one meant."""
    for _ in range(60):
        page.keyboard.press(key)
        if page.evaluate(f"(each => {claim})(document.activeElement)"):
            return
    raise AssertionError(f"Tab does not reach {claim}")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.tagName"))


def turn_keys_on(page: Page) -> None:
    tab_to(page, "each.matches('.keys > summary')", "Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "hurtigtaster"
    page.keyboard.press("Space")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")


def press(page: Page, key: str) -> None:
    """Press a key that leads to another page, and wait until its heading is in focus."""
    with page.expect_navigation():
        page.keyboard.press(key)


def test_forty_pages_are_reviewed_by_keyboard_alone(
    site: Site, enter: Enter, record_property: Callable[[str, object], None]
):
    page = enter()
    page.goto(site.report)
    started = time.perf_counter()

    tab_to(page, "each.textContent.includes('Begynn gjennomgangen')")
    page.keyboard.press("Enter")
    expect(page.locator("#forslag")).to_be_focused()
    turn_keys_on(page)
    waits, step = [], 0
    while "/desk/laerdom/" in page.url:
        at = time.perf_counter()
        if step % 10 == 3:
            page.keyboard.press("r")
            press(page, "2")
        elif step == 5:
            page.keyboard.press("e")
            expect(page.locator("#utsagn")).to_be_focused()
            page.keyboard.press("Control+A")
            page.keyboard.type("Dette er sagt av redaksjonen.")
            tab_to(page, "each.value === 'godkjenn'")
            press(page, "Enter")
        else:
            press(page, "a")
        waits.append(time.perf_counter() - at)
        step += 1
        if step == 8:
            press(page, "u")
        assert step < 80
    took = time.perf_counter() - started

    expect(page.get_by_text("60 av 60 avgjort")).to_be_visible()
    tab_to(page, "each.textContent.includes('Publiser rapporten')")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Rapporten er publisert.").first).to_be_visible()
    counts = site.counts()
    assert counts == {Status.PUBLISHED: 54, Status.REJECTED: 6}
    page.goto(f"{site.base}/sok?q=redaksjonen")
    expect(page.get_by_role("link", name="Dette er sagt av redaksjonen.")).to_be_visible()
    record_property("seconds_of_machine_for_the_report", round(took, 1))
    print(
        f"\n60 proposals: {took:.0f} s of machine time, median "
        f"{sorted(waits)[len(waits) // 2]:.2f} s from key to next page, {step} steps"
    )


def test_forty_pages_are_reviewed_without_javascript(site: Site, enter: Enter):
    page = enter(java_script_enabled=False)
    page.goto(site.report)
    expect(page.get_by_role("button", name="Publiser", exact=True)).to_be_disabled()

    page.get_by_role("button", name=re.compile("sikreste uten merknad")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"Godkjenn \d+ forslag"))
    page.get_by_role("button", name="Godkjenn de valgte").click()
    expect(page.locator("[data-notice]")).to_contain_text("forslag godkjent")
    page.get_by_role("link", name="Fortsett gjennomgangen").click()
    page.locator("summary", has_text="Avvis …").click()
    page.get_by_role("button", name="For generell").click()
    page.locator("summary", has_text="Rett lærdommen").click()
    page.get_by_label("Lærdommen i én setning").fill("Skrevet uten skript.")
    page.get_by_role("button", name="Lagre", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Skrevet uten skript.")
    page.locator("summary", has_text="Slå sammen med andre").click()
    page.locator("input[type=checkbox][name=l]").first.check()
    page.get_by_role("button", name="Slå sammen hit").last.click()
    page.locator("[data-notice]").get_by_role("button", name="Angre").click()
    steps = 0
    while "/desk/laerdom/" in page.url:
        page.get_by_role("button", name="Godkjenn og neste").click()
        steps += 1
        assert steps < 80
    page.get_by_role("button", name="Publiser rapporten").click()

    expect(page.locator("[data-notice]")).to_contain_text("Rapporten er publisert")
    with site.bench.store() as store:
        found = store.report(site.bench.report)
    assert found is not None
    assert found.status is ReportStatus.PUBLISHED
    assert site.counts() == {Status.PUBLISHED: 59, Status.REJECTED: 1}


def test_single_keys_do_nothing_until_they_are_turned_on(site: Site, enter: Enter):
    page = enter()
    page.goto(site.lesson(0))

    for key in "jkareu":
        page.keyboard.press(key)

    assert page.url == site.lesson(0)
    assert site.counts() == {Status.CANDIDATE: 60}
    page.goto(site.lesson(0) + "#forslag")
    turn_keys_on(page)
    page.keyboard.press("?")
    expect(page.get_by_text("godkjenn og gå til neste")).to_be_visible()
    page.keyboard.press("?")
    press(page, "j")
    assert page.url.split("#")[0] != site.lesson(0)
    press(page, "k")
    page.keyboard.press("e")
    expect(page.locator("#utsagn")).to_be_focused()
    page.keyboard.type("ajkru")
    expect(page.locator("#utsagn")).to_have_value(re.compile("ajkru"))
    assert site.counts() == {Status.CANDIDATE: 60}
    page.reload()
    expect(page.locator("#hurtigtaster")).to_be_checked()


def test_keys_work_at_once_after_they_are_turned_on(site: Site, enter: Enter):
    page = enter()
    page.goto(site.lesson(0) + "#forslag")
    page.locator(".keys > summary").click()
    page.locator("#hurtigtaster").focus()
    page.keyboard.press("Space")
    expect(page.locator("#hurtigtaster")).to_be_focused()

    press(page, "j")

    assert page.url.split("#")[0] != site.lesson(0)


def test_the_heading_of_the_next_proposal_is_in_focus_and_announced(site: Site, enter: Enter):
    page = enter()
    page.goto(site.lesson(3))

    page.get_by_role("button", name="Godkjenn og neste").click()

    expect(page.locator("#forslag")).to_be_focused()
    expect(page.locator("[data-say]")).to_contain_text("Godkjent: ")
    expect(page.locator("[data-notice]")).to_be_in_viewport()
    expect(page.locator("rect.highlight").first).to_be_in_viewport()


def test_the_quote_is_boxed_on_its_page_for_every_proposal(site: Site, enter: Enter):
    page = enter()
    for number in range(0, 60, 12):
        page.goto(site.lesson(number))
        sheet = page.locator(".sheet").bounding_box()
        box = page.locator("rect.highlight").first.bounding_box()
        assert sheet is not None
        assert box is not None
        assert sheet["x"] <= box["x"]
        assert box["x"] + box["width"] <= sheet["x"] + sheet["width"]
        assert sheet["y"] <= box["y"]


def test_a_double_click_decides_once(site: Site, enter: Enter):
    page = enter()
    page.goto(site.lesson(0))

    page.get_by_role("button", name="Godkjenn og neste").dblclick()

    expect(page.locator("[data-notice]")).to_be_visible()
    assert site.counts() == {Status.CANDIDATE: 59, Status.APPROVED: 1}


def _visit(site: Site, page: Page) -> Iterator[str]:
    """Open every page of the review in turn, boxes folded out, and tell its name."""
    bench = site.bench
    second = list(bench.lessons.values())[1]
    addresses = {
        "report": site.report,
        "report chosen": f"{site.report}?vis=godkjente&orden=side",
        "preview": f"{site.report}/godkjenn?sikre=1",
        "facts": f"{site.report}/opplysninger",
        "history": f"{site.report}/historikk",
        "all history": f"{site.base}/desk/historikk",
        "lesson": site.lesson(12),
        "decided lesson": site.lesson(0),
    }
    for name, address in addresses.items():
        page.goto(address)
        page.evaluate(
            "document.querySelectorAll('main details').forEach(box => { box.open = true })"
        )
        yield name
    page.goto(site.lesson(1))
    with bench.store() as store:
        now = store.lessons([second])[second]
        desk = Desk(store, lambda: bench.encoder, "ola")
        desk.edit(second, now.version, Edit(statement=f"Ola skrev dette, {now.version}."))
    page.locator("#rett > summary").click()
    page.locator("#utsagn").fill("Kari skrev dette.")
    page.get_by_role("button", name="Lagre", exact=True).click()
    yield "conflict"


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (390, "light"), (320, "light"), (1280, "dark")]
)
def test_no_page_of_the_review_breaks_a_rule(site: Site, enter: Enter, width: int, scheme: str):
    bench = site.bench
    with bench.store() as store:
        desk = Desk(store, lambda: bench.encoder, "kari")
        first = next(iter(bench.lessons.values()))
        desk.approve({first: store.lessons([first])[first].version})
        other, _ids = add(store, bench.encoder, PAGES)
        desk.approve_and_publish(other)
        desk.link_edition(bench.report, other)
    page = enter(width=width, color_scheme=scheme, reduced_motion="reduce")  # boxes open at once
    broken, wide = {}, {}

    for name in _visit(site, page):
        if found := violations(page):
            broken[name] = found
        scrolls = page.evaluate("document.documentElement.scrollWidth")
        if scrolls > width:
            wide[name] = scrolls

    assert broken == {}
    assert wide == {}


def test_the_keyboard_reaches_everything_in_the_order_it_is_seen(site: Site, enter: Enter):
    page = enter()
    page.goto(site.lesson(12) + "#forslag")
    expect(page.locator("#forslag")).to_be_focused()
    names = []
    for _ in range(12):
        page.keyboard.press("Tab")
        names.append(str(page.evaluate("document.activeElement.textContent.trim()")))

    order = [names.index(one) for one in ("Godkjenn og neste", "Avvis …", "Rett …", "Hopp over")]
    assert order == sorted(order)
    assert names.index("Teksten på siden") > names.index("Hopp over")
