"""Recognize misspelled regions. An unknown region that is well-formed can be a new one."""

import json
import os
from functools import cache
from typing import TYPE_CHECKING

from ecr_credhelper.console.wording import did_you_mean, similar
from ecr_credhelper.errors import UnsupportedRegistryError
from ecr_credhelper.registry import is_region

if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTIONS = {
    *("north", "south", "east", "west", "central"),
    *("northeast", "northwest", "southeast", "southwest"),
}
"""Words of regions, also of future ones."""

MIN_WORD = 4
"""Minimum length of a word in which a typing error is recognized: shorter ones are countries."""


def check_region(region: str, warn: "Callable[[str], object]") -> None:
    """Raise UnsupportedRegistryError if a region is misspelled, and warn if it is not known."""
    if error := wrong_region(region):
        raise error
    known = known_regions()
    if known and region not in known:
        warn(f"{region} is not a known region")


def wrong_region(region: str) -> UnsupportedRegistryError | None:
    """Return the error for a misspelled region, or None if it is known or can be a new one.

    In a new region, each word is a country or a direction.
    """
    known = known_regions()
    if region in known:
        return None
    words = DIRECTIONS.union(*(name.split("-") for name in known))
    unknown = [word for word in region.split("-") if len(word) >= MIN_WORD and word not in words]
    is_misspelled = any(similar(word, words) for word in unknown)
    if is_region(region) and region.islower() and not is_misspelled:
        return None
    hint = did_you_mean(region.lower(), known, "use a region such as us-west-2")
    return UnsupportedRegistryError("", f"{region} is not a known region", hint)


@cache
def known_regions() -> frozenset[str]:
    """Return the regions that the installed botocore knows, without importing it."""
    from importlib.util import find_spec

    spec = find_spec("botocore")
    return regions_in(os.path.join(os.path.dirname((spec and spec.origin) or ""), "data/partitions.json"))


def regions_in(path: str) -> frozenset[str]:
    """Return the regions in a file with botocore's partitions, or none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            partitions = json.load(file)["partitions"]
        return frozenset(name for partition in partitions for name in partition["regions"] if is_region(name))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # another version of botocore
        return frozenset()
