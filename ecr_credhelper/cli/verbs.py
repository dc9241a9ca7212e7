"""The help for the commands of Docker's protocol, which clients call and users look up."""

from typing import NamedTuple

from ecr_credhelper.cli import as_sentence
from ecr_credhelper.errors import NOT_FOUND_TEXT, PROG


class Verb(NamedTuple):
    """A command of the protocol: what it does, and lines about its input, its output and how to try it."""

    name: str
    summary: str
    reads: tuple[str, ...]
    prints: tuple[str, ...]
    trial: tuple[str, ...]

    @property
    def description(self) -> str:
        """The summary as a sentence."""
        return as_sentence(self.summary)


VERBS = (
    Verb(
        "get",
        "return the login for a registry",
        ("the registry: a host, a URL or an image name",),
        (
            '{"ServerURL": "REGISTRY", "Username": "AWS", "Secret": "PASSWORD"}',
            "if there is no login for this registry, with exit status 1:",
            NOT_FOUND_TEXT,
            "on a failure, also with exit status 1, and on standard error too:",
            "one line with the reason",
        ),
        (
            f"echo HOST | {PROG} get",
            "This prints a password. To check a registry without printing one:",
            f"{PROG} doctor HOST",
        ),
    ),
    Verb(
        "store",
        "save a login until it expires",
        ('{"ServerURL": "REGISTRY", "Username": "AWS", "Secret": "PASSWORD"}',),
        ("nothing",),
        ("docker login --username AWS --password-stdin HOST",),
    ),
    Verb(
        "erase",
        "remove the login and the cached token of a registry",
        ("the registry: a host, a URL or an image name",),
        ("nothing",),
        ("docker logout HOST",),
    ),
    Verb(
        "list",
        "list the registries for which a login is available now",
        ("nothing",),
        ('{"REGISTRY": "AWS"}',),
        (f"{PROG} list",),
    ),
)
VERB_NAMES = [verb.name for verb in VERBS]


def verb_help(name: str) -> str:
    """Return the help for one of ``VERB_NAMES``."""
    verb = next(verb for verb in VERBS if verb.name == name)
    lines = [
        f"usage: {PROG} {verb.name}",
        "",
        verb.description,
        "Docker and other clients call this command. It takes no arguments.",
        "",
        "reads from standard input:",
        *(f"  {line}" for line in verb.reads),
        "",
        "prints on standard output:",
        *(f"  {line}" for line in verb.prints),
        "",
        "to try it:",
        *(f"  {line}" for line in verb.trial),
        "",
    ]
    return "\n".join(lines)
