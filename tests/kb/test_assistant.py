"""AI assistants get quotes with page and address, over both ways they can ask."""

import asyncio
import importlib.util
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mcp import Client, StdioServerParameters

from kb.__main__ import main
from kb.assistant import Assistant
from tests.fakes import BrokenEncoder
from tests.web.world import FJELLVIK, World, build_world

ROOT = Path(__file__).resolve().parents[2]
SERVE = """
import sys
from pathlib import Path
from kb.assistant import Assistant, serve
from kb.config import Config
from tests.fakes import WordHashEncoder
config = Config(home=Path(sys.argv[1]), public_url="https://erfaring.example.no")
http = ("127.0.0.1", int(sys.argv[2])) if len(sys.argv) > 2 else None
serve(Assistant(config, WordHashEncoder()), http, config.public_url)
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("assistant"))


@pytest.fixture(scope="module")
def assistant(world: World) -> Assistant:
    return Assistant(world.config, world.encoder)


def _in_own_thread(talk: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run ``talk``; a browser test before this one may have left its loop running here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(talk())).result()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    """Serve over HTTP in a process of its own; yield where."""
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(world.config.home), str(port)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        for _ in range(200):
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
        process.terminate()


@pytest.fixture(params=["stdio", "http"])
def way(request: pytest.FixtureRequest, world: World) -> object:
    """Return what a client connects to: a program it starts, or an address."""
    if request.param == "http":
        return request.getfixturevalue("address")
    arguments = ["-c", SERVE, str(world.config.home)]
    return StdioServerParameters(command=sys.executable, args=arguments, cwd=str(ROOT))


def test_a_client_searches_reads_and_lists(way: object, world: World):
    async def talk() -> tuple[object, ...]:
        async with Client(way) as client:
            tools = await client.list_tools()
            calls = [
                ("sok_laerdommer", {"sporsmal": "styret seminar mandatet", "antall": 2}),
                ("hent_laerdom", {"id": world.lessons["styret"]}),
                ("liste_temaer", {}),
                ("liste_program", {}),
                ("sok_laerdommer", {"sporsmal": "xyzzy"}),
            ]
            answers = [await client.call_tool(name, given) for name, given in calls]
            return tools.tools, [json.loads(one.content[0].text) for one in answers]

    tools, (found, lesson, themes, programmes, nothing) = _in_own_thread(talk)

    assert [one.name for one in tools] == [
        "sok_laerdommer", "hent_laerdom", "liste_temaer", "liste_program",
    ]  # fmt: skip
    schemas = [one.model_dump(mode="json", by_alias=True) for one in tools]
    assert "$ref" not in json.dumps(schemas)
    assert all(one["annotations"]["readOnlyHint"] for one in schemas)
    assert [len(found["lessons"]), found["total"] >= 2] == [2, True]
    assert {"text": FJELLVIK[1][1], "page": 2} == {
        name: lesson["quotes"][0][name] for name in ("text", "page")
    }
    assert lesson["url"] == f"https://erfaring.example.no/laerdom/{world.lessons['styret']}"
    assert len(themes["themes"]) == 26
    assert [one["id"] for one in programmes["programmes"]] == ["fjellvik", "harbour", "sundet"]
    assert (nothing["lessons"], nothing["total"]) == ([], 0)
    assert "ikke gjett" in nothing["message"]


def test_whatever_is_told_has_its_quote_page_and_address(assistant: Assistant, world: World):
    told = [
        *json.loads(assistant.sok_laerdommer("", antall=50))["lessons"],
        *(
            one["example"]
            for answer in (assistant.liste_temaer(), assistant.liste_program())
            for many in json.loads(answer).values()
            for one in many
            if one["lessons"]
        ),
    ]

    assert len(told) > 30
    for lesson in told:
        assert lesson["url"].endswith(f"/laerdom/{lesson['id']}")
        assert lesson["quotes"]
        for quote in lesson["quotes"]:
            assert quote["text"]
            assert quote["page"] >= 1
            assert f"/side/{quote['page']}?l={lesson['id']}" in quote["url"]


def test_the_addresses_are_those_of_the_site(assistant: Assistant, world: World):
    from web import create_app

    client = create_app(world.config, world.encoder).test_client()
    lesson = json.loads(assistant.hent_laerdom(world.lessons["styret"]))
    [first] = [
        one for one in json.loads(assistant.liste_program())["programmes"] if one["id"] == "sundet"
    ]

    for url in (lesson["url"], lesson["quotes"][0]["url"], first["url"]):
        assert client.get(re.sub("^http://[^/]+", "", url)).status_code == 200


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ({"tema": "finnes-ikke"}, "not-found", "liste_temaer"),
        ({"program": "finnes-ikke"}, "not-found", "liste_program"),
        ({"fase": "midten"}, "invalid-query", "gjennomforing"),
        ({"type": "ros"}, "invalid-query", "warning"),
    ],
)
def test_a_wrong_choice_is_answered_with_what_there_is(
    assistant: Assistant, given: dict, code: str, told: str
):
    answer = json.loads(assistant.sok_laerdommer("styret", **given))

    assert answer["error"] == code
    assert told in answer["message"]


def test_what_is_not_published_is_not_told(assistant: Assistant, world: World):
    for name in ("seminaret", "dette"):
        assert json.loads(assistant.hent_laerdom(world.lessons[name]))["error"] == "not-found"
    assert "kladd" not in assistant.liste_program().lower()


def test_a_fault_of_ours_is_told_without_its_details(world: World):
    answer = json.loads(Assistant(world.config, BrokenEncoder()).sok_laerdommer("styret"))

    assert answer["error"] in {"model-unavailable", "stale-index"}
    assert "on purpose" not in answer["message"]


def test_without_the_extra_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    said = CliRunner().invoke(main, ["mcp"])

    assert said.exit_code == 2
    assert "pip install 'erfaringsbanken[mcp]'" in said.stderr
