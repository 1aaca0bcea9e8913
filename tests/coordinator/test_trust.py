# SPDX-License-Identifier: MIT
"""Which servers a container's placements may lead to."""

import pytest

from osak.coordinator import Group, Placement, Server, UnknownServerError, server_named_by_container
from osak.coordinator.trust import resolve, resolve_known


def _server(name: str, url: str) -> Server:
    return Server.model_validate({"id": name, "organisation": name.upper(), "url": url})


def _group(*servers: tuple[str, str]) -> Group:
    return Group(threshold=2, servers=tuple(_server(name, url) for name, url in servers))


def _placement(name: str, url: str) -> Placement:
    return Placement(name, url, "0" * 32, 1)


OFFICE = _group(("ria", "https://ria.example:8443"), ("pank", "https://pank.example"))
HOME = _group(("ria", "https://ria.home.example"), ("kodu", "https://kodu.example/shares"))


@pytest.mark.parametrize(
    "url",
    [
        "https://pank.example",
        "https://pank.example/",
        "https://PANK.example:443",
        "https://pank.example:443/",
    ],
)
def test_a_server_is_known_in_every_spelling_of_its_url(url: str) -> None:
    """Official containers have no id; default port, slash and letter case do not matter."""
    assert resolve(_placement("", url), {"office": OFFICE}).id == "pank"


def test_the_url_wins_over_the_id() -> None:
    """A container cannot lead to another configured server by naming its id."""
    assert resolve(_placement("ria", "https://pank.example"), {"office": OFFICE}).id == "pank"


def test_a_known_id_may_have_moved() -> None:
    """The configured URL is used, not the container's."""
    found = resolve(_placement("pank", "https://old.example:9"), {"office": OFFICE})
    assert str(found.url) == "https://pank.example:443"


@pytest.mark.parametrize("name", ["", "nobody"])
def test_unknown_servers_are_refused(name: str) -> None:
    """No URL and no id of ours: a container must not send a ticket anywhere."""
    with pytest.raises(UnknownServerError, match="not in any configured group"):
        resolve(_placement(name, "https://evil.example"), {"office": OFFICE})


def test_an_id_of_two_groups_needs_the_containers_group() -> None:
    """The same id at two URLs is a guess, unless the container's group decides."""
    groups = {"office": OFFICE, "home": HOME}
    moved = _placement("ria", "https://gone.example")
    with pytest.raises(UnknownServerError):
        resolve(moved, groups)
    assert resolve(moved, groups, group="home").url == HOME.servers[0].url
    assert resolve(moved, groups, group="office").url == OFFICE.servers[0].url


def test_a_group_hint_that_does_not_know_the_id_decides_nothing() -> None:
    """Ambiguity stays ambiguity when the hinted group lacks the id."""
    other = _group(("a", "https://a.example"), ("b", "https://b.example"))
    groups = {"office": OFFICE, "home": HOME, "other": other}
    with pytest.raises(UnknownServerError):
        resolve(_placement("ria", "https://gone.example"), groups, group="other")


def test_extra_servers_match_by_url_alone() -> None:
    """What the user trusted for one container is trusted at that URL only."""
    extra = server_named_by_container(_placement("evil", "https://stranger.example"))
    assert resolve(_placement("x", "https://stranger.example:443/"), {}, extra=[extra]) is extra
    with pytest.raises(UnknownServerError):
        resolve(_placement("stranger.example", "https://elsewhere.example"), {}, extra=[extra])


@pytest.mark.parametrize(
    "url", ["http://pank.example", "pank.example", "", "https://u:p@pank.example", "javascript:0"]
)
def test_what_is_no_server_url_is_refused(url: str) -> None:
    """Neither configured groups nor the user's trust turn it into one."""
    with pytest.raises(UnknownServerError):
        resolve(_placement("pank", url), {"office": OFFICE})
    with pytest.raises(UnknownServerError):
        server_named_by_container(_placement("pank", url))


def test_a_stranger_by_ip_address_can_be_named() -> None:
    """``--trust-container-servers`` works for addresses too."""
    assert str(server_named_by_container(_placement("", "https://[::1]:8443")).url) == "https://[::1]:8443"


def test_strangers_on_one_host_are_told_apart() -> None:
    """Each is named by host and port, whatever id the container gives it."""
    named = [
        server_named_by_container(_placement("ria", f"https://stranger.example:{port}")) for port in (1, 22)
    ]
    assert [server.id for server in named] == ["stranger.example-1", "stranger.example-22"]
    assert named[1].organisation == "stranger.example:22, from the container"


def test_a_stranger_with_a_long_name_can_be_named() -> None:
    """A DNS name may be longer than an id and than an organisation's name."""
    url = f"https://{'.'.join(['a' * 60] * 4)}.example:65535"
    assert str(server_named_by_container(_placement("", url)).url) == url


def test_terminal_codes_of_a_container_are_not_shown() -> None:
    """A stranger's text reaches an error only in printable form and not at length."""
    with pytest.raises(UnknownServerError) as caught:
        resolve(_placement("\x1b[2J", "x" * 5000), {})
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_resolve_known_leaves_strangers_out() -> None:
    """A collection goes on with the servers that are known."""
    known, stranger = _placement("", "https://pank.example"), _placement("", "https://evil.example")
    assert set(resolve_known([known, stranger], {"office": OFFICE})) == {known}
