"""Docker's protocol, as bytes in and bytes out."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.errors import NOT_FOUND_TEXT, CredentialHelperError, ProtocolError
from ecr_credhelper.protocol import MAX_REQUEST, Reply, login_in, read_request, server_in
from tests.conftest import HOST, login


@pytest.mark.parametrize(
    "sent", ["{}", "{}\n", "{} \r\n", " {}"], ids=["bare", "newline", "windows", "blank"]
)
def test_a_server_is_read_in_every_form_that_clients_send(sent: str) -> None:
    assert server_in(sent.format(HOST).encode()) == HOST


@pytest.mark.parametrize("sent", [b"", b"\n", b" \r\n"])
def test_a_missing_server_is_an_error_with_the_protocols_text(sent: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"^no credentials server URL$"):
        server_in(sent)


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_login_is_read(end: str) -> None:
    assert login_in((login() + end).encode()) == (HOST, "AWS", "a-password")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"\xff\xfe", "not a JSON object"),
        (b"[" * 20000, "not a JSON object"),
        (b"{}", "^no credentials server URL$"),
        (b'{"ServerURL": 1}', "^no credentials server URL$"),
        (b'{"ServerURL": " "}', "^no credentials server URL$"),
        (b'{"ServerURL": "h", "Secret": "s"}', "^no credentials username$"),
        (b'{"ServerURL": "h", "Username": "", "Secret": "s"}', "^no credentials username$"),
        (b'{"ServerURL": "h", "Username": 7, "Secret": "s"}', "^no credentials username$"),
        (
            b'{"ServerURL": "h", "Username": "a\\nb", "Secret": "s"}',
            "Username is empty or contains",
        ),
        (b'{"ServerURL": "h", "Username": "u"}', "Secret is empty"),
        (b'{"ServerURL": "h", "Username": "u", "Secret": 7}', "Secret is empty"),
        (
            b'{"ServerURL": "h", "Username": "u", "Secret": "a\\u0000"}',
            "Secret is empty or contains a control",
        ),
    ],
)
def test_a_malformed_login_is_refused(sent: bytes, text: str) -> None:
    with pytest.raises(ProtocolError, match=text) as caught:
        login_in(sent)
    assert str(caught.value).startswith(("store: ", "no credentials "))


def test_an_endless_request_is_rejected_after_it_was_read() -> None:
    stdin = io.BytesIO(b"x" * (5 * MAX_REQUEST))
    with pytest.raises(ProtocolError, match="longer than 65536 bytes"):
        read_request(stdin)
    assert stdin.read() == b""


@given(st.binary(max_size=500))
def test_any_bytes_are_a_login_or_our_error(sent: bytes) -> None:
    try:
        server, username, password = login_in(sent)
    except ProtocolError:
        return
    assert server
    assert username
    assert password


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_the_reply(server: str, password: str) -> None:
    reply = Reply.credentials(server, "AWS", password)
    assert json.loads(reply.stdout) == {"ServerURL": server, "Username": "AWS", "Secret": password}
    assert reply.stdout.count(b"\n") == 1
    assert (reply.stderr, reply.status) == (b"", 0)


def test_a_listing_is_a_map_from_host_to_user_name() -> None:
    assert Reply.listing({}).stdout == b"{}\n"
    hosts = {HOST: "AWS", "b": 'x"y', "c": "half a pair: \ud800"}
    assert json.loads(Reply.listing(hosts).stdout) == hosts


def test_not_found_is_the_protocols_text_on_stdout_only() -> None:
    reply = Reply.not_found()
    assert (reply.stdout, reply.stderr, reply.status) == (f"{NOT_FOUND_TEXT}\n".encode(), b"", 1)


def test_a_failure_is_written_to_both_streams() -> None:
    reply = Reply.failure(CredentialHelperError(HOST, "it broke", "mend it"))
    assert reply.stdout == reply.stderr == f"{HOST}: it broke; mend it\n".encode()
    assert reply.status == 1


def test_an_error_is_one_bounded_line_without_the_not_found_phrase() -> None:
    text = str(CredentialHelperError("a\nb", f"x\r\n{NOT_FOUND_TEXT}", "\0" + "y" * 9000))
    assert text.startswith("a b: x no login; yyy")
    assert len(text) == 2000
    assert text.isprintable()


@given(st.text(), st.text(), st.text())
def test_any_error_is_one_printable_line(subject: str, reason: str, hint: str) -> None:
    text = str(CredentialHelperError(subject, reason, hint))
    assert text.isprintable()
    assert NOT_FOUND_TEXT not in text


def test_the_longest_request_is_read_and_one_byte_more_is_refused() -> None:
    assert read_request(io.BytesIO(b"x" * 65536)) == b"x" * 65536
    with pytest.raises(ProtocolError, match=r"^the request is longer than 65536 bytes$"):
        read_request(io.BytesIO(b"x" * 65537))


def test_an_error_of_the_protocol_is_for_the_client_alone() -> None:
    reply = Reply.failure(ProtocolError("", "no credentials server URL"))
    assert (reply.stdout, reply.stderr, reply.status) == (b"no credentials server URL\n", b"", 1)


def test_blanks_around_the_server_of_a_login_are_dropped_and_those_of_a_password_are_not() -> None:
    assert login_in(login(f" {HOST}\n", secret=" a b ").encode()) == (HOST, "AWS", " a b ")


@pytest.mark.parametrize(
    ("password", "written"),
    [
        ("plain", b'"plain"'),
        ('a"b', b'"a\\"b"'),
        ("a\\b", b'"a\\\\b"'),
        ("a\x07\n", b'"a\\u0007\\u000a"'),
        ("pässword", '"pässword"'.encode()),
        ("\u2028", b'"\\u2028"'),
        ("\U000e0001", b'"\\udb40\\udc01"'),
        ("\ud800", b'"\\ud800"'),
    ],
)
def test_what_is_not_printable_is_escaped(password: str, written: bytes) -> None:
    reply = Reply.credentials("h", "AWS", password)
    assert reply.stdout == b'{"ServerURL":"h","Username":"AWS","Secret":' + written + b"}\n"


def test_a_server_that_is_not_utf_8_is_read_all_the_same() -> None:
    assert server_in(b"h\xff") == "h\ufffd"


def test_an_empty_reply_means_success() -> None:
    reply = Reply()
    assert (reply.stdout, reply.stderr, reply.status) == (b"", b"", 0)
