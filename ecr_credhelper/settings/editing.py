"""Edit the text of the settings file: add and remove the fallback."""

import json


def with_fallback(text: str, suffix: str) -> str:
    """Add a fallback as the first line of the settings: at the end, it would belong to the last table."""
    return f"fallback = {json.dumps(suffix)}  # was the credsStore\n{text}"


def without_fallback(text: str, suffix: str) -> str:
    """Remove the line that ``with_fallback`` adds for this suffix, if the settings file contains it."""
    return f"\n{text}".replace(f"\n{with_fallback('', suffix)}", "\n", 1)[1:]
