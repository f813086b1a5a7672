from http.client import HTTPConnection

import pytest
from awkward_fixtures import *  # noqa: F403


@pytest.fixture(autouse=True)
def others_are_unharmed(request):
    """After whatever a peer did, the shared node lives and answers others at once."""
    yield
    if "node" in request.fixturenames:
        node = request.getfixturevalue("node")
        assert node.alive()
        connection = HTTPConnection("127.0.0.1", node.port, timeout=60)
        connection.request("GET", "/v1/get/still-here")
        assert connection.getresponse().status == 200
        connection.close()
