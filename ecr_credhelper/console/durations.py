"""Time spans for people."""


def format_duration(seconds: float) -> str:
    """Return a time span as people say it: ``11 h 58 min``."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
