"""Wording that errors and commands share: times, counts, suggestions, and why root does not use a cache."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecr_credhelper.files import foreign_directory

if TYPE_CHECKING:
    from collections.abc import Iterable

AS_ROOT = "run sudo with -H, or set AWS_ECR_CACHE_DIR to a directory that belongs to root"
"""The hint for a reason that ``why_unused`` returns."""

MAX_ZONE = 5
"""Maximum length of a time zone's name in characters. Longer names are replaced by the offset."""


def format_duration(seconds: float) -> str:
    """Return a duration in hours and minutes, such as ``11 h 58 min``."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def format_time(moment: datetime) -> str:
    """Return a time in the local time zone, such as ``2026-11-26 18:30 CET`` or ``… UTC+1``."""
    local = moment.astimezone()
    zone = local.tzname() or ""
    if not (zone.isascii() and zone.isalpha() and len(zone) <= MAX_ZONE):  # Windows has names in words.
        offset = local.strftime("%z")
        hours, minutes = offset[1:3].lstrip("0") or "0", offset[3:5]
        zone = f"UTC{offset[0]}{hours}{'' if minutes == '00' else f':{minutes}'}"
    return f"{local:%Y-%m-%d %H:%M} {zone}"


def utc_time(seconds: float) -> str:
    """Return a time in seconds since the epoch in ISO 8601, such as ``2026-11-26T17:30:00Z``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural."""
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def similar(word: str, known: "Iterable[str]", likeness: float = 0.6) -> str:
    """Return the known word that a misspelled one resembles most, or an empty string.

    ``likeness`` is the minimum similarity, where 1 is equal.
    """
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, 1, likeness)), "")


def did_you_mean(word: str, known: "Iterable[str]", otherwise: str = "") -> str:
    """Return a hint to the known word that a misspelled one resembles most, or ``otherwise``."""
    found = similar(word, known)
    return f"did you mean {found}?" if found else otherwise


def why_unused(cache_directory: str) -> str:
    """Return why root does not use this cache directory, or an empty string."""
    foreign = foreign_directory(cache_directory)
    if foreign is None:
        return ""
    import pwd

    directory, uid = foreign
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = str(uid)
    return f"{directory} belongs to user {owner}, but this process runs as root"
