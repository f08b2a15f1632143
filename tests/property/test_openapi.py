"""Our OpenAPI documents against what is served: whatever they allow is answered, whatever they forbid is refused in words."""

from __future__ import annotations

import copy

import hypothesis
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from schemathesis.specs.openapi.definitions import OPENAPI_31

from pointsman.app.admin_paths import ADMIN_PATHS, allowed_methods
from pointsman.app.openapi import admin_document, gateway_document
from pointsman.gateway.endpoints import PATHS, find_endpoint
from support.error_shapes import assert_error
from support.gateway import gateway, variant
from support.scripted_server import scripted_server
from support.serving import ADMIN_KEY, serving, with_admin

DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
SLOW = [pytest.mark.slow, pytest.mark.timeout(1200)]
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


@pytest.mark.parametrize("document", [gateway_document(), admin_document()], ids=["gateway", "admin"])
def test_it_is_a_document_of_openapi(document):
    """As OpenAPI's own schema has it; schemas inside are JSON Schemas, and every reference leads somewhere."""
    jsonschema_rs.validator_for(OPENAPI_31).validate(document)
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


def test_every_path_it_names_is_served_and_every_one_served_is_named():
    """A name in place of the braces leads to that very endpoint."""
    assert list(gateway_document()["paths"]) == list(PATHS)
    for path, endpoint in PATHS.items():
        assert find_endpoint(path.replace("{model}", "a-route")) == endpoint
        assert list(gateway_document()["paths"][path]) == [endpoint.method.lower()]
    for path, methods in ADMIN_PATHS.items():
        assert allowed_methods(path.replace("{", "").replace("}", "")) == tuple(methods)
        assert [m.upper() for m in admin_document()["paths"][path]] == list(methods)


def named(document, *routes):
    """The same document with the names of models that there are."""
    document = copy.deepcopy(document)
    for name, schema in document["components"]["schemas"].items():
        if "model" in schema.get("properties", {}):
            only = ("openai_chat",) if name == "EmbeddingsRequest" else routes
            schema["properties"]["model"] = {"enum": list(only)}
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "model":
                    parameter["schema"] = {"enum": list(routes)}
    return document


@pytest.fixture(scope="module")
def served():
    """A route per protocol of providers, in front of a scripted server."""
    with scripted_server(seed=3, script={"output_tokens": 8}) as upstream:
        config = {
            "variants": {name: variant(upstream.base_url, name) for name in DIALECTS},
            "routes": {name: {"variant": name, "retries": 0, "on_loss": "report"} for name in DIALECTS},
        }
        with gateway(config) as running:
            yield running


def whole(value):
    """JSON Schema takes 1.0 for an integer; OpenAI does not, and neither do we."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [whole(one) for one in value]
        case dict():
            return {name: whole(one) for name, one in value.items()}
        case _:
            return value


def run(strategy, most, case_of):
    """As many cases as that, the same each time."""
    bounded = settings(
        max_examples=most, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), phases=PHASES
    )
    bounded(given(strategy)(case_of))()


PHASES = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
OPERATIONS = [(path, endpoint.method) for path, endpoint in PATHS.items()]


@pytest.mark.parametrize("most", [3, pytest.param(400, marks=SLOW)])
@pytest.mark.parametrize("path, method", OPERATIONS, ids=[path for path, _ in OPERATIONS])
def test_what_the_document_allows_is_answered(served, path, method, most):
    """By providers of every protocol, as the document says."""
    schema = schemathesis.openapi.from_dict(named(gateway_document(), *DIALECTS))
    statuses = set()

    def answered(case):
        case.body = whole(case.body)
        response = case.call(base_url=served.base_url, timeout=20)
        statuses.add(response.status_code)
        case.validate_response(response, checks=[*CHECKS, positive_data_acceptance])

    run(schema[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE), most, answered)
    assert statuses
    assert served.app.faults == 0


BODIES = [(path, endpoint) for path, endpoint in PATHS.items() if endpoint.method == "POST"]


@pytest.mark.parametrize("most", [5, pytest.param(1000, marks=SLOW)])
@pytest.mark.parametrize("path, endpoint", BODIES, ids=[path for path, _ in BODIES])
def test_what_the_document_forbids_is_refused_in_the_protocols_words_or_passed_on(served, path, endpoint, most):
    """Never with an error of the gateway's own, nor after long."""
    schema = schemathesis.openapi.from_dict(named(gateway_document(), *DIALECTS))
    refused = 0

    def refused_well(case):
        nonlocal refused
        response = case.call(base_url=served.base_url, timeout=20)
        if response.status_code >= 400:
            refused += 1
            shape = find_endpoint(case.formatted_path)
            assert_error(shape.dialect if shape else "openai_chat", response.status_code, response.content)
        else:
            case.validate_response(response, checks=CHECKS)

    run(schema[path][endpoint.method].as_strategy(generation_mode=GenerationMode.NEGATIVE), most, refused_well)
    assert refused
    assert served.app.faults == 0
    assert served.app.in_flight == 0


@pytest.mark.parametrize("most", [2, pytest.param(200, marks=SLOW)])
def test_the_admin_listener_answers_as_its_document_says(tmp_path, most):
    """Under the real command; sound and unsound requests, to every path."""
    config = {"variants": {"m": variant("http://127.0.0.1:9")}, "routes": {"m": {"variant": "m"}}}
    with serving(tmp_path, with_admin(config)) as running:
        for name, document in (("/openapi.json", gateway_document()), ("/openapi-admin.json", admin_document())):
            assert running.admin(name) == (200, document)
        assert running.admin("/openapi.json", key=None)[0] == 401
        schema = schemathesis.openapi.from_dict(admin_document())

        def answered(case):
            headers = {"authorization": f"Bearer {ADMIN_KEY}"}
            response = case.call(base_url=running.admin_url, timeout=20, headers=headers)
            case.validate_response(response, checks=CHECKS)

        for path, methods in ADMIN_PATHS.items():
            for method in methods:
                modes = [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if method == "POST" else [])]
                for mode in modes:
                    run(schema[path][method].as_strategy(generation_mode=mode), most, answered)
        assert running.health()["status"] == "ok"
