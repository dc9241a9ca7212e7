"""Choose the line of a program's error output that explains its failure, and remove secrets from it.

A secret has no form of its own: it can be a word, a number or a phrase. Therefore a line that mentions a
secret keeps only the words of a vocabulary, and a line that mentions none loses what looks like a secret.
"""

import re

MAX_LINE = 200
"""Maximum number of characters of a program's error text in our error."""

MAX_INPUT = 1000
"""Maximum number of characters of a line that are read: the expressions below take longer for long lines."""

ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)")
"""ANSI escape sequences."""

TRACE = re.compile(
    r"\s+at\s.*|at\s.*[(/:].*:\d+\)?|\s*\.{3} \d+ more|\s*File \".*\", line \d+.*|goroutine \d+ .*"
    r"|[\w.*/()]+\(\S*\)|\s+/\S+:\d+.*|Node\.js v\S+|exit status \d+|\W*"
)
"""Lines of a stack trace, and lines without words."""

LOOKS_SECRET = re.compile(
    r"(?<=://)\S+(?=@)|[?&#]\S+|\b(?:AKIA|ASIA)\w+"
    r"|\b(?:sk|gh[a-z]|github_pat|glpat|xox\w|hvs|npm|pypi)[-_.][\w-]+|\beyJ[\w.+/=-]+"
    r"|(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{20,}|\b\d{3}[ -]\d{3}\b"
)
"""Passwords and parameters in URLs, key IDs, known kinds of tokens, long texts with digits, MFA codes."""

MENTION = re.compile(
    r"pass|pwd|pw\b|(?<!\S)-[pu]\b|secret|token|credential|auth|bearer|basic|cookie|saml[_-]?re|assertion|jwt|otp|mfa|totp|2fa"
    r"|key|code|signature|\bsig\b|\bpins?\b|\bsid\b|session[_-]?id|session\s*=|digest|negotiate|ntlm"
    r"|seed|hash|nonce|answer|verif|challenge|one[ -]time",
    re.IGNORECASE,
)
"""Words for a secret, and the options of programs that take one."""

ASSIGNMENT = re.compile(r"(?<![\w-])(?P<name>[\w-]+)[\"'`\]]*\s*(?P<sign>=>?|:=?)\s*")
"""A name and the sign before its value."""

NOT_A_NAME = re.compile(r"credentials?|auth|saml2aws", re.IGNORECASE)
"""Words that usually precede a colon and a reason: ``cannot get credentials: the session has expired``."""

MIN_SENTENCE = 3
"""Minimum number of known words after a colon for a reason; fewer could be a password."""

MAX_DIGITS = 3
"""Maximum number of digits that are kept, for example an HTTP status: an MFA code has six."""

VOCABULARY = """
pass password passwords passwd pwd passphrase passcode secret secrets token tokens credential credentials
auth authentication authenticate authenticated authenticating authorization authorisation authorized
unauthorized authorize oauth bearer basic cookie cookies saml assertion jwt otp totp mfa key keys api id
ids code codes signature pin sid session sessions identity refresh refreshing private public access
security amz x client server service user username users account accounts role roles profile profiles
device response request requests requested status exit error errors fatal warning warn info debug
exception a an the this that these your you is are was were be been has have had not no none nor any and
or but if it its of to in on at by for from with without within into as when while until than then
because before after again please run use using try set see get got getting check make sure ensure must
should can cannot could did does do done will would need needs needed require requires required new old
other only already yet too log logged login logins logout sign signed signin sso reauthenticate configure
configured configuration config setting settings file files cache cached keychain keyring browser prompt
terminal command tool expire expired expires expiring expiration invalid valid wrong incorrect missing
empty unknown unable unsupported malformed failed failure fails fail failing found find denied deny
forbidden refused rejected revoked locked disabled unavailable unreachable timeout timed out connection
network proxy host url retrieve retrieved retrieving load loading read reading write parse parsing create
creating exchange assume assuming process provide provided provider returned received sent open opening
grant operation http https aws iam sts ec2 okta azure google github gitlab saml2aws granted awsume leapp
vault gimme creds cli certificate verify verification answer challenge one time dev prod default test
production staging locate running associated otherwise corresponding exist exists matching select choose
enter entered via first next more later now renew rotate permission permissions allowed allow policy rate
limit limited exceeded internal bad gateway unexpected end eof stored store storage unlock agent daemon
socket start started stop stopped up down available supported visit page link
"""

KNOWN = frozenset(VOCABULARY.split())
"""Words that are kept in a line that mentions a secret."""

BEFORE_VALUE = (":", "=", "?", "[", "{", "(", "|", ">", ">-")
"""Ends of a line whose value is on the next line: a prompt, JSON or YAML."""

PUNCTUATION = ".,:;!?\"'`()[]{}<>-_=/…"

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W_]")
"""A word in a name: ``SAMLResponse`` has two. Digits and other characters are words that are not known."""

MARK = "…"


def useful_line(text: str) -> str:
    """Return the last line of a text that is not part of a stack trace, without secrets and shortened."""
    lines = [line[:MAX_INPUT].rstrip() for line in ESCAPE.sub("", text).splitlines() if line.strip()]
    useful = [number for number, line in enumerate(lines) if not TRACE.fullmatch(line)]
    if not useful:
        return ""
    number = useful[-1]
    line, before = lines[number].strip(), lines[number - 1] if number else ""
    mentions = bool(MENTION.search(before))
    line = MARK if mentions and before.endswith(BEFORE_VALUE) else redact(line, mentions=mentions)
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}{MARK}"


def redact(line: str, *, mentions: bool = False) -> str:
    """Return a line without secrets. ``mentions`` is whether the line before mentions one."""
    if not mentions and not MENTION.search(line):
        return LOOKS_SECRET.sub(MARK, line)
    ends = (found.end() for found in ASSIGNMENT.finditer(line) if _has_secret_value(found))
    end = next(ends, len(line))
    start = LOOKS_SECRET.sub(MARK, line[:end])
    words = (word if is_known(word) else MARK for word in start.split(" "))
    return re.sub(rf"{MARK}(\s*{MARK})+", MARK, " ".join(words) + MARK * bool(line[end:]))


def _has_secret_value(assignment: re.Match[str]) -> bool:
    """Return whether a name is that of a secret, and its value is not a reason."""
    name, words = assignment["name"], assignment.string[assignment.end() :].split()
    if not MENTION.search(name) or NOT_A_NAME.fullmatch(name):
        return False
    is_reason = len(words) >= MIN_SENTENCE and all(map(is_known, words))
    return not (assignment["sign"] == ":" and is_reason)


def is_known(word: str) -> bool:
    """Return whether a word with punctuation consists of words in the vocabulary, or is a short number."""
    core = word.strip(PUNCTUATION)
    if core.lower() in KNOWN or (core.isdigit() and len(core) <= MAX_DIGITS):
        return True
    is_plain = all(character.isalnum() or character in PUNCTUATION for character in word)
    return is_plain and all(part.lower() in KNOWN for part in WORD.findall(core))
