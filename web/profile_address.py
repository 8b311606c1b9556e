"""The reader's own programme as an address and back: the one place that knows ``?min-fase=…``.

The names differ from those of the search's filters: «we are in this phase» is no filter.
"""

from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from kb.domain import Phase, ProgrammeType
from kb.errors import InvalidQueryError
from kb.process import Month
from kb.profile import LENGTHS, SIZES, Profile
from web import auth
from web.context import store

PHASE, YEAR, MONTH = "min-fase", "min-ar", "min-maned"
TYPE, LENGTH, SIZE = "min-type", "min-lengde", "min-kommuner"
_YEARS = range(1980, 2100)


def read_profile(args: MultiDict[str, str]) -> Profile:
    """Return what an address tells of the reader's programme; what it leaves open is None.

    A year without its month, or the other way round, tells no start.

    Raises:
        InvalidQueryError: a value cannot be what its name says.
    """
    year, month = _number(args, YEAR, _YEARS), _number(args, MONTH, range(1, 13))
    phase, programme_type = args.get(PHASE, ""), args.get(TYPE, "")
    if phase not in {"", *Phase}:
        raise InvalidQueryError(f"{PHASE} is one of {', '.join(Phase)}")
    if programme_type not in {"", *ProgrammeType}:
        raise InvalidQueryError(f"{TYPE} is one of {', '.join(ProgrammeType)}")
    return Profile(
        phase=Phase(phase) if phase else None,
        start=Month(year, month) if year and month else None,
        programme_type=ProgrammeType(programme_type) if programme_type else None,
        years=_number(args, LENGTH, LENGTHS),
        municipalities=_number(args, SIZE, SIZES),
    )


def write_profile(profile: Profile) -> dict[str, Any]:
    """Return what ``url_for`` needs to address ``profile``; ``read_profile`` gives it back."""
    values = {
        PHASE: profile.phase,
        YEAR: profile.start.year if profile.start else None,
        MONTH: profile.start.number if profile.start else None,
        TYPE: profile.programme_type,
        LENGTH: profile.years,
        SIZE: profile.municipalities,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def kept_profile() -> Profile | None:
    """Return what the account that is logged in told of its programme."""
    known = auth.account()
    return None if known is None else store().leaders.profile(known.name)


def own_profile() -> Profile:
    """Return the profile of this request: that of the address, else the one that is kept."""
    told = read_profile(request.args)
    return told if not told.is_empty else kept_profile() or told


def _number(args: MultiDict[str, str], name: str, allowed: range) -> int | None:
    raw = args.get(name, "").strip()
    if not raw:
        return None
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 4 and int(raw) in allowed):  # noqa: PLR2004 - the longest is a year
        raise InvalidQueryError(f"{name} is a number from {allowed[0]} to {allowed[-1]}")
    return int(raw)
