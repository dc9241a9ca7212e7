"""Durations and counts, as the commands show them."""


def format_duration(seconds: float) -> str:
    """Return a duration in hours and minutes, such as ``11 h 58 min``."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
