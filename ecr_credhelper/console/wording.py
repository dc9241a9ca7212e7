"""Durations, counts and the reason why root does not use a cache, as the commands show them."""

from ecr_credhelper.files import foreign_directory

AS_ROOT = "run sudo with -H, or set AWS_ECR_CACHE_DIR to a directory that belongs to root"
"""The hint for a reason that ``why_unused`` returns."""


def format_duration(seconds: float) -> str:
    """Return a duration in hours and minutes, such as ``11 h 58 min``."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


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
