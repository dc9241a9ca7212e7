"""Find the AWS account in an ARN and in the command line of a ``credential_process``."""

import shlex
import sys
from typing import TYPE_CHECKING

from ecr_credhelper.registry import ACCOUNT_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN_PARTS = 6

PROGRAMS = ("aws-sso", "saml2aws", "aws_signing_helper", "isengardcli")
"""Programs with the account or the role in their command line.

Their command lines: https://github.com/synfinatic/aws-sso-cli, https://github.com/Versent/saml2aws and
https://github.com/aws/rolesanywhere-credential-helper. isengardcli is a tool within Amazon.
"""


def is_account(text: str) -> bool:
    """Return whether a text is an account ID."""
    return len(text) == ACCOUNT_DIGITS and text.isascii() and text.isdecimal()


def account_in_arn(arn: str) -> str:
    """Return the account in an ARN, or an empty string."""
    parts = arn.split(":", ARN_PARTS - 1)
    is_complete = len(parts) == ARN_PARTS and parts[0] == "arn"
    return parts[4] if is_complete and is_account(parts[4]) else ""


def account_in_command(command: str, platform: str = sys.platform) -> str:
    """Return the account in the command line of a ``credential_process``, or an empty string.

    The command line must run one of ``PROGRAMS``, directly or after the ``--`` of another program
    (``op run -- saml2aws …``).
    """
    try:
        words = _split(command, platform)
    except ValueError:  # an unclosed quotation mark
        return ""
    for start in (0, *(number for number, word in enumerate(words, 1) if word == "--")):
        program = "".join(words[start : start + 1]).replace("\\", "/").rpartition("/")[2]
        program = program.removesuffix(".exe")
        if program in PROGRAMS:
            found = (_account_in(program, *option) for option in _options(words[start + 1 :]))
            return next(filter(is_account, found), "")
    return ""


def _account_in(program: str, option: str, value: str) -> str:
    """Return the account that an option of a program selects. It is not checked for its form."""
    match program, option:
        case "aws-sso", "--arn" | "-a":
            return account_in_arn(value) or value.partition(":")[0]  # It also accepts ACCOUNT:ROLE.
        case "aws-sso", "--account" | "-A":
            return value
        case ("saml2aws", "--role") | ("aws_signing_helper", "--role-arn"):
            return account_in_arn(value)
        case "isengardcli", name if name != "--role":  # only the name of a role
            return value
    return ""


def _options(words: list[str]) -> "Iterator[tuple[str, str]]":
    """Yield the options and their values. Words without an option before them have an empty one."""
    option = ""
    for word in words:
        if word.startswith("-"):
            option, has_value, value = word.partition("=")
            if has_value:
                yield option, value
        else:
            yield option, word
            option = ""


def _split(command: str, platform: str) -> list[str]:
    """Return the words of a command line, as botocore does."""
    lexer = shlex.shlex(command, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    if platform == "win32":
        lexer.escape, lexer.quotes = "", '"'
    return list(lexer)
