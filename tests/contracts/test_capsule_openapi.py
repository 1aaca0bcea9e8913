# SPDX-License-Identifier: MIT
"""A node of the capsule role, as a process, answers what docs/api/capsules.yaml says and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.capsules import capsule_for
from factories.offices import Office, running_office
from factories.people import TestCA
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CheckFunction
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from osak.shares.protocol.codes import ProblemCode

SCHEMA = schemathesis.openapi.from_path(Path(__file__).parents[2] / "docs" / "api" / "capsules.yaml")
UPLOAD = SCHEMA["/key-capsules"]["POST"]
FETCH = SCHEMA["/key-capsules/{transactionId}"]["GET"]
CA = TestCA()
PEOPLE = [
    CA.issue(key=key)
    for key in (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 2048),
    )
]
# A schema cannot say that bytes are a point of a curve, so what it allows may still be refused.
EXCLUDED: list[CheckFunction] = [positive_data_acceptance]
SOME = settings(max_examples=25, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One node for all tests of this file, and everybody's certificate and key beside it."""
    folder = tmp_path_factory.mktemp("office")
    for number, person in enumerate(PEOPLE):
        (folder / f"{number}.pem").write_bytes(person.certificate_pem + person.key_pem)
    with running_office(folder, CA) as running:
        yield running


def judge(case: schemathesis.Case[Any], base_url: str, **options: Any) -> schemathesis.Response:
    """Make a request and hold its answer against the document."""
    response = case.call(base_url=base_url, **options)
    case.validate_response(response, excluded_checks=EXCLUDED, transport_kwargs=options)
    return response


def certificate(office: Office, number: int) -> str:
    """Somebody's certificate and key in one file."""
    return str(office.ca_file.parents[2] / f"{number}.pem")


def test_every_code_is_in_the_document() -> None:
    """A code that a node of this role can answer with is one that the document names."""
    named = SCHEMA.raw_schema["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    of_shares = {ProblemCode.TICKET_REFUSED, ProblemCode.SESSION_REFUSED}
    assert named == [code.value for code in ProblemCode if code not in of_shares]


def test_a_head_that_is_too_large(office: Office) -> None:
    """What is refused before it reaches the application is in the document too."""
    body = json.loads(capsule_for(PEOPLE[0]).to_json())
    upload = UPLOAD.Case(body=body, headers={"x-long": "l" * 9000}, media_type="application/json")
    refused = judge(upload, office.server.url, verify=str(office.ca_file))
    assert (refused.status_code, refused.json()["code"]) == (431, "head-too-large")


@pytest.mark.parametrize("number", range(len(PEOPLE)))
def test_the_life_of_a_capsule(office: Office, number: int) -> None:
    """Stored, fetched by its owner, refused to others and to nobody: every answer is in the document."""
    verify = str(office.ca_file)
    body = json.loads(capsule_for(PEOPLE[number]).to_json())
    headers = {"x-expiry-time": "2999-01-31T00:00:00Z"}
    upload = UPLOAD.Case(body=body, headers=headers, media_type="application/json")
    created = judge(upload, office.server.url, verify=verify)
    assert created.status_code == 201
    assert created.headers["x-expiry-time-adjusted"] == ["true"]
    transaction_id = created.headers["location"][0].rpartition("/")[2]
    fetch = FETCH.Case(path_parameters={"transactionId": transaction_id})
    for who, status in ((number, 200), ((number + 1) % len(PEOPLE), 404), (None, 401)):
        options = {} if who is None else {"cert": certificate(office, who)}
        answer = judge(fetch, office.fetch_url, verify=verify, **options)
        assert answer.status_code == status
        assert status != 200 or answer.json() == body


@pytest.mark.parametrize("mode", GenerationMode)
def test_uploads(office: Office, mode: GenerationMode) -> None:
    """Whatever is uploaded, allowed by the document or not, the answer is one of the document's."""

    @SOME
    @given(case=UPLOAD.as_strategy(generation_mode=mode))
    def run(case: schemathesis.Case[Any]) -> None:
        judge(case, office.server.url, verify=str(office.ca_file))

    run()


@pytest.mark.parametrize("mode", GenerationMode)
def test_fetches(office: Office, mode: GenerationMode) -> None:
    """Whatever is asked for, the answer is one of the document's."""

    @SOME
    @given(case=FETCH.as_strategy(generation_mode=mode))
    def run(case: schemathesis.Case[Any]) -> None:
        judge(case, office.fetch_url, verify=str(office.ca_file), cert=certificate(office, 0))

    run()
