"""Parsing of host names: the corpus, and properties of any string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.registry import (
    FORMS,
    PARTITIONS,
    PUBLIC_HOSTS,
    Registry,
    authority_of,
    host_of,
    is_region,
    parse,
    private_host,
)
from tests.corpus import HOSTS, NOT_ECR, Row

SUFFIXES = [suffix for row in PARTITIONS for suffix in row[2:] if suffix]


@pytest.mark.parametrize("row", HOSTS, ids=lambda row: row.server)
def test_an_ecr_host_is_parsed_into_its_parts(row: Row) -> None:
    found = parse(row.server)
    assert found is not None
    parts = (found.host, found.account, found.region, found.partition, found.fips, found.dualstack)
    assert parts == row[1:7]
    assert found.public == (not row.account)
    assert repr(found) == f"Registry({row.host!r})"


def test_the_corpus_has_every_row_of_the_tables() -> None:
    private = [row for row in HOSTS if row.account]
    assert {row.partition for row in private} == {row[0] for row in PARTITIONS}
    assert {row.host for row in HOSTS if not row.account} == set(PUBLIC_HOSTS)
    for labels, fips, dualstack in FORMS:
        assert [row for row in private if row.host[13:].startswith(labels)], labels
        assert any((row.fips, row.dualstack) == (fips, dualstack) for row in private)


@pytest.mark.parametrize("server", NOT_ECR)
def test_other_hosts_are_not_ecr_registries(server: str) -> None:
    assert parse(server) is None


@pytest.mark.parametrize("row", HOSTS, ids=lambda row: row.server)
@pytest.mark.parametrize("blanks", ["{}\n", "{} \r\n", "\t{} "], ids=["newline", "windows", "around"])
def test_blanks_around_a_server_are_ignored(row: Row, blanks: str) -> None:
    found = parse(blanks.format(row.server))
    assert found is not None
    assert found.host == row.host


@given(st.text())
def test_any_string_is_a_registry_or_none(server: str) -> None:
    assert isinstance(parse(server), Registry | None)


@given(st.sampled_from(HOSTS), st.text(min_size=1, max_size=8), st.integers(min_value=0))
def test_inserted_characters_never_lead_to_a_host_outside_aws(row: Row, noise: str, at: int) -> None:
    at %= len(row.host) + 1
    found = parse(row.host[:at] + noise + row.host[at:])
    if found is not None:
        assert found.host.endswith(tuple(f".{suffix}" for suffix in SUFFIXES) + tuple(PUBLIC_HOSTS))


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("https://Index.Docker.io/v1/", "index.docker.io"),
        ("localhost:5000", "localhost"),
        ("user@host", None),
        ("", None),
    ],
)
def test_host_of_returns_the_host_of_any_server(server: str, host: str | None) -> None:
    assert host_of(server) == host


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("us-west-2", True),
        ("us-gov-west-1", True),
        ("eusc-de-east-10", True),
        ("us-west", False),
        ("us-2", False),
        ("us-west-x", False),
        ("us-w3st-2", False),
        ("u5-west-2", False),
        ("us-west-2-3", False),
        ("us--2", False),
        ("-west-2", False),
        ("us-west-", False),
        ("", False),
    ],
)
def test_a_region_is_letters_places_and_a_number(label: str, expected: bool) -> None:
    assert is_region(label) is expected


@pytest.mark.parametrize("row", [row for row in HOSTS if row.account and not row.fips and not row.dualstack])
def test_the_standard_host_of_an_account_and_a_region(row: Row) -> None:
    assert private_host(row.account, row.region) == row.host


@pytest.mark.parametrize(
    ("server", "authority"),
    [
        ("Images.Example.com", "images.example.com"),
        ("images.example.com:5000", "images.example.com:5000"),
        ("images.example.com.:5000/team/web:1", "images.example.com:5000"),
        ("oci://images.example.com:5000/team", "images.example.com:5000"),
        (" HTTP://h:1\n", "h:1"),
        ("h:65535", "h:65535"),
        ("h:65536", None),
        ("h:0", None),
        (f"h:{'1' * 5000}", None),  # more digits than int() takes
        ("h:", None),
        ("h:x", None),
        ("h:1:2", None),
        ("a_b", None),
        ("a b", None),
        ("-.", None),
        ("..", None),
        (":5000", None),
        ("\u212a.example.com", None),  # the sign of Kelvin, which lower() makes a k
        ("https://https://h", None),
        ("https://http://h", None),
        ("ftp://h", None),
    ],
)
def test_the_host_and_port_of_a_server(server: str, authority: str | None) -> None:
    assert authority_of(server) == authority
    assert host_of(server) == (authority and authority.partition(":")[0])


def test_a_registry_is_private_and_plain_by_default() -> None:
    one = Registry("h")
    assert (one.region, one.account, one.partition, one.fips, one.dualstack, one.public) == ("", "", "") + (
        False,
    ) * 3
