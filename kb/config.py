"""Settings: defaults, then the environment. Read once, at the program's door.

Every setting is ``KB_`` and its name in capitals. A misspelt setting is refused, not ignored.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from kb.errors import ConfigError

_HERE = Path(__file__).resolve().parent
_PREFIX = "KB_"
_MOST = 65_535  # the highest port; no other number needs more


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings with their defaults."""

    home: Path
    """Folder of the database, the original files, the indexes and the model cache."""
    corpus: Path = _HERE.parent / "corpus"
    """Folder of ``taxonomy.toml`` and the sample reports."""
    model: str = "default"
    """``default`` is the bundled multilingual-e5-small; else a Sentence Transformers model."""
    host: str = "127.0.0.1"
    """Address that ``kb serve`` listens on."""
    port: int = 8000
    """Port that ``kb serve`` listens on."""
    max_file_mb: int = 50
    """A larger report is refused (megabytes)."""
    max_pages: int = 600
    """A longer report is refused (pages)."""
    accessibility_url: str = ""
    """Address of the accessibility statement that the owner has published; linked in the footer."""

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Return the defaults overridden by ``KB_*``.

        Raises:
            ConfigError: a ``KB_`` name is unknown or its value has the wrong form.
        """
        config = cls(home=Path(platformdirs.user_data_path("erfaringsbanken")))
        known = {field.name for field in fields(cls)}
        for variable, raw in environ.items():
            if not variable.startswith(_PREFIX):
                continue
            name = variable.removeprefix(_PREFIX).lower()
            if name not in known:
                raise ConfigError(f"{variable} is not a setting; known: {', '.join(sorted(known))}")
            parsed: Any = _parse(variable, raw, getattr(config, name))
            config = replace(config, **{name: parsed})
        return config

    def explain(self, environ: Mapping[str, str] = os.environ) -> tuple[tuple[str, str, str], ...]:
        """Return (name, value, where it came from) of each setting, in the order above."""
        return tuple(
            (
                field.name,
                str(getattr(self, field.name)),
                variable if (variable := _PREFIX + field.name.upper()) in environ else "default",
            )
            for field in fields(self)
        )


def _parse(variable: str, raw: str, default: object) -> object:
    if isinstance(default, Path):
        return Path(raw).expanduser().absolute()
    if isinstance(default, int):
        if not raw.isdecimal():
            raise ConfigError(f"{variable}={raw!r} is not a whole number")
        if not 0 < int(raw) <= _MOST:
            raise ConfigError(f"{variable}={raw} is not between 1 and {_MOST}")
        return int(raw)
    return raw
