"""Find the line that botocore cannot parse in an AWS configuration file.

The messages of configparser are not shown: they quote lines, which can contain keys.
"""

import configparser
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ecr_credhelper.errors import ConfigurationError

if TYPE_CHECKING:
    from botocore import exceptions as aws

    from ecr_credhelper.aws.config_errors import Explanation


def syntax_problem(error: "aws.ConfigParseError") -> "Explanation | None":
    """Return why botocore cannot parse a configuration file, if the reason is known."""
    fields: dict[str, Any] = {**error.kwargs}
    path, cause = str(fields.get("path")), fields.get("error")
    hint = "correct it"
    match cause:
        case UnicodeDecodeError():
            reason, hint = f"{path} is not UTF-8 text", "save it as UTF-8 without a byte order mark"
        case configparser.DuplicateSectionError(section=section, lineno=line):
            reason, hint = f"{path} has a second section [{section}] in line {line}", "merge the two sections"
        case configparser.DuplicateOptionError(section=section, option=option, lineno=line):
            reason = f"section [{section}] of {path} sets {option} twice, again in line {line}"
            hint = "remove one of them"
        case configparser.MissingSectionHeaderError(line=text, lineno=line) if text.startswith("["):
            reason, hint = (
                f"the section in line {line} of {path} has no closing bracket",
                "write ] at its end",
            )
        case configparser.ParsingError(errors=[(line, text), *_]) if text.lstrip("'\"").startswith("["):
            reason, hint = (
                f"the section in line {line} of {path} has no closing bracket",
                "write ] at its end",
            )
        case configparser.MissingSectionHeaderError() if _has_byte_order_mark(path):
            reason, hint = (
                f"{path} starts with a byte order mark",
                "save it as UTF-8 without a byte order mark",
            )
        case configparser.MissingSectionHeaderError(lineno=line):
            reason = f"line {line} of {path} precedes the first [section]"
        case configparser.ParsingError(errors=[(line, _), *_]):
            reason = f"line {line} of {path} is not NAME = VALUE"
        case _ if line := _indented_line(path):
            reason = f"line {line} of {path} is indented, but not NAME = VALUE"
        case _:
            return None
    return ConfigurationError, reason, hint


def _has_byte_order_mark(path: str) -> bool:
    """Return whether a file starts with a mark. Windows decodes UTF-16 too, as text in its own encoding."""
    with suppress(OSError), open(path, "rb") as file:
        return file.read(len(BOM_UTF8)).startswith((BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE))
    return False


def _indented_line(path: str) -> int | None:
    """Return the number of the first indented line without an equals sign, if the file can still be read."""
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        wrong = (
            n for n, line in enumerate(file, 1) if line[:1].isspace() and line.strip() and "=" not in line
        )
        return next(wrong, None)
    return None
