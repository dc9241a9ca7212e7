"""The line of a program's error output in our error: useful, short and without secrets."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecr_credhelper.aws.redaction import MAX_LINE, is_known, useful_line

INTRODUCTIONS = (
    "Authorization: Bearer ", "Authorization: Basic ", "authorization=", "Proxy-Authorization: Digest ",
    "bearer ", "invalid password ", "--password ", "--password=", "pwd=", "passwd ", "PASSWORD: ",
    "the password is ", "passphrase=", "passphrase for key: ", "Enter passphrase\n> passphrase ",
    "mfa_code: ", "MFA code ", "OTP ", "otp=", "--otp ", "PIN ", "verification code: ", "Cookie: session=",
    "Set-Cookie: sid=", "session=", "session_id: ", "SAMLResponse=", "saml assertion ", "api key ",
    "apikey=", "api_key: ", "X-Api-Key: ", '{"password":"', '{"SecretAccessKey": "',
    '{"error": {"token": "', "{'token': '", "token=", "token ", "refresh_token=", "id_token: ",
    "invalid token ", "secret ", "client_secret=", "secret key is ", "key=", "aws_secret_access_key = ",
    "export AWS_SESSION_TOKEN=", "credentials ", "credentials: ", "credential: ", "auth=", "auth ", "jwt ",
    "signature ", "X-Amz-Signature=", "Password:\n", "Password\n",
    '"token": [\n  "', "token: >-\n  ", "Enter the MFA code:\n", "password\t", "password => ",
    "password := ", "[token] ", "<password>", "password (", "password is wrong: ", "unlock code ",
    "answer: ", "one-time ", "hash ", "seed ", "login failed for token ", "no such secret: ",
)  # fmt: skip
"""Texts after which a program writes a secret."""

VISIBLE = st.characters(min_codepoint=33, max_codepoint=0x24F, categories=("L", "N", "P", "S"))
WORDS = st.text(VISIBLE, min_size=4, max_size=60)


@given(
    st.sampled_from(INTRODUCTIONS), st.lists(WORDS, min_size=1, max_size=4), st.sampled_from(("", '"}', "."))
)
def test_no_secret_is_shown(introduction: str, words: list[str], end: str) -> None:
    assume(not any(is_known(word) or word in introduction for word in words))
    line = useful_line(f"{introduction}{' '.join(words)}{end}")
    assert [word for word in words if word in line] == []


@given(st.sampled_from((" is not a valid password", ": wrong passphrase", " (token)", "' as key")), WORDS)
def test_no_secret_before_its_name_is_shown(name: str, word: str) -> None:
    assume(not is_known(word) and word not in name)
    assert word not in useful_line(f"cannot use '{word}{name}")


@given(st.sampled_from(("https://user:", "https://", "http://a:b@c@")), WORDS)
def test_no_password_in_a_url_is_shown(introduction: str, password: str) -> None:
    assume(password not in introduction and password not in "proxy.example refused")
    assert password not in useful_line(f"{introduction}{password}@proxy.example refused")


@given(st.text())
def test_the_line_is_short(text: str) -> None:
    line = useful_line(text)
    assert len(line) <= MAX_LINE
    assert "\n" not in line


@pytest.mark.parametrize("unit", ["pass", "a", "://", "key: ", "at (/:", "\x1b]", "?", "-", "eyJ", '"', "A1"])
def test_a_long_line_takes_no_time(unit: str) -> None:
    """Otherwise this test takes minutes."""
    for text in (unit * 20_000, f"password {unit * 20_000}", f"{unit * 20_000}: password=x"):
        assert len(useful_line(text)) <= MAX_LINE


@pytest.mark.parametrize(
    "line",
    [
        "session expired, run: granted login",
        "session expired: please run aws-vault login dev",
        "Error: log in again",
        "token expired, run: granted login",
        "failed to get credentials: the session has expired, run: aws sso login",
        "aws-vault: error: Failed to get credentials for dev: token has expired",
        "Error: invalid_grant: token has been revoked",
        "token: the session has expired",
        "saml2aws: the password is wrong",
        "exit code 1: status code 403",
        "/home/user/projects/company/tools/bin/tool failed",
        "at least one role is required",
        "Caused by: com.example.Expired: log in again",
    ],
)
def test_reasons_stay_readable(line: str) -> None:
    assert useful_line(f"Info\n{line}\n\n") == line


@pytest.mark.parametrize(
    "trace",
    [
        "at foo (x.js:1)",
        "    at async main (/tool/x.js:12:3)\n    at foo\n\nNode.js v18.0.0",
        "\tat com.example.Main.main(Main.java:5)\n\t... 3 more",
        "\ngoroutine 1 [running]:\nmain.main()\n\t/tool/x.go:4 +0x1d\nexit status 2",
        '  File "/tool/x.py", line 3, in main',
        "}\n",
    ],
)
def test_a_stack_trace_does_not_hide_the_reason(trace: str) -> None:
    assert useful_line(f"Error: session expired: run x\n{trace}") == "Error: session expired: run x"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("}\n---", ""),
        ("\x1b[1;31mError\x1b[0m: log in again\r\n", "Error: log in again"),
        ("\x1b]8;;https://a.example\x07log in\x1b]8;;\x07", "log in"),
        ("secret_key=abc", "secret_key=…"),
        ('{"SecretAccessKey": "abc"}', '{"SecretAccessKey": …'),
        ("password: my pass phrase", "password: …"),
        ("please run tool login --token=abc", "please run tool login --token=…"),
        ("password: not valid", "password: …"),
        ("my.UnauthorizedSSOTokenError: the session has expired", "… the session has expired"),
        ("key AKIAIOSFODNN7EXAMPLE is unknown", "key … is unknown"),
        ("https://user:word@proxy.example refused", "https://…@proxy.example refused"),
        ("http://user:p@ss@host", "http://…@host"),
        ("open https://sso.example/?user=abc&state=d", "open https://sso.example/…"),
        ("open https://sso.example/?code=abc&state=d", "open …"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "…"),
        ("x" * 300, f"{'x' * 199}…"),
        ("mypw=hunter2", "…"),
        ("tool -p hunter2 failed", "tool … failed"),
        ("curl -u bob:hunter2 https://x failed", "… https://x failed"),
        ("Enter code 482 913", "Enter code …"),
    ],
)
def test_lines(text: str, line: str) -> None:
    assert useful_line(text) == line
