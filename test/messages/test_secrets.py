"""What a node says about where its messages are kept never has the password in it: not its log, nor `parley check`, nor what it serves."""

import subprocess
import time

import conftest
import httpx
import parley_node
import pytest

PASSWORD = "hunter2"
NOBODY = "127.0.0.1:1"  # where nobody listens

# (address, environment, whether a node serves before it was reached)
UNREACHABLE = [
    (f"kafka://user:{PASSWORD}@{NOBODY}?timeout=1s&dedup=process", {}, True),
    (f"kafka://user:{PASSWORD}@{NOBODY}?timeout=1s&dedup=process&sasl=scram-sha-512", {}, True),
    (f"sqs+http://{NOBODY}?region=r", {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": PASSWORD, "AWS_SESSION_TOKEN": PASSWORD}, False),
    (f"rabbitmq://user:{PASSWORD}@{NOBODY}/vhost?dedup=process", {}, False),
]
MISWRITTEN = [f"{scheme}://user:{PASSWORD}@{rest}" for scheme in ("kafka", "rabbitmq", "sqs", "parley", "amqp", "nats")
              for rest in ("host:x", "host:1/a/b", "host:1?colour=red", "", f":{PASSWORD}@host")]
MISWRITTEN += [f"{scheme}://user:1?{PASSWORD}@host" for scheme in ("kafka", "rabbitmq", "sqs", "parley")]


def said_while_away(node, serves):
    """All that it says while its broker is away: on its admin port, where it serves, and in its log."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        urls = [f"http://127.0.0.1:{node.admin}/metrics"]
        if serves:
            urls += [f"http://127.0.0.1:{node.port}/asyncapi.json", f"http://127.0.0.1:{node.port}/openapi.json"]
        said = [why_not_ready(client, node, serves)]
        for url in urls:
            said.append(client.get(url).text)
            assert said[-1]
        if serves:
            refused = client.post(f"http://127.0.0.1:{node.port}/v1/mails", json={"to": "a@b"})
            assert refused.status_code >= 400
            said.append(refused.text)
    return "".join(said) + node.log()


def why_not_ready(client, node, serves):
    """What /readyz says once the broker was looked for and, where the node does without it, it serves."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert node.alive(), node.log()
        try:
            answer = client.get(f"http://127.0.0.1:{node.admin}/readyz")
        except httpx.TransportError:
            answer = None  # it has only begun
        if answer is not None and "was not reached since the start" in answer.text and (not serves or "serving" in node.log()):
            assert answer.status_code == 503
            return answer.text
        time.sleep(0.05)
    raise AssertionError(node.log())


@pytest.mark.parametrize(("address", "environment", "serves"), UNREACHABLE, ids=lambda v: v.split(":")[0] if isinstance(v, str) else "")
def test_a_broker_that_is_away(new_node, address, environment, serves):
    as_long_as_sqs_has_it = {'window: "1h"': 'window: "5m"'}
    node = new_node(contract=as_long_as_sqs_has_it, messages=address, log={"level": "debug"})
    node.env.update(environment)
    node.launch()
    said = said_while_away(node, serves)
    node.stop()
    said += node.log()
    assert NOBODY in said
    assert PASSWORD not in said


@pytest.mark.parametrize("address", MISWRITTEN)
def test_an_address_that_is_wrong(new_node, address):
    with pytest.raises(parley_node.ParleyFailed) as stopped:
        new_node(messages=address).start()
    said = str(stopped.value)
    assert "messages" in said
    assert PASSWORD not in said


@pytest.mark.parametrize("address", [address for address, *_ in UNREACHABLE] + MISWRITTEN)
def test_checking(tmp_path, address):
    (tmp_path / "parley.yaml").write_text(parley_node.to_yaml({"contracts": conftest.CONTRACTS, "messages": address}))
    done = subprocess.run([conftest.BINARY, "check", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert PASSWORD not in done.stdout + done.stderr
