"""Settings: read once, told with their source, and refused when misspelt."""

from pathlib import Path

import pytest

from kb.config import Config
from kb.errors import ConfigError


def test_without_an_environment_all_is_default() -> None:
    config = Config.load({})

    assert config.home.is_absolute()
    assert config == Config(home=config.home)
    assert (config.corpus / "taxonomy.toml").is_file()
    assert {source for _, _, source in config.explain({})} == {"default"}


def test_a_setting_of_each_kind_is_read(tmp_path: Path) -> None:
    environ = {
        "KB_HOME": str(tmp_path),
        "KB_PORT": "8080",
        "KB_MODEL": "some/model",
        "KB_ACCESSIBILITY_URL": "https://example.org/uu",
        "PATH": "/bin",
        "kb_port": "no",
    }

    config = Config.load(environ)

    assert (config.home, config.port, config.model) == (tmp_path, 8080, "some/model")
    told = {name: (value, source) for name, value, source in config.explain(environ)}
    assert told["port"] == ("8080", "KB_PORT")
    assert told["host"] == ("127.0.0.1", "default")


def test_paths_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))

    assert Config.load({"KB_HOME": "data"}).home == tmp_path / "data"
    assert Config.load({"KB_HOME": "~/data"}).home == tmp_path / "me" / "data"


@pytest.mark.parametrize("name", ["KB_HOEM", "KB_", "KB_PORT_", "KB_EXPLAIN", "KB_Hom"])
def test_a_misspelt_setting_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is not a setting; known: .*home"):
        Config.load({name: "x"})


@pytest.mark.parametrize("value", ["", "x", "-1", "8000.0", "8 000", "1e3", "0x10"])
def test_a_number_must_be_whole(value: str) -> None:
    with pytest.raises(ConfigError, match="KB_PORT"):
        Config.load({"KB_PORT": value})
