"""parleys://: who the keeper is, and who may use it."""

import parley_node
import pytest
import suite
from rig import Keeper, Sidecar


@pytest.fixture
def certificates(tmp_path):
    """certificates(name): (certificate, key), which is its own authority."""

    def make(name):
        (tmp_path / name).mkdir(exist_ok=True)
        return suite.self_signed(str(tmp_path / name))

    return make


@pytest.fixture
def server(certificates):
    return certificates("server")


def refuses(started, at, text):
    """A sidecar does not start, says why, and does not wait for what stays wrong."""
    with pytest.raises(parley_node.ParleyFailed, match="exited with") as failed:
        started(Sidecar(at))
    assert text in str(failed.value), failed.value
    assert "waited 30 s for it" not in str(failed.value), failed.value


def works(sidecar, handler):
    for number in range(20):
        sidecar.store(number=number)
    # In order; one whose lease ran out while a machine stood still comes again.
    handler.wait(lambda seen: list(dict.fromkeys(one.number for one in seen)) == list(range(20)))


def test_over_tls(started, server, handler):
    keeper = started(Keeper(tls={"cert": server[0], "key": server[1]}))
    works(started(Sidecar(f"parleys://127.0.0.1:{keeper.port}?ca={server[0]}", handler)), handler)


def test_a_keeper_that_is_killed_and_comes_back_over_tls(started, server, handler):
    keeper = started(Keeper(tls={"cert": server[0], "key": server[1]}))
    sidecar = started(Sidecar(f"parleys://127.0.0.1:{keeper.port}?ca={server[0]}", handler))
    sidecar.store(number=1)
    keeper.kill()
    refused = sidecar.publish(number=2)
    assert refused.status == 503 and f"the node at 127.0.0.1:{keeper.port}" in refused.problem["detail"]
    keeper.start()
    sidecar.store(number=2)
    handler.wait(lambda seen: {1, 2} <= {one.number for one in seen})


def test_the_wrong_authority(started, server, certificates):
    keeper = started(Keeper(tls={"cert": server[0], "key": server[1]}))
    other = certificates("other")
    refuses(started, f"parleys://127.0.0.1:{keeper.port}?ca={other[0]}", "certificate")


def test_no_authority_is_the_systems(started, server):
    keeper = started(Keeper(tls={"cert": server[0], "key": server[1]}))
    refuses(started, f"parleys://127.0.0.1:{keeper.port}", "certificate")


def test_an_authority_that_is_no_file(started, server):
    keeper = started(Keeper(tls={"cert": server[0], "key": server[1]}))
    refuses(started, f"parleys://127.0.0.1:{keeper.port}?ca=nowhere.pem", "nowhere.pem")


def test_a_keeper_without_tls(started, server):
    keeper = started(Keeper())
    refuses(started, f"parleys://127.0.0.1:{keeper.port}?ca={server[0]}", "TLS")


def test_callers_need_a_certificate(started, server, certificates, handler):
    client = certificates("client")
    keeper = started(Keeper(tls={"cert": server[0], "key": server[1], "client_ca": client[0], "require_client_cert": True}))
    at = f"parleys://127.0.0.1:{keeper.port}?ca={server[0]}"
    works(started(Sidecar(f"{at}&cert={client[0]}&key={client[1]}", handler)), handler)
    refuses(started, at, "certificate")


def test_a_keeper_that_admits_nobody(started):
    keeper = started(Keeper(pull_api="off"))
    refuses(started, f"parley://127.0.0.1:{keeper.port}", "pull_api")
