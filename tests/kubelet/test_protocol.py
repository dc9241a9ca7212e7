"""Requests and responses: each form, and bytes that are neither."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.errors import ProtocolError
from ecr_credhelper.kubelet.protocol import Request, format_response, go_duration, parse_request
from tests.conftest import HOST
from tests.kubelet.go_types import GROUP, StrictError, decode_response, parse_duration

ROLE = "arn:aws:iam::111122223333:role/puller"
VALID = {"kind": "CredentialProviderRequest", "apiVersion": f"{GROUP}/v1", "image": f"{HOST}/app"}

# The bytes that the kubelet writes: the codec of Kubernetes puts kind first and ends with a newline.
GOLDEN = {
    b'{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1alpha1",'
    b'"image":"111122223333.dkr.ecr.us-west-2.amazonaws.com/app"}\n': Request(
        f"{GROUP}/v1alpha1", f"{HOST}/app", "", {}
    ),
    b'{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1beta1",'
    b'"image":"111122223333.dkr.ecr.us-west-2.amazonaws.com/app"}\n': Request(
        f"{GROUP}/v1beta1", f"{HOST}/app", "", {}
    ),
    b'{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1",'
    b'"image":"111122223333.dkr.ecr.us-west-2.amazonaws.com/app"}\n': Request(
        f"{GROUP}/v1", f"{HOST}/app", "", {}
    ),
    b'{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1",'
    b'"image":"images.example.com:5000/team/app","serviceAccountToken":"eyJhbGciOiJSUzI1NiJ9.e30.c2ln"}\n': (
        Request(f"{GROUP}/v1", "images.example.com:5000/team/app", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", {})
    ),
    b'{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1",'
    b'"image":"111122223333.dkr.ecr.us-west-2.amazonaws.com/app",'
    b'"serviceAccountToken":"eyJhbGciOiJSUzI1NiJ9.e30.c2ln","serviceAccountAnnotations":'
    b'{"eks.amazonaws.com/ecr-role-arn":"arn:aws:iam::111122223333:role/puller"}}\n': Request(
        f"{GROUP}/v1",
        f"{HOST}/app",
        "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
        {"eks.amazonaws.com/ecr-role-arn": ROLE},
    ),
}


@pytest.mark.parametrize("data", GOLDEN, ids=range(len(GOLDEN)))
def test_every_form_of_a_request_is_read(data: bytes) -> None:
    assert parse_request(data) == GOLDEN[data]


def test_unknown_and_null_fields_are_ignored() -> None:
    more = {"serviceAccountToken": None, "serviceAccountAnnotations": None, "podName": "a-later-field"}
    assert parse_request(json.dumps(VALID | more).encode()) == Request(
        VALID["apiVersion"], VALID["image"], "", {}
    )


@pytest.mark.parametrize(("change", "reason"), [
    ({"kind": "CredentialProviderResponse"}, "kind is not CredentialProviderRequest"),
    ({"kind": None}, "kind is not CredentialProviderRequest"),
    ({"apiVersion": f"{GROUP}/v2"}, "this apiVersion is not supported; supported: "),
    ({"apiVersion": "v1"}, "this apiVersion is not supported"),
    ({"apiVersion": ["v1"]}, "this apiVersion is not supported"),
    ({"image": ""}, "image is missing"),
    ({"image": {}}, "image is missing"),
    ({"serviceAccountToken": 1}, "serviceAccountToken is not a token"),
    ({"serviceAccountToken": "a\nb"}, "serviceAccountToken is not a token"),
    ({"serviceAccountToken": "ä"}, "serviceAccountToken is not a token"),
    ({"serviceAccountToken": "\ud800"}, "serviceAccountToken is not a token"),
    ({"serviceAccountToken": "a.b c.d"}, "serviceAccountToken is not a token"),
    ({"serviceAccountToken": "a.b"}, "serviceAccountToken is not a token"),
    ({"serviceAccountToken": False}, "serviceAccountToken is not a token"),
    ({"serviceAccountToken": 0}, "serviceAccountToken is not a token"),
    ({"serviceAccountToken": []}, "serviceAccountToken is not a token"),
    ({"serviceAccountAnnotations": False}, "serviceAccountAnnotations is not an object of strings"),
    ({"serviceAccountAnnotations": ""}, "serviceAccountAnnotations is not an object of strings"),
    ({"serviceAccountAnnotations": {"a": "b"}}, "serviceAccountToken is missing"),
    ({"serviceAccountToken": "", "serviceAccountAnnotations": {"a": "b"}}, "serviceAccountToken is missing"),
    ({"serviceAccountAnnotations": [ROLE]}, "serviceAccountAnnotations is not an object of strings"),
    ({"serviceAccountAnnotations": {"a": 1}}, "serviceAccountAnnotations is not an object of strings"),
    ({"apiVersion": f"{GROUP}/v1beta1", "serviceAccountToken": "a.b.c"}, "only v1 has the fields"),
    ({"apiVersion": f"{GROUP}/v1alpha1", "serviceAccountAnnotations": {"a": "b"}}, "only v1 has the fields"),
])  # fmt: skip
def test_a_malformed_request_is_an_error(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_request(json.dumps(VALID | change).encode())
    assert str(caught.value).startswith(f"kubelet: {reason}")


@pytest.mark.parametrize("data", [
    b"", b"\xff", b"[]", b"null", b"{", b"[" * 60000, b'{"image": "a", "image": "b"}', b"1" * 60000,
    b'{"kind": {"a": 1, "a": 1}}', "{}".encode("utf-16"), b"\xef\xbb\xbf{}",
], ids=lambda data: repr(data[:20]))  # fmt: skip
def test_bytes_that_are_no_json_object_are_an_error(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="kubelet"):
        parse_request(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


def is_read(data: bytes) -> bool:
    """Return whether bytes are a request. Otherwise, parsing must raise our error and no other."""
    try:
        request = parse_request(data)
    except ProtocolError:
        return False
    return bool(request.image) and request.token.isascii()


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_other_bytes_are_our_error(data: bytes) -> None:
    assert not is_read(data)


@given(st.sampled_from([*VALID, "serviceAccountToken", "serviceAccountAnnotations"]), json_values)
def test_any_value_of_a_field_makes_a_request_or_our_error(field: str, value: object) -> None:
    is_empty = not value and field.startswith("serviceAccount")
    is_text = isinstance(value, str) and field in {"image", "serviceAccountToken"}
    is_object = isinstance(value, dict) and field == "serviceAccountAnnotations"
    if is_read(json.dumps({**VALID, field: value}).encode()):
        assert is_empty or is_text or is_object


@given(st.sampled_from(["v1", "v1beta1"]), st.integers(0, 10**9), st.text(), st.text(), st.text())
def test_the_kubelet_reads_what_is_written(
    version: str, seconds: int, host: str, name: str, word: str
) -> None:
    response = decode_response(format_response(f"{GROUP}/{version}", seconds, {host: (name, word)}).encode())
    assert response == (f"{GROUP}/{version}", "Registry", seconds, {host: (name, word)})


def test_a_response_without_a_login_is_null() -> None:
    text = format_response(f"{GROUP}/v1", 0, None)
    assert json.loads(text)["auth"] is None
    assert decode_response(text.encode()) == (f"{GROUP}/v1", "Registry", 0, {})


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0s"), (59, "59s"), (60, "1m0s"), (3599, "59m59s"), (3600, "1h0m0s"), (42299, "11h44m59s"),
])  # fmt: skip
def test_a_duration_is_written_as_go_does(seconds: int, text: str) -> None:
    assert go_duration(seconds) == text
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", [
    '{"apiVersion": "credentialprovider.kubelet.k8s.io/v1", "kind": "CredentialProviderResponse"}',
    format_response(f"{GROUP}/v1", 0, None).replace('"auth"', '"Auth"'),
    format_response(f"{GROUP}/v1", 0, None).replace('"auth"', '"kind": "CredentialProviderResponse", "auth"'),
    format_response(f"{GROUP}/v1", 0, None).replace("null", "[]"),
    format_response(f"{GROUP}/v1", 0, None).replace("null", '{"a": {"username": "AWS"}}'),
    format_response(f"{GROUP}/v1", 0, None).replace("null", '{"a": {"username": "AWS", "password": 1}}'),
    format_response(f"{GROUP}/v1", 0, None).replace('"0s"', "0"),
    format_response(f"{GROUP}/v1", 0, None).replace("Registry", "Host"),
    format_response(f"{GROUP}/v2", 0, None),
    "",
])  # fmt: skip
def test_the_strict_decoder_of_the_tests_is_strict(text: str) -> None:
    with pytest.raises(StrictError):
        decode_response(text.encode())
