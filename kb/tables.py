"""TOML tables that know where they stand, so that every complaint can name the place.

For the files in ``corpus/`` that the people who know the field may edit.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from kb.errors import ConfigError

Patterns = tuple[re.Pattern[str], ...]
_Member = TypeVar("_Member", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Table:
    """A TOML table; ``error`` is raised for what is wrong in it, with place and expectation."""

    place: str
    values: Mapping[str, Any]
    error: type[ConfigError]

    def wrong(self, name: str, expected: str) -> ConfigError:
        """Return the complaint that ``name`` is not what was expected."""
        found = repr(self.values[name])[:60] if name in self.values else "nothing"
        return self.error(f"{self.place}: {name}: expected {expected}, found {found}")

    def only(self, *known: str) -> None:
        """Refuse names that mean nothing here: most often a slip of the pen."""
        for name in self.values:
            if name not in known:
                raise self.error(f"{self.place}: {name}: expected one of {', '.join(known)}")

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; () where nothing is said."""
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
            raise self.wrong(name, "a list of texts")
        return tuple(value)

    def number(self, name: str) -> float:
        """Return a number."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "a number")
        return float(value)

    def whole(self, name: str) -> int:
        """Return a whole number."""
        value = self.values.get(name)
        if type(value) is not int:
            raise self.wrong(name, "a whole number")
        return value

    def wholes(self, name: str) -> tuple[int, ...]:
        """Return a list of at least one whole number."""
        value = self.values.get(name)
        if not isinstance(value, list) or not value or not all(type(v) is int for v in value):
            raise self.wrong(name, "a list of whole numbers")
        return tuple(value)

    def flag(self, name: str) -> bool:
        """Return true or false; false where nothing is said."""
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def day(self, name: str) -> date:
        """Return a date, written 2026-11-23."""
        value = self.values.get(name)
        if type(value) is not date:
            raise self.wrong(name, "a date such as 2026-11-23")
        return value

    def member(self, members: type[_Member], name: str) -> _Member:
        """Return one of the values of ``members``."""
        try:
            return members(self.text(name))
        except ValueError as error:
            raise self.wrong(name, f"one of {', '.join(members)}") from error

    def patterns(self, name: str) -> Patterns:
        """Return a list of regular expressions; () where nothing is said."""
        compiled = []
        for position, source in enumerate(self.texts(name), start=1):
            try:
                compiled.append(re.compile(source))
            except re.error as error:
                message = f"{self.place}: {name}, number {position}: expected a regular expression"
                raise self.error(f"{message}, found {source!r}: {error}") from error
        return tuple(compiled)

    def table(self, name: str) -> "Table":
        """Return the table ``[name]``."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "a table")
        return Table(f"{self.place}: {name}", value, self.error)

    def tables(self, name: str) -> "list[Table]":
        """Return at least one ``[[name]]``."""
        value = self.values.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
            raise self.wrong(name, f"at least one [[{name}]]")
        return [
            Table(f"{self.place}: {name} {_called(table, position)}", table, self.error)
            for position, table in enumerate(value, start=1)
        ]


def read_tables(path: Path, error: type[ConfigError]) -> Table:
    """Return the whole of a TOML file.

    Raises:
        ConfigError: of the sort ``error``: the file cannot be read or is not TOML.
    """
    try:
        return Table(path.name, tomllib.loads(path.read_text(encoding="utf-8")), error)
    except OSError as reason:
        raise error(f"{path}: expected a file that can be read: {reason}") from reason
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise error(f"{path.name}: expected TOML in UTF-8: {reason}") from reason


def _called(table: Mapping[str, Any], position: int) -> str:
    name = table.get("id") or table.get("role")
    return f"«{name}»" if name else f"number {position}"
