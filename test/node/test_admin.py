"""What operators see: metrics, health, the access log; and that they agree with what the caller saw."""

import json
import re
import time

import grpc
import httpx
from awkward_fixtures import pb, pb_grpc


def metrics(node):
    answer = httpx.get(f"http://127.0.0.1:{node.admin}/metrics", trust_env=False)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def count(text, **labels):
    """The value of parley_calls_total with these labels; 0 if there is no such line."""
    for line in text.splitlines():
        if line.startswith("parley_calls_total{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    return 0


def counted(node, *expected):
    """Waits until that many calls are counted, for each of (number, labels), and returns all metrics: a call counts once it is over, which is a little
    after its caller has the answer."""
    end = time.monotonic() + 60
    while wrong := [one for one in expected if count(text := metrics(node), **one[1]) != one[0]]:
        assert time.monotonic() < end, wrong
        time.sleep(0.02)
    return text


def wait_for_lines(log, number):
    """The lines of an access log, once there are so many. What is behind the last line's end is still being written."""
    end = time.monotonic() + 60
    while len(lines := log.read_text().split("\n")[:-1] if log.exists() else []) < number:
        assert time.monotonic() < end, "the access log is short of lines"
        time.sleep(0.02)
    return [json.loads(line) for line in lines]


def test_calls_are_counted_by_method_edge_and_code(new_node):
    node = new_node()
    url = f"http://127.0.0.1:{node.port}"
    for _ in range(3):
        assert httpx.get(f"{url}/v1/get/n", trust_env=False).status_code == 200
    assert httpx.post(f"{url}/v1/fail", json={"code": 5, "message": "gone"}, trust_env=False).status_code == 404
    with grpc.insecure_channel(f"127.0.0.1:{node.port}") as channel:
        pb_grpc.AwkwardStub(channel).Get(pb.Everything(name="n"))
    text = counted(node, (3, {"method": "Get", "edge": "rest", "code": "OK"}), (1, {"method": "Get", "edge": "grpc", "code": "OK"}),
                   (1, {"method": "Fail", "edge": "rest", "code": "NOT_FOUND"}))
    assert re.search(r'parley_call_duration_seconds_bucket\{[^}]*le="\+Inf"\} 3', text)
    assert "parley_connections" in text and "process_resident_memory_bytes" in text


def test_requests_for_no_method_are_counted_and_logged_too(new_node, tmp_path):
    log = tmp_path / "access.log"
    node = new_node(log={"access": str(log)}, shards=1)
    url = f"http://127.0.0.1:{node.port}"
    requests = [
        # method, path, headers; status, edge, code, reason
        ("GET", "/nowhere", {}, 404, "rest", "NOT_FOUND", "no_route"),
        ("PUT", "/v1/get/n", {}, 405, "rest", "UNIMPLEMENTED", "method_not_allowed"),
        ("POST", "/no.Such/Thing", {"content-type": "application/proto"}, 404, "connect", "UNIMPLEMENTED", "unknown_method"),
        ("PUT", "/awkward.v1.Awkward/Get", {"content-type": "application/proto"}, 405, "connect", "UNIMPLEMENTED", "method_not_allowed"),
        ("POST", "/awkward.v1.Awkward/Get", {"content-type": "application/grpc-web+xml"}, 415, "grpc-web", "INVALID_ARGUMENT", "unsupported_media_type"),
        ("POST", "/awkward.v1.Awkward/Get", {"content-type": "application/grpc"}, 505, "grpc", "UNIMPLEMENTED", "http_version"),
    ]
    for method, path, headers, status, *_ in requests:
        assert httpx.request(method, url + path, headers=headers, trust_env=False).status_code == status, path
    counted(node, *((sum(1 for r in requests if r[4:6] == (edge, code)), {"method": "", "edge": edge, "code": code}) for *_, edge, code, _ in requests))
    lines = wait_for_lines(log, len(requests))
    assert [(l["method"], l["edge"], l["code"], l["reason"]) for l in lines] == [(r[1], *r[4:]) for r in requests]


def test_health_and_readiness(new_node):
    node = new_node()
    assert httpx.get(f"http://127.0.0.1:{node.admin}/healthz", trust_env=False).text == "ok\n"
    assert httpx.get(f"http://127.0.0.1:{node.admin}/readyz", trust_env=False).status_code == 200
    assert httpx.get(f"http://127.0.0.1:{node.admin}/nothing", trust_env=False).status_code == 404
    assert httpx.post(f"http://127.0.0.1:{node.admin}/metrics", trust_env=False).status_code == 405


def test_the_access_log_has_one_line_a_call_with_the_reason_the_caller_saw(new_node, tmp_path):
    log = tmp_path / "access.log"
    node = new_node(log={"access": str(log)}, shards=1)  # one shard: the lines of several are not in order
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    good = httpx.get(f"http://127.0.0.1:{node.port}/v1/get/n", headers={"traceparent": trace, "authorization": "Bearer secret-token"}, trust_env=False)
    bad = httpx.post(f"http://127.0.0.1:{node.port}/v1/fail", json={"code": 9, "message": "not now"}, trust_env=False)
    assert good.status_code == 200
    first, second = wait_for_lines(log, 2)
    assert first["method"] == "/awkward.v1.Awkward/Get" and first["code"] == "OK" and first["edge"] == "rest"
    assert first["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert second["code"] == bad.json()["code"] and second["reason"] == bad.json()["reason"]
    assert second["duration_us"] > 0
    assert "secret-token" not in log.read_text() + node.log()


def test_too_many_calls_at_once_are_refused_and_others_go_on(new_node):
    node = new_node(limits={"pending_calls": 1}, shards=1)
    with httpx.Client(base_url=f"http://127.0.0.1:{node.port}", trust_env=False) as client, client.stream("GET", "/v1/ticks?count=1000&delay_ms=50") as held:
        lines = held.iter_lines()  # which ends the call when it is dropped
        next(lines)
        refused = httpx.get(f"http://127.0.0.1:{node.port}/v1/get/n", trust_env=False)
        assert refused.status_code == 429 and refused.json()["reason"] == "too_many_calls"
        lines.close()
    end = time.monotonic() + 60
    while httpx.get(f"http://127.0.0.1:{node.port}/v1/get/n", trust_env=False).status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.02)
