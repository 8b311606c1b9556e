"""Everybody can use the site: rules of WCAG 2.2 AA that a machine can check, on every page."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser

_AXE = (Path(__file__).resolve().parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """axe.run(document, {runOnly: {type: 'tag', values: %s}}).then(found => ({
  passes: found.passes.length,
  violations: found.violations.map(each =>
    each.id + ': ' + each.nodes.map(node => node.target.join(' ')).join(' | ')),
}))"""
Watch = Callable[..., Watched]


def violations(page: Page) -> list[str]:
    """Run axe in a world of its own, so that the page keeps its policy and Trusted Types."""
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
    context = world["executionContextId"]
    session.send("Runtime.evaluate", {"expression": _AXE, "contextId": context})
    answer = session.send(
        "Runtime.evaluate",
        {
            "expression": _RUN % json.dumps(_RULES),
            "contextId": context,
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    session.detach()
    found: dict[str, Any] = answer["result"]["value"]
    assert found["passes"] > 10, "axe did not run"
    return found["violations"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_breaks_a_rule(watch: Watch, paths: dict[str, str], width: int, scheme: str):
    watched = watch(width, color_scheme=scheme)

    broken = {name: violations(watched.go(path)) for name, path in paths.items()}

    assert {name: found for name, found in broken.items() if found} == {}


def test_open_boxes_break_no_rule(watch: Watch, paths: dict[str, str]):
    watched = watch()
    for name in ("search", "source", "report"):
        page = watched.go(paths[name])
        page.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true })")
        assert violations(page) == [], name


def test_forced_colours_break_no_rule(watch: Watch, paths: dict[str, str]):
    watched = watch(forced_colors="active")

    for name in ("search", "matrix"):
        assert violations(watched.go(paths[name])) == [], name


def test_nothing_scrolls_sideways_on_a_narrow_window(watch: Watch, paths: dict[str, str]):
    """WCAG 1.4.10 at 320 px, and 1.4.12 with wider text."""
    watched = watch(320, 800)
    wide = {}
    for name, path in paths.items():
        page = watched.go(path)
        plain = page.evaluate("document.documentElement.scrollWidth")
        page.evaluate(
            """() => { for (const each of document.querySelectorAll('*')) {
              each.style.lineHeight = '1.5';
              each.style.letterSpacing = '.12em';
              each.style.wordSpacing = '.16em';
            } }"""
        )
        spaced = page.evaluate("document.documentElement.scrollWidth")
        if max(plain, spaced) > 320:
            wide[name] = (plain, spaced)

    assert wide == {}


_STOPS = """() => {
  const can = 'a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex="0"]';
  let number = 0;
  return [...document.querySelectorAll(can)].filter(each => each.checkVisibility()).map(each => {
    each.dataset.stop = number++;
    return each.dataset.stop;
  });
}"""
_FOCUS = """() => {
  const each = document.activeElement;
  if (!each || each === document.body) return null;
  const seen = element => {
    const style = element && getComputedStyle(element);
    return style && ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)
      || style.boxShadow !== 'none');
  };
  const box = each.getBoundingClientRect();
  return {stop: each.dataset.stop, name: each.outerHTML.slice(0, 90),
    isSkipLink: each.classList.contains('ds-skip-link'),
    isSeen: seen(each) || seen(each.closest('.ds-field,.ds-chip')),
    isInWindow: box.width > 0 && box.bottom > 0 && box.top < innerHeight};
}"""


@pytest.mark.parametrize("name", ["front", "search with filters", "lesson", "matrix", "source"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    watch: Watch, paths: dict[str, str], name: str
):
    page = watch().go(paths[name])
    expected = set(page.evaluate(_STOPS))
    reached, unseen = set(), []

    for step in range(len(expected) + 3):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        if focus is None:
            continue
        if step == 0:
            assert focus["isSkipLink"]
        reached.add(focus["stop"])
        if not (focus["isSeen"] and focus["isInWindow"]):
            unseen.append(focus["name"])

    assert expected - reached == set()
    assert unseen == []


def test_the_first_stop_leads_past_the_menu(watch: Watch):
    page = watch().go("/sok?q=styret")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "innhold"


def test_print_leaves_out_what_paper_cannot_use(watch: Watch, paths: dict[str, str]):
    page = watch().go(paths["search"])

    page.emulate_media(media="print")

    assert not page.locator(".filters").is_visible()
    assert not page.locator(".top-nav").is_visible()
    assert page.locator(".card").first.is_visible()
