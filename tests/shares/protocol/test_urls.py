# SPDX-License-Identifier: MIT
"""Tests of ``osak.shares.protocol.urls``: one server, one canonical URL; audiences without slack."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.urls import (
    Audience,
    ServerURL,
    check_nonce,
    check_share_id,
    nonce_path,
    share_id_from_location,
    share_path,
)

SHARE_ID = "000102030405060708090a0b0c0d0e0f"
NONCE = "AAECAwQFBgcICQoLDA0ODw"

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
ADDRESSES = st.ip_addresses(v=6).map(str) | st.ip_addresses(v=4).map(str)
SEGMENTS = st.from_regex(r"[A-Za-z0-9_~-]{1,8}", fullmatch=True) | st.just("key-shares")
PATHS = st.lists(SEGMENTS, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts))
SERVERS = st.builds(ServerURL, NAMES | ADDRESSES, st.integers(1, 65535) | st.just(443), PATHS)
SHARE_IDS = st.from_regex(r"[A-Za-z0-9-]{18,36}", fullmatch=True)
NONCES = st.from_regex(r"[A-Za-z0-9_-]{12,128}", fullmatch=True)
AUDIENCES = st.builds(Audience, SERVERS, SHARE_IDS, NONCES)


@given(SERVERS)
def test_canonical_form_is_read_back(server: ServerURL) -> None:
    """What a ServerURL writes is read as the same value, port and all."""
    assert server == ServerURL.parse(str(server))
    assert f":{server.port}" in str(server)


@given(SERVERS, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_spellings_of_one_server_are_equal(
    server: ServerURL, upper: bool, slash: bool, bare_port: bool, zero_port: bool
) -> None:
    """Case of scheme and host, a trailing slash, port 443 or none do not make another server."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    port = f":0{server.port}" if zero_port and server.port < 10_000 else f":{server.port}"
    if bare_port and server.port == 443:
        port = ""
    start = f"https://{host}{port}"
    spelt = (start.upper() if upper else start) + server.path + ("/" if slash else "")
    assert server == ServerURL.parse(spelt)
    assert hash(server) == hash(ServerURL.parse(spelt))


@given(st.ip_addresses(v=6))
def test_spellings_of_one_ipv6_address_are_equal(address: ipaddress.IPv6Address) -> None:
    """The long and the short spelling of an IPv6 address name one server."""
    assert ServerURL.parse(f"https://[{address.exploded}]") == ServerURL.parse(
        f"https://[{address.compressed}]"
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("https://css.ria.ee", "https://css.ria.ee:443"),
        ("https://css.ria.ee/", "https://css.ria.ee:443"),
        ("HTTPS://CSS.RIA.ee:443", "https://css.ria.ee:443"),
        ("https://css.ria.ee:8443/Node-1/", "https://css.ria.ee:8443/Node-1"),
        ("https://127.0.0.1:1", "https://127.0.0.1:1"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://[0:0:0:0:0:0:0:1]", "https://[::1]:443"),
        ("https://[2001:DB8::A]/x", "https://[2001:db8::a]:443/x"),
        ("https://xn--mgbh0fb.example", "https://xn--mgbh0fb.example:443"),
        ("https://localhost:65535", "https://localhost:65535"),
    ],
)
def test_known_spellings(text: str, canonical: str) -> None:
    """Each of these spellings has exactly this canonical form."""
    assert canonical == str(ServerURL.parse(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example", "https://a.example:8443"),
        ("https://a.example", "https://b.example"),
        ("https://a.example/x", "https://a.example/X"),
        ("https://a.example/x", "https://a.example"),
        ("https://127.0.0.1", "https://[::ffff:127.0.0.1]"),
    ],
)
def test_different_servers_are_different(one: str, other: str) -> None:
    """Host, port and path (with its case) each make another server."""
    assert ServerURL.parse(one) != ServerURL.parse(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://",
        "https:///x",
        "https:a.example",
        "//a.example",
        "a.example",
        "http://a.example",
        "ftp://a.example",
        "https://user@a.example",
        "https://user:password@a.example",
        "https://@a.example",
        "https://a.example?",
        "https://a.example?x=1",
        "https://a.example#",
        "https://a.example/#x",
        "https://a.example//",
        "https://a.example//x",
        "https://a.example/x//",
        "https://a.example/.",
        "https://a.example/..",
        "https://a.example/x/../y",
        "https://a.example/./y/",
        "https://a.example/%2e%2e",
        "https://a.example/x y",
        "https://a.example/x;y",
        " https://a.example",
        "https://a.example\n",
        "https://a.exa\tmple",
        "https://a.example\\@b.example",
        "https://a.example:0",
        "https://a.example:",
        "https://a.example:65536",
        "https://a.example:99999",
        "https://a.example:-1",
        "https://a.example:+443",
        "https://a.example:4_43",
        "https://a.example:x",
        "https://a.example:443:443",
        "https://.a.example",
        "https://a..example",
        "https://a.example.",
        "https://...",
        "https://-a.example",
        "https://a-.example",
        "https://a_b.example",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 127 + "a",
        "https://jõhvi.example",
        "https://a.example/ä",
        "https://\uff41.example",
        "https://::1",
        "https://[]",
        "https://[:::::]",
        "https://[::1",
        "https://[::1]x",
        "https://[::1]x:443",
        "https://x[::1]",
        "https://[fe80::1%25eth0]",
        "https://[v1.fe80]",
        "https://[127.0.0.1]",
        "https://[a.example]",
        "https://[1::2::3]",
        "https://a.example/" + "x" * 1024,
    ],
)
def test_odd_server_urls_are_refused(text: str) -> None:
    """No user, query, fragment, dot segment, odd host, odd port or odd character is accepted."""
    with pytest.raises(MessageError):
        ServerURL.parse(text)


@pytest.mark.parametrize(
    "text",
    ["https://u:hunter2@a.example", "https://u:hunter2@[a.example", "https://hunter2_.example", "hunter2"],
)
def test_a_password_in_a_url_is_not_repeated(text: str) -> None:
    """An error about a URL never shows the URL, which may carry a password."""
    with pytest.raises(MessageError) as caught:
        ServerURL.parse(text)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.text(max_size=60) | st.text(alphabet="https:/[].@?#%ae0:1", max_size=30).map("https://".__add__))
def test_random_text_is_a_server_or_a_message_error(text: str) -> None:
    """Whatever is accepted has a canonical form that is read back; the rest is MessageError."""
    try:
        server = ServerURL.parse(text)
    except MessageError:
        return
    assert server == ServerURL.parse(str(server))


@given(AUDIENCES)
def test_audience_is_read_back(audience: Audience) -> None:
    """Every audience round-trips, also when a server's own path holds the word key-shares."""
    assert audience == Audience.parse(str(audience))


def test_audience_without_port_is_the_one_with_443() -> None:
    """Upstream writes the port or leaves it out; both name the same share at the same server."""
    tail = f"/key-shares/{SHARE_ID}?nonce={NONCE}"
    audience = Audience(ServerURL("css.ria.ee", 443), SHARE_ID, NONCE)
    assert audience == Audience.parse(f"https://css.ria.ee{tail}")
    assert audience == Audience.parse(f"https://CSS.ria.ee:443{tail}")
    assert str(audience) == f"https://css.ria.ee:443{tail}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://a.example:443",
        f"https://a.example:443/key-shares/{SHARE_ID}",
        f"https://a.example:443/key-shares/{SHARE_ID}?nonce=",
        f"https://a.example:443/key-shares/{SHARE_ID}?nonce={NONCE}&x=1",
        f"https://a.example:443/key-shares/{SHARE_ID}?nonce={NONCE}#x",
        f"https://a.example:443/key-shares/{SHARE_ID}?nonce={NONCE}=",
        f"https://a.example:443/key-shares/{SHARE_ID}?nonce={NONCE}?nonce={NONCE}",
        f"https://a.example:443/key-shares/{SHARE_ID}?x=1&nonce={NONCE}",
        f"https://a.example:443/key-shares/{SHARE_ID}?Nonce={NONCE}",
        f"https://a.example:443/key-shares/{SHARE_ID}/?nonce={NONCE}",
        f"https://a.example:443/key-shares/{SHARE_ID}/nonce?nonce={NONCE}",
        f"https://a.example:443//key-shares/{SHARE_ID}?nonce={NONCE}",
        f"https://a.example:443/key-shares//{SHARE_ID}?nonce={NONCE}",
        f"https://a.example:443/KEY-SHARES/{SHARE_ID}?nonce={NONCE}",
        f"https://a.example:443?nonce={NONCE}/key-shares/{SHARE_ID}?nonce={NONCE}",
        f"http://a.example:443/key-shares/{SHARE_ID}?nonce={NONCE}",
        f"https://u@a.example:443/key-shares/{SHARE_ID}?nonce={NONCE}",
        f"/key-shares/{SHARE_ID}?nonce={NONCE}",
        f"https://a.example:443/key-shares/short?nonce={NONCE}",
        f"https://a.example:443/key-shares/{SHARE_ID}?nonce=short",
        f"https://a.example:443/key-shares/{SHARE_ID}?nonce={'n' * 129}",
    ],
)
def test_odd_audiences_are_refused(text: str) -> None:
    """Only ``{base}/key-shares/{share id}?nonce={nonce}`` is an audience."""
    with pytest.raises(MessageError):
        Audience.parse(text)


def test_nonce_stays_out_of_repr() -> None:
    """A nonce is not shown when an audience is logged."""
    assert NONCE not in repr(Audience(ServerURL("a.example", 443), SHARE_ID, NONCE))


@pytest.mark.parametrize(
    "text", ["", "a" * 17, "a" * 37, "a" * 20 + "/", "a" * 20 + "\n", "ä" * 20, "a" * 20 + "_"]
)
def test_odd_share_ids_are_refused(text: str) -> None:
    """A share id has 18 to 36 letters, digits or hyphens, and nothing that could leave its path."""
    with pytest.raises(MessageError):
        check_share_id(text)
    with pytest.raises(MessageError):
        share_id_from_location(f"/key-shares/{text}")


@pytest.mark.parametrize(
    "text", ["", "a" * 11, "a" * 129, "a" * 20 + "=", "a" * 20 + "\n", "ä" * 20, "a" * 20 + "&"]
)
def test_odd_nonces_are_refused(text: str) -> None:
    """A nonce has 12 to 128 base64url characters, so it needs no escaping in a query."""
    with pytest.raises(MessageError):
        check_nonce(text)


def test_upstream_ids_and_nonces_are_accepted() -> None:
    """The lengths that specification, server and examples of upstream show are all taken unchanged."""
    for share_id in ("a" * 18, SHARE_ID, "SS" + SHARE_ID, "123e4567-e89b-12d3-a456-426614174000"):
        assert share_id == check_share_id(share_id)
    for nonce in ("a" * 12, NONCE, "59b314d4815f21f73a0b9168cecbd5773cc694b6", "a" * 128):
        assert nonce == check_nonce(nonce)


def test_paths_and_location() -> None:
    """The path of a share is what its Location says."""
    assert share_path(SHARE_ID) == f"/key-shares/{SHARE_ID}"
    assert nonce_path(SHARE_ID) == f"/key-shares/{SHARE_ID}/nonce"
    assert share_id_from_location(share_path(SHARE_ID)) == SHARE_ID


@pytest.mark.parametrize(
    "location",
    [
        "",
        SHARE_ID,
        f"key-shares/{SHARE_ID}",
        f"/other/{SHARE_ID}",
        f"https://evil.example/key-shares/{SHARE_ID}",
    ],
)
def test_a_location_elsewhere_is_refused(location: str) -> None:
    """A Location that is not a path below /key-shares names no share."""
    with pytest.raises(MessageError, match="Location"):
        share_id_from_location(location)
