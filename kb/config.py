"""Settings: defaults, then the environment. Read once, at the program's door.

Every setting is ``KB_`` and its name in capitals. A misspelt setting is refused, not ignored.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from kb.errors import ConfigError

_HERE = Path(__file__).resolve().parent
_PREFIX = "KB_"
_TLS = ("starttls", "tls", "none")
_SECRET, _HIDDEN = frozenset({"smtp_password"}), "********"
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
    public_url: str = ""
    """Where the site is reached from outside, for links in feeds, mails and the interface."""
    smtp_host: str = ""
    """Mail server that e-mails are handed to; none are sent while it is empty."""
    smtp_port: int = 587
    """Port of the mail server."""
    smtp_tls: str = "starttls"
    """``starttls`` (usual on port 587), ``tls`` (from the first byte, port 465) or ``none``."""
    smtp_user: str = ""
    """Account at the mail server, if it asks for one."""
    smtp_password: str = field(default="", repr=False)
    """Password of that account; ``kb config`` does not show it."""
    smtp_from: str = ""
    """Address that e-mails come from."""

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Return the defaults overridden by ``KB_*``.

        Raises:
            ConfigError: a ``KB_`` name is unknown or its value has the wrong form.
        """
        config = cls(home=Path(platformdirs.user_data_path("erfaringsbanken")))
        known = {one.name for one in fields(cls)}
        for variable, raw in environ.items():
            if not variable.startswith(_PREFIX):
                continue
            name = variable.removeprefix(_PREFIX).lower()
            if name not in known:
                raise ConfigError(f"{variable} is not a setting; known: {', '.join(sorted(known))}")
            parsed: Any = _parse(variable, raw, getattr(config, name))
            config = replace(config, **{name: parsed})
        return _checked(config)

    def explain(self, environ: Mapping[str, str] = os.environ) -> tuple[tuple[str, str, str], ...]:
        """Return (name, value, where it came from) of each setting, in the order above."""
        return tuple(
            (
                one.name,
                _HIDDEN if one.name in _SECRET and value else value,
                variable if (variable := _PREFIX + one.name.upper()) in environ else "default",
            )
            for one in fields(self)
            for value in [str(getattr(self, one.name))]
        )


def _checked(config: Config) -> Config:
    """Return ``config`` if its settings go together and are ready to use."""
    if config.smtp_tls not in _TLS:
        raise ConfigError(f"KB_SMTP_TLS={config.smtp_tls!r} is not one of {', '.join(_TLS)}")
    config = replace(config, public_url=config.public_url.rstrip("/"))
    site = urlsplit(config.public_url)
    if config.public_url and not (site.scheme in ("http", "https") and site.hostname):
        raise ConfigError(f"KB_PUBLIC_URL={config.public_url!r} is not an address of a site")
    if config.smtp_host and not (config.smtp_from and config.public_url):
        raise ConfigError("KB_SMTP_HOST needs KB_SMTP_FROM and KB_PUBLIC_URL")
    return config


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
