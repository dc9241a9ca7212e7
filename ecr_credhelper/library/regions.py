"""The regions that botocore knows."""

import json
import os


def known_regions() -> frozenset[str]:
    """Return the regions that the installed botocore knows, without importing it."""
    from importlib.util import find_spec

    spec = find_spec("botocore")
    path = os.path.join(os.path.dirname((spec and spec.origin) or ""), "data/partitions.json")
    with open(path, "rb") as file:
        partitions = json.load(file)["partitions"]
    return frozenset(name for partition in partitions for name in partition["regions"])
