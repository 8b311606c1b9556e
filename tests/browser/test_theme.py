"""A theme that people have worked on, and the matrix, for everybody and on a narrow window."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waitress.server import create_server

from kb.config import Config
from kb.desk import Desk
from kb.relations import RelationKind
from kb.store import Stance, Store, Verdict
from tests.browser.conftest import Watched
from tests.browser.test_access import violations
from tests.web.world import CORPUS, FJELLVIK, HARBOUR, World
from web import create_app

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]


@pytest.fixture(scope="module")
def base(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a site in which people have related lessons."""
    home = Path(shutil.copytree(world.config.home, tmp_path_factory.mktemp("theme") / "home"))
    with Store.open(home) as store:
        own = store.lessons(store.lesson_ids())
        ids = {lesson.statement: id_ for id_, lesson in own.items()}
        desk = Desk(store, lambda: world.encoder, "kari")
        for first, second, kind in (
            (FJELLVIK[1][1], HARBOUR[1], RelationKind.SAMME),
            (HARBOUR[2], FJELLVIK[1][4], RelationKind.MOTSIER),
        ):
            desk.relate(ids[first], ids[second], Stance(kind, Verdict.ACCEPTED), None)
    app = create_app(Config(home=home, corpus=CORPUS), world.encoder)
    server = create_server(app, host="127.0.0.1", port=0)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_rows_and_sides_break_no_rule(watch: Watch, width: int, scheme: str):
    page = watch(width, color_scheme=scheme).go("/tema/styreseminar")
    page.evaluate("document.querySelectorAll('.quote-fold').forEach(box => { box.open = true })")

    assert page.locator(".cluster").count() == 1
    assert page.locator(".disagreement .side").count() == 2
    assert violations(page) == []


def test_sides_stand_beside_each_other_where_there_is_room(watch: Watch):
    sides = watch(1280).go("/tema/styreseminar").locator(".disagreement > .side")
    wide = [sides.nth(place).bounding_box() for place in (0, 1)]
    assert wide[0]["y"] == wide[1]["y"]
    assert wide[0]["x"] + wide[0]["width"] <= wide[1]["x"] + 1

    page = watch(320).go("/tema/styreseminar")
    sides = page.locator(".disagreement > .side")
    narrow = [sides.nth(place).bounding_box() for place in (0, 1)]
    assert narrow[0]["y"] + narrow[0]["height"] <= narrow[1]["y"] + 1
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_matrix_is_a_list_per_theme_on_a_phone(watch: Watch):
    page = watch(390).go("/matrise")

    region = page.locator(".scroller")
    assert region.evaluate("box => box.scrollWidth <= box.clientWidth")
    names = page.locator("td[class^=heat] .cell-name")
    assert names.first.inner_text() == "Fjellvik i vekst"
    assert names.first.bounding_box()["width"] > 50

    names = watch(1280).go("/matrise").locator("td[class^=heat] .cell-name")
    assert names.first.bounding_box()["width"] <= 1, "the head of the column says it"
