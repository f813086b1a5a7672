"""Each test has nodes of its own."""

import pytest
from rig import Handler, Keeper, Network, Sidecar


@pytest.fixture
def handler():
    one = Handler()
    yield one
    one.stop()


@pytest.fixture
def started():
    """started(node): the node, started; it is stopped, and looked after, when the test ends."""
    nodes = []

    def start(node):
        nodes.append(node)
        return node.start()

    yield start
    for node in reversed(nodes):
        try:
            if node.process is not None and node.process.poll() is None:
                node.stop()
        finally:
            node.folder.cleanup()


@pytest.fixture
def keeper(started):
    return started(Keeper())


@pytest.fixture
def network(keeper):
    one = Network(keeper.port)
    yield one
    one.stop()


@pytest.fixture
def sidecar(started, keeper, handler):
    return started(Sidecar(f"parley://127.0.0.1:{keeper.port}", handler))


@pytest.fixture
def far_sidecar(started, network, handler):
    """Behind a network that can be cut."""
    return started(Sidecar(f"parley://127.0.0.1:{network.port}", handler))
