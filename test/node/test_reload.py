"""A contract or a configuration that changes while Parley serves."""

import shutil
import signal
import ssl
import time

import httpx
import pytest
import suite


def eventually(check, seconds=60):
    """Polls until check() is true: how long a reload may take is what is tested, not when exactly it happens."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {check}")


def contract_copy(folder):
    target = folder / "contracts"
    target.mkdir()
    shutil.copy(suite.AWKWARD + "/awkward.proto", target)
    return target / "awkward.proto"


def replace(file, old, new):
    text = file.read_text()
    assert old in text
    changed = file.with_suffix(".new")
    changed.write_text(text.replace(old, new))
    changed.rename(file)


def test_a_new_binding_is_served_and_a_broken_edit_keeps_the_last_good_one(new_node, tmp_path):
    file = contract_copy(tmp_path)
    node = new_node(contracts=str(tmp_path / "contracts"))
    url = f"http://127.0.0.1:{node.port}"
    with httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get("/v2/sleep/1").status_code == 404
        replace(file, 'get: "/v1/sleep/{ms}"', 'get: "/v2/sleep/{ms}"')
        eventually(lambda: client.get("/v2/sleep/1").status_code == 200)
        assert client.get("/v1/sleep/1").status_code == 404
        replace(file, 'get: "/v2/sleep/{ms}"', 'get: "/v2/sleep/{nonsense}"')
        eventually(lambda: "keeping what was running" in node.log())
        assert client.get("/v2/sleep/1").status_code == 200
        log = node.log()
        assert "awkward.proto:" in log and "nonsense" in log
        replace(file, '{get: "/v2/sleep/{nonsense}"}', '{get: "/v3/sleep/{ms}"}')
        eventually(lambda: client.get("/v3/sleep/1").status_code == 200)


def test_a_call_in_flight_finishes_on_the_contract_it_began_with(new_node, tmp_path):
    file = contract_copy(tmp_path)
    node = new_node(contracts=str(tmp_path / "contracts"))
    url = f"http://127.0.0.1:{node.port}"
    with httpx.Client(base_url=url, trust_env=False) as client, client.stream("GET", "/v1/ticks?count=20&delay_ms=100", timeout=60) as stream:
        lines = stream.iter_lines()
        first = next(lines)
        replace(file, 'get: "/v1/ticks"', 'get: "/v2/ticks"')
        eventually(lambda: "reloaded (files changed)" in node.log())
        rest = list(lines)
    assert first and len(rest) == 19, rest[-3:]
    def status(path):  # each time on another connection, for the shards take it up one after the other
        return httpx.get(url + path, trust_env=False).status_code

    eventually(lambda: status("/v2/ticks?count=1") == 200)
    eventually(lambda: status("/v1/ticks?count=1") == 404)


def test_sighup_reads_the_configuration_again(new_node):
    node = new_node()
    with httpx.Client(base_url=f"http://127.0.0.1:{node.port}", trust_env=False) as client:
        assert client.get("/v1/get/n").status_code == 200
        node.write_config({**node.config, "services": {}})
        node.signal(signal.SIGHUP)
        eventually(lambda: client.get("/v1/get/n").status_code == 501)
        assert client.get("/v1/get/n").json()["reason"] == "no_service"
        node.write_config(node.config)
        eventually(lambda: client.get("/v1/get/n").status_code == 200)


def test_a_broken_configuration_is_refused_while_serving_goes_on(new_node):
    node = new_node()
    with httpx.Client(base_url=f"http://127.0.0.1:{node.port}", trust_env=False) as client:
        node.write_config({**node.config, "servces": {}})
        eventually(lambda: "did you mean 'services'?" in node.log())
        assert client.get("/v1/get/n").status_code == 200


@pytest.mark.parametrize("change", [
    lambda config, folder: {"limits": {"message_bytes": "1MiB"}},
    lambda config, folder: {"tls": dict(zip(("cert", "key"), suite.self_signed(folder)))},
    lambda config, folder: {"services": {"awkward": {**config["services"]["awkward"], "run": "exec sleep 1000"}}},
], ids=["limits", "tls", "run"])
def test_what_needs_a_restart_says_so(new_node, tmp_path, change):
    node = new_node()
    node.write_config({**node.config, **change(node.config, str(tmp_path))})
    eventually(lambda: "takes effect at the next start" in node.log())


def test_the_contract_by_reflection(new_node, backend):
    """No .proto file at all: the service tells its contract and its services."""
    node = new_node(contracts="reflection", services={"awkward": {"at": f"grpc://127.0.0.1:{backend.port}"}})
    with httpx.Client(base_url=f"http://127.0.0.1:{node.port}", trust_env=False) as client:
        assert client.get("/v1/get/n").status_code == 200


def test_a_renewed_certificate_is_shown_to_new_connections(new_node, tmp_path):
    certificate, key = suite.self_signed(str(tmp_path))
    node = new_node(tls={"cert": certificate, "key": key})

    def shown():
        return ssl.get_server_certificate(("127.0.0.1", node.port))

    first = shown()
    with httpx.Client(base_url=f"https://127.0.0.1:{node.port}", verify=False, trust_env=False) as client:
        assert client.get("/v1/get/n").status_code == 200
        suite.self_signed(str(tmp_path))
        eventually(lambda: shown() != first)
        assert client.get("/v1/get/n").status_code == 200  # on the connection that is open


def test_a_certificate_is_renewed_while_the_contract_is_broken(new_node, tmp_path):
    file = contract_copy(tmp_path)
    certificate, key = suite.self_signed(str(tmp_path))
    node = new_node(contracts=str(tmp_path / "contracts"), tls={"cert": certificate, "key": key})
    first = ssl.get_server_certificate(("127.0.0.1", node.port))
    file.write_text(file.read_text() + "nonsense\n")
    eventually(lambda: "keeping what was running" in node.log())
    suite.self_signed(str(tmp_path))
    eventually(lambda: ssl.get_server_certificate(("127.0.0.1", node.port)) != first)


def test_a_broken_certificate_keeps_the_old_one(new_node, tmp_path):
    certificate, key = suite.self_signed(str(tmp_path))
    node = new_node(tls={"cert": certificate, "key": key})
    first = ssl.get_server_certificate(("127.0.0.1", node.port))
    with open(certificate, "w") as file:
        file.write("no certificate\n")
    eventually(lambda: "keeping the old certificate" in node.log())
    assert ssl.get_server_certificate(("127.0.0.1", node.port)) == first
