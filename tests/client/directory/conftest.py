# SPDX-License-Identifier: MIT
"""One real directory for all tests of this folder, with people who have everything a person can have."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from factories.directories import (
    CARD_USAGES,
    DIGI_ID,
    E_RESIDENT,
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

from osak.client.directory.settings import DirectorySettings


@pytest.fixture(scope="session")
def authority() -> TestCA:
    return TestCA("TEST of ESTEID")


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory, authority: TestCA) -> Iterator[TestDirectory]:
    """Mari has an ID-card, a Digi-ID and Mobile-ID; Jaan Mobile-ID; Kati an e-resident's card."""
    signing = issue(authority, ID_CARD, MARI, usages=("content_commitment",))
    people = [
        Listed(issue(authority, ID_CARD, MARI), ID_CARD),
        Listed(signing, ID_CARD, "Digital Signature"),
        Listed(issue(authority, DIGI_ID, MARI), DIGI_ID),
        Listed(issue(authority, MOBILE_ID, MARI), MOBILE_ID),
        Listed(issue(authority, MOBILE_ID, JAAN), MOBILE_ID),
        Listed(issue(authority, E_RESIDENT, KATI, usages=CARD_USAGES), E_RESIDENT),
        Listed(issue(TestCA("TEST of nobody"), ID_CARD, KATI), ID_CARD),
    ]
    with running_directory(tmp_path_factory.mktemp("slapd"), authority, people) as running:
        yield running


@pytest.fixture
def settings(directory: TestDirectory) -> DirectorySettings:
    return DirectorySettings.model_validate(directory.section)


@pytest.fixture
def folder(tmp_path: Path, authority: TestCA) -> Path:
    """A folder with a file of anchors."""
    (tmp_path / "anchors.pem").write_bytes(authority.certificate_pem)
    return tmp_path
