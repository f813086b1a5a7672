"""pytest fixtures: Parley with the awkward service behind it, HTTP clients of both versions, and the messages' Python classes.

A conftest.py takes them with `from awkward_fixtures import *`. Sessions share one node, so what a test does must not disturb others;
one that does starts a node of its own with `new_node`.
"""

import os
import sys

import grpc
import httpx
import pytest
from google.protobuf import json_format

import parley_node
import suite

sys.path.insert(0, suite.AWKWARD)
pb, pb_grpc = grpc.protos_and_services("awkward.proto")

BINARY = os.environ["PARLEY_BINARY"]
CACHE = os.environ["PARLEY_CACHE"]

__all__ = ["backend", "node", "new_node", "http1", "http2", "http"]


def parse(message_type, answer):
    """The JSON text or httpx answer as a message: Python's ProtoJSON parser is the judge of what Parley prints."""
    text = answer if isinstance(answer, (str, bytes)) else answer.text
    return json_format.Parse(text, message_type())


def echoed(answer):
    """What the backend got, of a successful answer of one of its echoing rpcs."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return parse(pb.Echoed, answer)


def problem(answer, status, code, reason=None):
    """The problem document (RFC 9457) of a failed answer, after checks of what every one has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == "about:blank"
    assert document["status"] == status
    assert document["title"]
    assert document["code"] == code
    assert document["reason"]
    if reason is not None:
        assert document["reason"] == reason
    return document


@pytest.fixture(scope="session")
def backend():
    with suite.awkward_backend(CACHE) as running:
        yield running


@pytest.fixture(scope="session")
def node(backend):
    """The shared node. CORS is on for one origin."""
    config = suite.awkward_config(backend.port, cors={"origins": ["https://shop.example"]})
    with parley_node.Parley(BINARY, config) as running:
        yield running


@pytest.fixture
def new_node(backend):
    """Starts nodes of this test only: new_node(limits={…}) or new_node(services={…})."""
    running = []

    def start(**more):
        running.append(parley_node.Parley(BINARY, {**suite.awkward_config(backend.port), **more}).start())
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None or one.process.returncode != 0:
            one.stop()
        one.folder.cleanup()


def _client(node, version):
    return httpx.Client(base_url=f"http://127.0.0.1:{node.port}", http1=version == 1, http2=version == 2, timeout=60, trust_env=False)


@pytest.fixture(scope="session")
def http1(node):
    with _client(node, 1) as client:
        yield client


@pytest.fixture(scope="session")
def http2(node):
    with _client(node, 2) as client:
        yield client


@pytest.fixture(scope="session", params=[1, 2], ids=["http1", "http2"])
def http(request):
    """Each test that takes this runs over HTTP/1.1 and over HTTP/2."""
    return request.getfixturevalue(f"http{request.param}")
