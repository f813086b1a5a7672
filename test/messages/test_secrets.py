"""What a node says about where its messages are kept never has the password in it: not its log, nor `parley check`, nor what it serves."""

import pathlib
import subprocess

import conftest
import httpx
import parley_node
import pytest

PASSWORD = "hunter2"
NOBODY = "127.0.0.1:1"  # where nobody listens

# (address, environment)
UNREACHABLE = [
    (f"kafka://user:{PASSWORD}@{NOBODY}?timeout=1s&dedup=process", {}),
    (f"kafka://user:{PASSWORD}@{NOBODY}?timeout=1s&dedup=process&sasl=scram-sha-512", {}),
    (f"sqs+http://{NOBODY}?region=r", {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": PASSWORD, "AWS_SESSION_TOKEN": PASSWORD}),
    (f"rabbitmq://user:{PASSWORD}@{NOBODY}/vhost?dedup=process", {}),
]
MISWRITTEN = [f"{scheme}://user:{PASSWORD}@{rest}" for scheme in ("kafka", "rabbitmq", "sqs", "parley", "amqp", "nats")
              for rest in ("host:x", "host:1/a/b", "host:1?colour=red", "", f":{PASSWORD}@host")]
MISWRITTEN += [f"{scheme}://user:1?{PASSWORD}@host" for scheme in ("kafka", "rabbitmq", "sqs", "parley")]


def said_by(node):
    """All that it says while it runs (if it does), and its log."""
    said = ""
    try:
        with node:
            with httpx.Client(trust_env=False, timeout=60) as client:
                for url in (f"http://127.0.0.1:{node.admin}/metrics", f"http://127.0.0.1:{node.admin}/readyz",
                            f"http://127.0.0.1:{node.port}/asyncapi.json", f"http://127.0.0.1:{node.port}/openapi.json"):
                    answer = client.get(url)
                    assert answer.text
                    said += answer.text
                refused = client.post(f"http://127.0.0.1:{node.port}/v1/mails", json={"to": "a@b"})
                assert refused.status_code >= 400
                said += refused.text + node.log()
    except parley_node.ParleyFailed as stopped:
        said += str(stopped)
    return said


@pytest.mark.parametrize(("address", "environment"), UNREACHABLE, ids=lambda v: v.split(":")[0] if isinstance(v, str) else "")
def test_a_broker_that_is_away(new_node, tmp_path, address, environment):
    contract = pathlib.Path(conftest.CONTRACTS, "mail.proto").read_text()
    (tmp_path / "mail.proto").write_text(contract.replace('window: "1h"', 'window: "5m"'))  # as long as SQS has it
    node = new_node(contracts=str(tmp_path), messages=address, log={"level": "debug"})
    node.env.update(environment)
    said = said_by(node)
    assert NOBODY in said or "127.0.0.1" in said
    assert PASSWORD not in said


@pytest.mark.parametrize("address", MISWRITTEN)
def test_an_address_that_is_wrong(new_node, address):
    said = said_by(new_node(messages=address))
    assert "messages" in said
    assert PASSWORD not in said


@pytest.mark.parametrize("address", [address for address, _ in UNREACHABLE] + MISWRITTEN)
def test_checking(tmp_path, address):
    (tmp_path / "parley.yaml").write_text(parley_node.to_yaml({"contracts": conftest.CONTRACTS, "messages": address}))
    done = subprocess.run([conftest.BINARY, "check", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert PASSWORD not in done.stdout + done.stderr
