# SPDX-License-Identifier: MIT
"""Which places a certificate may send a node to, and which never."""

from ipaddress import ip_network

import pytest
from cryptography import x509
from factories.people import TestCA, crl_at, ocsp_at

from osak.shares.certificates.sources import Sources, may_be_asked, sources_of, split_url
from osak.shares.errors import StatusError

CA = TestCA()


def test_both_kinds() -> None:
    """OCSP servers and lists are found in their order, two of each at most, and other schemes passed over."""
    places = [f"http://{number}.example/" for number in range(4)]
    ldap = "ldap://directory.example/cn=x?certificateRevocationList"
    person = CA.issue(extensions=[ocsp_at(*places), crl_at(ldap, *places)])
    assert sources_of(person.certificate) == Sources(tuple(places[:2]), tuple(places[:2]))
    assert sources_of(CA.issue().certificate) == Sources()


def test_lists_that_do_not_tell_all() -> None:
    """A list of some reasons, or by another authority, is not looked at."""
    url = x509.UniformResourceIdentifier("http://one.example/crl")
    some = x509.DistributionPoint([url], None, frozenset({x509.ReasonFlags.key_compromise}), None)
    other = x509.DistributionPoint([url], None, None, [x509.DirectoryName(CA.name)])
    relative = x509.DistributionPoint(None, CA.name.rdns[0], None, None)
    points = x509.CRLDistributionPoints([some, other, relative])
    assert sources_of(CA.issue(extensions=[points]).certificate) == Sources()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://user:word@a.example/",
        "http://a.example:99999/",
        "http://a.example:0/",
        "http://[::1",
        "http://a.example/\n",
        "http://a.example/ b",
        "http://ä.example/",
        "http://a.example/" + "x" * 500,
        "//a.example/",
    ],
)
def test_urls_that_are_never_asked(url: str) -> None:
    """Other schemes, passwords, and what is no URL."""
    with pytest.raises(StatusError):
        split_url(url)


def test_urls_that_are() -> None:
    """Plain and secret HTTP, with or without a port."""
    assert [split_url(url).hostname for url in ("http://a.example", "https://B.example:8080/x?y")] == [
        "a.example",
        "b.example",
    ]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - asked, not listened at
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::2",
        "ff02::1",
        "ff0e::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b::10.0.0.1",
        "localhost",
        "",
        "0x7f.1",
        "2130706433",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    """The machine itself, its network, its cloud's metadata: in no spelling."""
    assert not may_be_asked(address, ())


def test_addresses_that_are() -> None:
    """Public ones, and those that the configuration names, in the clothes of IPv6 too."""
    assert may_be_asked("8.8.8.8", ())
    assert may_be_asked("2001:4860:4860::8888", ())
    assert may_be_asked("64:ff9b::8.8.8.8", ())
    network = (ip_network("10.1.0.0/16"),)
    assert may_be_asked("10.1.2.3", network)
    assert may_be_asked("::ffff:10.1.2.3", network)
    assert not may_be_asked("10.2.2.3", network)
