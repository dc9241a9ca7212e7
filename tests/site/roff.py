"""Convert the man page to Markdown. Only the requests that ``tests/man_page.py`` writes are supported."""

from __future__ import annotations

from html import escape

ESCAPES = (("\\&", ""), ("\\-", "-"), ("\\(ti", "~"), ("\\e", "\\"))
WITHOUT_TEXT = (".nh", ".EE")


def markdown(roff: str) -> str:
    """Return a page with the text of a man page: sections are headings, ``.TP`` is a definition list.

    Raises:
        ValueError: the man page contains another request.

    """
    page: list[str] = []
    lines = iter([line for line in roff.splitlines() if line not in WITHOUT_TEXT])
    is_definition = False
    for line in lines:
        request, _, argument = line.partition(" ")
        text = plain(argument)
        match request:
            case ".TH":
                page.append(f"# {text.split()[0].lower()}(1)\n")
            case ".SH" | ".SS":
                is_definition = False
                is_section = request == ".SH"
                page.append(
                    f"\n## {text.capitalize()}\n" if is_section else f"\n### {text.split()[0]}\n\n`{text}`\n"
                )
            case ".TP":
                is_definition = True
                term = next(lines)
                bold = term.removeprefix(".B ")
                page.append(f"\n{plain(bold) if bold == term else f'`{plain(bold)}`'}")
            case ".EX":
                page.append(f":   `{plain(next(lines))}`")
            case ".B" | ".BR":
                name, _, rest = text.partition(" ")
                page.append(f"**{name}**{rest}" if request == ".BR" else f"**{text}**")
            case ".br":
                page.append("<br>")
            case _ if request.startswith("."):
                raise ValueError(f"unknown request: {line}")
            case _:
                page.append(f":   {html(line)}" if is_definition else html(line))
    return "\n".join([*page, ""])


def plain(text: str) -> str:
    """Return text without the escapes of roff."""
    for code, character in ESCAPES:
        text = text.replace(code, character)
    return text


def html(text: str) -> str:
    """Return text without the escapes of roff, and without the special characters of HTML and Markdown."""
    text = escape(plain(text), quote=False)
    return "".join(f"\\{character}" if character in "*_`[]\\" else character for character in text)
