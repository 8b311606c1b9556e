"""Bringing reports in as a person does: by keyboard, with and without JavaScript, to the end."""

import hashlib
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from waitress.server import create_server

from ingest.work import Worker
from kb import accounts
from kb.config import Config
from kb.store import Job, Role, Store
from tests.browser.conftest import Watched
from tests.browser.test_access import _FOCUS, _STOPS, violations
from tests.web.staff import NAMES, PASSWORD, add_staff
from tests.web.tiny_pdf import tiny_pdf
from tests.web.world import World
from web import auth, create_app

pytestmark = pytest.mark.browser

_ADVICE = "Vi anbefaler at neste program avtaler rollene med næringshagen før oppstart."
_PAGES = ["/desk", "/desk/inn", "/desk/rapporter", "/desk/brukere"]
Enter = Callable[..., Watched]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, world: World) -> Iterator[tuple[str, Config]]:
    """Return the address of a site with staff and a worker, and what it is made of."""
    home = tmp_path_factory.mktemp("upload") / "home"
    shutil.copytree(world.config.home, home)
    add_staff(home)
    config = replace(world.config, home=home, max_file_mb=1)
    stop = threading.Event()
    worker = Worker(config, lambda: world.encoder, stop=stop)
    work = threading.Thread(target=worker.run_forever, daemon=True)
    work.start()
    server = create_server(create_app(config, world.encoder), host="127.0.0.1", port=0)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}", config
    server.close()
    server.task_dispatcher.shutdown()
    stop.set()
    work.join()


@pytest.fixture
def enter(chromium: Browser, site: tuple[str, Config]) -> Iterator[Enter]:
    """Return a maker of pages that are logged in; the test fails if any of them saw a fault."""
    opened: list[Watched] = []
    auth.limiter.reset()

    def log_in(role: Role = Role.EDITOR, width: int = 1280, **options: Any) -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, locale="nb-NO", **options
        )
        watched = Watched(context.new_page(), site[0])
        watched.page.on("pageerror", lambda error: watched.faults.append(str(error)))
        watched.page.on(
            "console",
            lambda message: (
                watched.faults.append(message.text) if message.type == "error" else None
            ),
        )
        opened.append(watched)
        page = watched.go("/inn")
        page.get_by_label("Brukernavn").fill(NAMES[role])
        page.get_by_label("Passord").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/desk$"))
        return watched

    yield log_in
    for watched in opened:
        watched.page.context.close()
    assert [fault for watched in opened for fault in watched.faults] == []


def two_reports(folder: Path, name: str) -> list[Path]:
    """Write two reports that differ from all others."""
    paths = []
    for number in (1, 2):
        path = folder / f"{name} {number}.pdf"
        said = f"Programmet i {name} burde ha ansatt leder tidligere, minst {number} måned før."
        path.write_bytes(tiny_pdf([[f"Sluttrapport {name} {number}", _ADVICE, said]]))
        paths.append(path)
    return paths


def rows(page: Page, name: str) -> Any:
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))


def tab_to(page: Page, what: str) -> None:
    """Press Tab until the element that matches has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("what => document.activeElement.matches(what)", what):
            return
    raise AssertionError(f"Tab never reaches {what}")


def test_by_keyboard_alone_from_the_login_page_to_the_proposals(
    chromium: Browser, site: tuple[str, Config], tmp_path: Path
):
    auth.limiter.reset()
    page = chromium.new_page(locale="nb-NO")
    files = two_reports(tmp_path, "Tastevik")
    # Listened for from the start: the browser's own dialog wins a race with a late listener.
    page.on("filechooser", lambda chooser: chooser.set_files(files))
    page.goto(site[0] + "/desk/inn")
    expect(page).to_have_url(re.compile(r"/inn\?neste=/desk/inn$"))
    tab_to(page, "#name")
    page.keyboard.type(NAMES[Role.EDITOR])
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/desk/inn$"))

    tab_to(page, "#files")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen-files li")).to_have_count(2)
    tab_to(page, "form.upload button[type=submit]")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/desk/inn#jobber$"))
    for number in (1, 2):
        row = rows(page, f"Tastevik {number}.pdf")
        expect(row).to_contain_text("Ferdig", timeout=30_000)
        expect(row).to_contain_text("forslag å ta stilling til")
    tab_to(page, "#jobber .job-acts a")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/desk/rapport/"))
    page.context.close()


def test_the_list_follows_by_itself_and_then_rests(enter: Enter, tmp_path: Path):
    watched = enter()
    page = watched.go("/desk/inn")
    page.locator("#files").set_input_files(two_reports(tmp_path, "Skriptvik"))
    page.get_by_role("button", name="Legg inn").click()

    for number in (1, 2):
        expect(rows(page, f"Skriptvik {number}.pdf")).to_contain_text("Ferdig", timeout=30_000)
    expect(page.locator("#poll")).to_have_count(0)
    expect(page.locator("#jobs-summary")).to_contain_text("er ferdige")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2_600)
    assert asked == [], "nothing is asked when nothing is under way"


def test_the_same_without_javascript(enter: Enter, tmp_path: Path):
    page = enter(java_script_enabled=False).go("/desk/inn")
    page.locator("#files").set_input_files(two_reports(tmp_path, "Stillevik"))
    page.get_by_role("button", name="Legg inn").click()
    expect(page).to_have_url(re.compile("/desk/inn#jobber$"))

    for _ in range(60):
        again = page.get_by_role("link", name="Oppdater lista")
        if not again.count():
            break
        page.wait_for_timeout(500)
        with page.expect_navigation(wait_until="load"):
            again.click()
    for number in (1, 2):
        expect(rows(page, f"Stillevik {number}.pdf")).to_contain_text("Ferdig")
    page.get_by_role("button", name="Fjern fra lista Stillevik 1.pdf").click()
    expect(rows(page, "Stillevik 1.pdf")).to_have_count(0)


def held(store: Store, name: str) -> Job:
    """Queue a file and take it before the site's own worker does, which may be faster at times."""
    for attempt in range(20):
        sha256 = hashlib.sha256(f"{name} {attempt}".encode()).hexdigest()
        job = store.jobs.put(sha256=sha256, file=name, original=b"%PDF", by="kari")
        if store.jobs.claim("test", 60.0, only=job.id):
            return job
        while not store.jobs.get(job.id).state.is_over:
            time.sleep(0.05)
        store.jobs.forget(job.id)
    raise AssertionError("the worker was faster twenty times")


def test_the_focus_stays_where_it_is_while_the_list_follows(enter: Enter, site: tuple[str, Config]):
    with Store.open(site[1].home) as store:
        job = held(store, "i arbeid.pdf")
        page = enter().go("/desk/inn")
        button = page.get_by_role("button", name="Avbryt i arbeid.pdf")
        button.focus()
        for percent in (20, 40):
            store.jobs.beat(job, "test", stage="read", progress=percent / 100, lease_s=60.0)
            expect(rows(page, "i arbeid.pdf")).to_contain_text(f"{percent} prosent")
            expect(button).to_be_focused()
        button.press("Enter")
        expect(rows(page, "i arbeid.pdf")).to_contain_text("Avbrutt")
        store.jobs.forget(job.id)


def test_a_file_that_is_too_large_is_told_before_it_is_sent(enter: Enter, tmp_path: Path):
    large = tmp_path / "stor.pdf"
    large.write_bytes(b"%PDF" + b"x" * 1_200_000)
    page = enter().go("/desk/inn")

    page.locator("#files").set_input_files(large)

    told = page.locator("#chosen-files li")
    expect(told).to_have_text("stor.pdf (1,2 MB): større enn 1 MB, blir ikke lagt inn")


def test_a_session_that_ended_leads_a_page_that_follows_to_the_login(
    enter: Enter, site: tuple[str, Config]
):
    with Store.open(site[1].home) as store:
        job = held(store, "vent.pdf")
        watched = enter()
        page = watched.go("/desk/inn")
        store.accounts.end_sessions(NAMES[Role.EDITOR])

        expect(page).to_have_url(re.compile(r"/inn\?neste="))
        store.jobs.cancel(job.id)
        store.jobs.forget(job.id)
    watched.faults[:] = [fault for fault in watched.faults if "401" not in fault]


def test_a_one_time_link_logs_in_with_a_press_of_a_button(
    chromium: Browser, site: tuple[str, Config]
):
    with Store.open(site[1].home) as store:
        path = f"/inn/{accounts.demo_link(store)}"
    page = chromium.new_page(locale="nb-NO")

    page.goto(site[0] + path)
    page.get_by_role("main").get_by_role("button", name="Logg inn").press("Enter")

    expect(page).to_have_url(re.compile("/desk$"))
    expect(page.locator("body")).to_contain_text("Logget inn som demo")
    page.context.close()


# ---- everybody can use it


@pytest.fixture
def full(site: tuple[str, Config]) -> Iterator[None]:
    """Put one file of every kind on the list."""
    with Store.open(site[1].home) as store:
        jobs = store.jobs
        known = store.reports()[-1].report.id
        told = []
        for number, code in enumerate(("unreadable-report.needs-ocr", "already-ingested")):
            digest = f"{number:064}"
            job = jobs.put(sha256=digest, file=f"{'langt-navn-' * 9}.pdf", original=b"%", by="kari")
            if jobs.claim("test", 60.0, only=job.id):
                jobs.fail(job, "test", code, "x", report_id=known)
            told.append(job)
        running = jobs.put(sha256="a" * 64, file="leses.pdf", original=b"%", by="kari")
        if jobs.claim("test", 60.0, only=running.id):
            jobs.beat(running, "test", stage="embed", progress=0.5, lease_s=60.0)
        yield
        jobs.cancel(running.id)
        for job in (*told, running):
            jobs.forget(job.id)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_of_the_desk_breaks_a_rule(enter: Enter, full: None, width: int, scheme: str):
    watched = enter(Role.ADMINISTRATOR, width, color_scheme=scheme)

    broken = {path: violations(watched.go(path)) for path in [*_PAGES, "/", "/desk/finnes-ikke"]}

    watched.faults[:] = [fault for fault in watched.faults if "404" not in fault]
    assert {path: found for path, found in broken.items() if found} == {}


@pytest.mark.parametrize("path", ["/inn", "/inn/brukt", "/inn?ut=1"])
def test_no_page_of_the_login_breaks_a_rule(chromium: Browser, site: tuple[str, Config], path: str):
    page = chromium.new_page(locale="nb-NO", viewport={"width": 390, "height": 900})
    page.goto(site[0] + path)

    assert violations(page) == []
    page.context.close()


def test_nothing_of_the_desk_scrolls_sideways_on_a_narrow_window(enter: Enter, full: None):
    watched = enter(Role.ADMINISTRATOR, 320)
    wide = {}
    for path in [*_PAGES, "/"]:
        page = watched.go(path)
        page.evaluate(
            """() => { for (const each of document.querySelectorAll('*')) {
              each.style.lineHeight = '1.5';
              each.style.letterSpacing = '.12em';
              each.style.wordSpacing = '.16em';
            } }"""
        )
        if (width := page.evaluate("document.documentElement.scrollWidth")) > 320:
            wide[path] = width

    assert wide == {}


def test_the_keyboard_reaches_everything_on_the_upload_page(enter: Enter, full: None):
    page = enter().go("/desk/inn")
    expected = set(page.evaluate(_STOPS))
    reached, unseen = set(), []

    for _ in range(2 * len(expected) + 5):  # the list follows: what is new in it comes in between
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        if focus is not None:
            reached.add(focus["stop"])
            if not (focus["isSeen"] and focus["isInWindow"]):
                unseen.append(focus["name"])
        if expected <= reached:
            break

    assert expected - reached == set()
    assert unseen == []
