"""One backend, one node and one contract a run; a queue and a topic a case."""

import os
import re

import pytest

import backends
import contract
import parley_node
import pull

BACKEND = backends.BACKENDS[os.environ["PARLEY_TEST_BACKEND"]]
BINARY = os.environ["PARLEY_BINARY"]


def pytest_configure(config):
    config.addinivalue_line("markers", "queue(*options): the case's queue: key, dedup, ttl")
    config.addinivalue_line("markers", "topic: the case has a topic")


def case_name(item):
    """Of its queue and topic: with the parameters, if it has any."""
    return re.sub(r"\W+", "_", item.name.removeprefix("test_")).strip("_")


def base_name(item):
    """As backends.py lists it."""
    return item.originalname.removeprefix("test_")


def options_of(item):
    mark = item.get_closest_marker("queue")
    return None if mark is None else mark.args


def refused_at_start(item):
    """What the backend prints instead of starting with this case's queue; None where it starts."""
    for option in options_of(item) or ():
        if option in BACKEND.at_start:
            return BACKEND.at_start[option]
    return None


@pytest.fixture(scope="session")
def contracts(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("contracts")
    queues = {case_name(item): options_of(item) for item in request.session.items
              if options_of(item) is not None and refused_at_start(item) is None}
    topics = [case_name(item) for item in request.session.items if item.get_closest_marker("topic")]
    (folder / "cases.proto").write_text(contract.contract(queues, topics))
    return folder


@pytest.fixture(scope="session")
def backend(contracts, tmp_path_factory):
    one = BACKEND(tmp_path_factory.mktemp("backend"), os.environ["PARLEY_CACHE"])
    one.start(BINARY, contracts)
    yield one
    one.stop()


def config(backend, contracts):
    return {"contracts": str(contracts), "messages": backend.messages, "shards": 2}


@pytest.fixture(scope="session")
def node(backend, contracts):
    with parley_node.Parley(BINARY, config(backend, contracts), env=backend.environment, ready_seconds=120) as one:
        yield one


@pytest.fixture(scope="session")
def client(node):
    return pull.Client(node.port)


@pytest.fixture
def queue(request, client):
    return client.queue(contract.queue_name(case_name(request.node)))


@pytest.fixture
def topic(request, client):
    one = client.topic(case_name(request.node))
    one.type = contract.event_type(case_name(request.node))
    return one


@pytest.fixture
def group(request, client):
    """Makes the case's topic's groups as queues: `group("audit")`."""
    return lambda name: client.queue(case_name(request.node), name)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """A case that the backend refuses must be refused, with the reason that its table gives."""
    if (reason := refused_at_start(pyfuncitem)) is not None:
        pyfuncitem.obj = lambda **_: refuses(pyfuncitem, reason)
        return (yield)
    reason = BACKEND.on_call.get(base_name(pyfuncitem))
    if reason is None:
        return (yield)
    with pytest.raises(pull.ApiError) as refused:
        yield
    assert reason in str(refused.value), f"refused, but not as its table says: {refused.value}"
    return True


def refuses(item, reason):
    """A node whose contract has the case's queue does not start."""
    folder = item._request.getfixturevalue("tmp_path")
    (folder / "cases.proto").write_text(contract.contract({case_name(item): options_of(item)}, []))
    backend = item._request.getfixturevalue("backend")
    with pytest.raises(parley_node.ParleyFailed) as failed:
        with parley_node.Parley(BINARY, config(backend, folder), env=backend.environment, ready_seconds=120):
            pass
    assert reason in str(failed.value)
