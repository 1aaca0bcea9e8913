# SPDX-License-Identifier: MIT
"""The policy, applied to what a real directory has of people: who gets which record, and why."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from factories.directories import (
    DIGI_ID,
    ID_CARD,
    JAAN,
    KATI,
    MARI,
    MOBILE_ID,
    Listed,
    TestDirectory,
    issue,
    running_directory,
)
from factories.people import TestCA
from factories.quiet_ports import quiet_ports

from osak.client import (
    ClientConfig,
    ConfigurationError,
    DirectoryError,
    MessageError,
    Password,
    Person,
    PlannedRecipient,
    Secret,
    UsageError,
    plan,
)
from osak.shares.configuration import load_settings

NOBODY = "37605030299"
GROUPS = {
    "eesti": {
        "threshold": 2,
        "servers": [
            {"id": name, "organisation": name, "url": f"https://{name}.example"} for name in ("a", "b", "c")
        ],
    }
}
SERVERS = {
    name: {"url": "https://c.example:1", "fetch_url": "https://c.example:2"} for name in ("first", "second")
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDirectory]:
    """Mari has two cards, one with RSA, and Mobile-ID; Jaan Mobile-ID; Kati a card that has ended."""
    authority = TestCA("TEST of ESTEID")
    key = rsa.generate_private_key(65537, 2048)
    usages = ("digital_signature", "key_encipherment")
    people = [
        Listed(issue(authority, ID_CARD, MARI), ID_CARD),
        Listed(issue(authority, DIGI_ID, MARI, key, usages=usages), DIGI_ID),
        Listed(issue(authority, MOBILE_ID, MARI), MOBILE_ID),
        Listed(issue(authority, MOBILE_ID, JAAN), MOBILE_ID),
        Listed(issue(TestCA(), ID_CARD, KATI), ID_CARD),
    ]
    with running_directory(tmp_path_factory.mktemp("slapd"), authority, people) as running:
        yield running


@pytest.fixture
def config(directory: TestDirectory) -> dict[str, Any]:
    return {"directory": directory.section, "groups": GROUPS}


def _plan(config: dict[str, Any], person: Person | str, **policy: Any) -> PlannedRecipient:
    (planned,) = plan(person, config=ClientConfig.model_validate(config | {"policy": policy}))
    return planned


def _schemes(planned: PlannedRecipient) -> list[str]:
    return sorted(record.scheme for record in planned.records)


def test_cards_and_shares_by_default(config: dict[str, Any]) -> None:
    """Every card gets a record in the container, and a lost card does not lose the file."""
    planned = _plan(config, MARI)
    assert _schemes(planned) == ["SC01", "SC02", "t-of-n"]
    assert [record.opens_with for record in planned.records if record.scheme == "SC02"] == ["Digi-ID"]
    shares = planned.records[-1]
    assert (shares.group, shares.needed, shares.servers) == ("eesti", 2, 3)
    assert shares.why.startswith("a lost card does not lose the file")
    assert planned.lookup == "asked"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (JAAN, "the directory has no card; Mobile-ID signs for the servers"),
        (KATI, "the directory has no card of use (ID-card: it is not by any of the authorities"),
        (NOBODY, "the directory has nothing; opens with Smart-ID"),
    ],
)
def test_whoever_has_no_card_gets_shares(config: dict[str, Any], code: str, why: str) -> None:
    """Mobile-ID, a card that is not to be believed, and nothing at all lead to shares, with a reason."""
    planned = _plan(config, code)
    assert _schemes(planned) == ["t-of-n"]
    assert planned.records[0].why.startswith(why)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"cards": "container", "shares": "without-card"}, ["SC01", "SC02"]),
        ({"cards": "container", "shares": "never"}, ["SC01", "SC02"]),
        ({"cards": "server", "capsule_server": "first"}, ["SC03", "SC04", "t-of-n"]),
        (
            {"cards": "both", "capsule_server": "second", "shares": "never"},
            ["SC01", "SC02", "SC03", "SC04"],
        ),
        ({"cards": "none"}, ["t-of-n"]),
        ({"scheme": "n-of-n", "cards": "none"}, ["SC07"]),
        ({"scheme": "n-of-n"}, ["SC01", "SC02", "SC07"]),
    ],
)
def test_the_policy_decides(config: dict[str, Any], policy: dict[str, Any], expected: list[str]) -> None:
    """Container, capsule server, both, or shares alone, as the YAML says."""
    assert _schemes(_plan(config | {"capsule_servers": SERVERS}, MARI, **policy)) == expected


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (Person(MARI, shares="never"), ["SC01", "SC02"]),
        (Person(MARI, cards="none"), ["SC07"]),
        (Person(MARI, cards="none", threshold=3), ["t-of-n"]),
        (Person(MARI, cards="none", n_of_n=False), ["t-of-n"]),
        (Person(MARI, cards="server", server="first", shares="never"), ["SC03", "SC04"]),
    ],
)
def test_a_person_can_be_decided_otherwise(
    config: dict[str, Any], person: Person, expected: list[str]
) -> None:
    """What a caller says of one person goes before the policy."""
    assert _schemes(_plan(config | {"capsule_servers": SERVERS}, person, scheme="n-of-n")) == expected


def test_the_only_capsule_server_needs_no_name(config: dict[str, Any]) -> None:
    """One server in the configuration is the one that is meant; of two, one has to be named."""
    one = {"only": SERVERS["first"]}
    planned = _plan(config | {"capsule_servers": one}, MARI, cards="server", shares="never")
    assert {record.server for record in planned.records} == {"only"}
    with pytest.raises(UsageError, match="which capsule server for cards"):
        _plan(config | {"capsule_servers": SERVERS}, MARI, cards="server")
    with pytest.raises(UsageError, match="no capsule server 'third'"):
        _plan(config | {"capsule_servers": SERVERS}, Person(MARI, cards="server", server="third"))


def test_without_a_directory_the_key_is_shared() -> None:
    """As before there were directories; the reason says that nobody is looked up."""
    planned = _plan({"groups": GROUPS}, MARI)
    assert (planned.lookup, planned.found) == ("no-directory", None)
    assert _schemes(planned) == ["t-of-n"]
    assert planned.records[0].why == "no directory in the configuration: nobody is looked up"


@pytest.mark.parametrize("person", [Person(MARI, cards="container"), Person(MARI, shares="never")])
def test_cards_without_a_directory_are_refused(person: Person) -> None:
    """Who asks for cards by name is told that there is no directory to find them in."""
    with pytest.raises(UsageError, match="the configuration has none: add the section directory"):
        _plan({"groups": GROUPS}, person)


def test_a_directory_that_sends_us_elsewhere(tmp_path: Path) -> None:
    """No card in one part of a directory is told apart from no card."""
    elsewhere = (
        "\ndn: cn=elsewhere,dc=ESTEID,c=EE\nobjectClass: referral\nobjectClass: extensibleObject\n"
        "cn: elsewhere\nref: ldap://127.0.0.1:1/dc=ESTEID,c=EE\n"
    )
    authority = TestCA()
    people = [Listed(issue(authority, ID_CARD, MARI), ID_CARD)]
    with running_directory(tmp_path / "slapd", authority, people, elsewhere) as directory:
        planned = _plan({"directory": directory.section, "groups": GROUPS}, NOBODY)
    assert planned.records[0].why.startswith("the directory has no card here; it sends us elsewhere")


def test_nobody_is_left_out(config: dict[str, Any]) -> None:
    """A person for whom no record comes about is an error that names them."""
    with pytest.raises(UsageError, match=f"PNOEE-{JAAN} the directory has no card"):
        _plan(config, JAAN, shares="never")


def test_wishes_that_contradict_each_other(config: dict[str, Any]) -> None:
    """Neither cards nor shares, n-of-n with a threshold, a server that cards do not go to: refused."""
    with pytest.raises(UsageError, match="nobody could open the file"):
        _plan(config, Person(MARI, cards="none", shares="never"))
    with pytest.raises(UsageError, match="leave the threshold out"):
        _plan(config, Person(MARI, n_of_n=True, threshold=2))
    with pytest.raises(UsageError, match="cards are not to go there"):
        _plan(config | {"capsule_servers": SERVERS}, Person(MARI, server="first"))


def test_nobody_is_named_twice(config: dict[str, Any]) -> None:
    """Two spellings of a code are one person, which is told before anybody is asked."""
    with pytest.raises(UsageError, match="the same person is named twice"):
        plan([MARI, f"etsi/PNOEE-{MARI}"], config=ClientConfig.model_validate(config))


def test_shares_need_a_group(directory: TestDirectory) -> None:
    """A directory without a group: shares cannot be kept; whoever has a card may do without."""
    config = {"directory": directory.section}
    with pytest.raises(UsageError, match="which group of servers"):
        _plan(config, MARI)
    assert _schemes(_plan(config, MARI, shares="without-card")) == ["SC01", "SC02"]


def test_a_directory_that_is_down_stops_everything(config: dict[str, Any]) -> None:
    """Nobody silently gets less than the policy says; only who looks nobody up goes on."""
    (port,) = quiet_ports(1)
    down = config | {"directory": config["directory"] | {"url": f"ldaps://localhost:{port}"}}
    with pytest.raises(DirectoryError):
        _plan(down, NOBODY)
    assert _schemes(_plan(down, Person(NOBODY, cards="none"))) == ["t-of-n"]


def test_a_code_is_checked_before_anybody_is_asked(config: dict[str, Any]) -> None:
    """A wrong check digit is told, though the directory is down."""
    (port,) = quiet_ports(1)
    down = config | {"directory": config["directory"] | {"url": f"ldaps://localhost:{port}"}}
    with pytest.raises(MessageError, match="not a valid Estonian personal code"):
        plan([MARI, "48010010108"], config=ClientConfig.model_validate(down))


def test_everybody_keeps_their_place(config: dict[str, Any], tmp_path: Path) -> None:
    """People and others, mixed, come back in the order given; a password is not asked for."""

    def never() -> str:
        raise AssertionError("asked")

    planned = plan(
        [Password(never, "kevad"), JAAN, Secret(bytes(range(32)), "kontor"), MARI],
        config=ClientConfig.model_validate(config),
    )
    expected = ["password kevad", f"etsi/PNOEE-{JAAN}", "symmetric key kontor", f"etsi/PNOEE-{MARI}"]
    assert [one.who for one in planned] == expected
    assert [one.lookup for one in planned] == [None, "asked", None, "asked"]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("{cards: none, shares: never}", "leave no way"),
        ("{cards: somewhere}", "container"),
        ("{shares: sometimes}", "always"),
        ("{scheme: 2-of-3}", "t-of-n"),
        ("{capsule_server: nowhere}", "is not one of capsule_servers"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: str, words: str) -> None:
    """Mistakes in the YAML are told when it is read, not when somebody encrypts."""
    with pytest.raises(ConfigurationError, match=words):
        load_settings(f"policy: {policy}", ClientConfig, source="osak.yaml", environment={})
