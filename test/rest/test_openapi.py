"""The OpenAPI document describes what the edge really does, and two independent validators accept it; /docs needs no network."""

import json
import os
import re
import subprocess

import pytest
import tools
from awkward_fixtures import CACHE

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture(scope="session")
def document(http1):
    answer = http1.get("/openapi.json")
    assert answer.status_code == 200 and "json" in answer.headers["content-type"]
    return answer.json()


@pytest.fixture(scope="session")
def validators():
    return tools.npm_tree(CACHE, "openapi", os.path.join(HERE, "package.json"))


@pytest.fixture(scope="session")
def document_file(document, tmp_path_factory):
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_the_first_validator(validators, document_file):
    script = """import { Validator } from '@seriousme/openapi-schema-validator';
        const result = await new Validator().validate(process.argv[1]);
        if (!result.valid) { console.log(JSON.stringify(result.errors, null, 1)); process.exit(1); }"""
    done = subprocess.run(["node", "--input-type=module", "-e", script, document_file], cwd=validators, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_second_validator(validators, document_file):
    """redocly's `spec` rules: what the specification demands, without its opinions on style. One rule is left out: it refuses `$ref` within
    an extension (`x-itemSchema`), which the specification leaves free."""
    done = subprocess.run([os.path.join(validators, "node_modules", ".bin", "redocly"), "lint", "--extends", "spec", "--skip-rule", "spec-strict-refs", document_file],
                          cwd=validators, capture_output=True, text=True, env={**os.environ, "REDOCLY_TELEMETRY": "off"})
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith(("3.1.", "3.2."))


OPERATIONS = [
    ("get", "/v1/get/{name}"), ("post", "/v1/get/{name}"), ("post", "/v1/post"), ("put", "/v1/tags/{name}"), ("get", "/v1/ticks"),
    ("post", "/v1/sum"), ("post", "/v1/chat"), ("get", "/v1/download/{size}"), ("post", "/v1/upload/{name}"), ("post", "/v1/upload-parts"),
    ("post", "/awkward.v1.Awkward/NoRule"), ("get", "/v1/get/{name}:short")]


@pytest.mark.parametrize("method, path", OPERATIONS)
def test_operations_are_there(document, method, path):
    assert method in document["paths"][path]


def test_operation_ids_are_unique(document):
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values() if isinstance(operation, dict)]
    assert len(ids) == len(set(ids)) >= 20


def test_every_reference_leads_somewhere(document):
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        at = document
        assert reference.startswith("#/")
        for part in reference[2:].split("/"):
            at = at[part.replace("~1", "/").replace("~0", "~")]


def test_types_are_described_as_they_travel(document):
    schemas = json.dumps(document["components"]["schemas"])
    message = next(schema for name, schema in document["components"]["schemas"].items() if name.endswith("Everything"))["properties"]
    assert "string" in json.dumps(message["i64"])  # 64-bit integers are strings
    assert message["flag"]["type"] == "boolean" and message["i32"]["type"] == "integer"
    assert "date-time" in json.dumps(message["at"])
    assert "otherwise" in message and "aSnakeName" in message
    assert "RED" in schemas


def test_comments_and_errors_are_in_it(document):
    assert "Answers what it was asked" in json.dumps(document["paths"]["/v1/get/{name}"]["get"])
    assert "application/problem+json" in json.dumps(document)
    assert "text/event-stream" in json.dumps(document["paths"]["/v1/ticks"]["get"])


def test_the_reference_page_needs_no_network(http1):
    answer = http1.get("/docs", follow_redirects=True)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    for reference in re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", answer.text):
        assert not re.match(r"(https?:)?//", reference), reference
