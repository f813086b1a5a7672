"""What HTTP itself asks of an edge: metadata, HEAD, CORS, deadlines, connections."""

import http.client
import socket
import time

import pytest
from awkward_fixtures import echoed, problem


def test_headers_become_metadata_and_hop_by_hop_ones_do_not(http):
    got = echoed(http.get("/v1/get/n", headers={
        "x-custom": "one", "authorization": "Bearer t", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "connection-ish": "kept", "x-data-bin": "AP8", "proxy-authorization": "no", "x-forwarded-client-cert": "no"})).metadata
    assert got["x-custom"] == "one" and got["authorization"] == "Bearer t" and got["connection-ish"] == "kept"
    assert "0af7651916cd43dd8448eb211c80319c" in got["traceparent"]
    assert got["x-data-bin"] == "00ff"
    assert not {"proxy-authorization", "x-forwarded-client-cert", "host", "content-length", "accept", "te-ish"} & set(got)


def test_repeated_headers_arrive_joined_in_order(http):
    got = echoed(http.get("/v1/get/n", headers=[("x-many", "a"), ("x-many", "b")])).metadata
    assert got["x-many"].replace(" ", "") == "a,b"


def test_metadata_of_the_answer_becomes_headers(http):
    answer = http.get("/v1/get/n", headers={"x-answer-with": "hello"})
    assert answer.headers["x-answer"] == "hello"
    assert answer.headers["x-answer-bin"].rstrip("=") == "AP9iaW4"


def test_a_deadline_from_a_header(http):
    problem(http.get("/v1/sleep/120000", headers={"grpc-timeout": "200m"}), 504, "DEADLINE_EXCEEDED")  # and before the client gives up
    assert 0 < echoed(http.get("/v1/get/n", headers={"grpc-timeout": "600S"})).remaining_ms <= 600_100


def test_head_is_a_get_without_its_body(http):
    whole = http.get("/v1/get/n")
    head = http.head("/v1/get/n")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["content-type"] == "application/json"


def test_a_preflight_of_a_known_origin(http):
    answer = http.options("/v1/post", headers={"origin": "https://shop.example", "access-control-request-method": "POST",
                                               "access-control-request-headers": "content-type,x-custom"})
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] in ("https://shop.example", "*")
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "x-custom" in answer.headers["access-control-allow-headers"] or answer.headers["access-control-allow-headers"] == "*"


def test_a_preflight_of_a_strange_origin_gets_no_permission(http):
    answer = http.options("/v1/post", headers={"origin": "https://evil.example", "access-control-request-method": "POST"})
    assert "access-control-allow-origin" not in answer.headers


def test_answers_to_a_page_can_be_read_by_it_even_when_they_fail(http):
    for target in ("/v1/get/n", "/v1/nowhere"):
        answer = http.get(target, headers={"origin": "https://shop.example"})
        assert answer.headers["access-control-allow-origin"] in ("https://shop.example", "*")
        assert "origin" in answer.headers["vary"].lower()


def test_options_without_a_preflight_lists_methods(http):
    answer = http.options("/v1/get/n")
    assert answer.status_code in (200, 204, 405)
    assert "GET" in answer.headers["allow"]


def test_pipelined_requests_are_answered_in_order(node):
    with socket.create_connection(("127.0.0.1", node.port), 60) as peer:
        peer.sendall(b"".join(b"GET /v1/get/%d HTTP/1.1\r\nhost: x\r\n%s\r\n" % (n, b"connection: close\r\n" if n == 9 else b"") for n in range(10)))
        data = b""
        while part := peer.recv(65536):
            data += part
    assert data.count(b"HTTP/1.1 200") == 10
    positions = [data.index(b'"name":"%d"' % n) for n in range(10)]
    assert positions == sorted(positions)


def test_expect_100_continue(node):
    with socket.create_connection(("127.0.0.1", node.port), 60) as peer:
        peer.sendall(b"POST /v1/post HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 14\r\nexpect: 100-continue\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 100")
        peer.sendall(b'{"text":"abc"}')
        assert b"HTTP/1.1 200" in peer.recv(65536)


def test_expect_100_continue_of_a_request_that_is_refused(node):
    with socket.create_connection(("127.0.0.1", node.port), 60) as peer:
        peer.sendall(b"POST /v1/nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 14\r\nexpect: 100-continue\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 404")


def test_a_chunked_body(node):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    connection.request("POST", "/v1/post", body=iter([b'{"te', b'xt":"c', b'hunks"}']), headers={"content-type": "application/json"},
                       encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 200 and b'"text":"chunks"' in answer.read()


def test_an_absolute_form_target(node):
    with socket.create_connection(("127.0.0.1", node.port), 60) as peer:
        peer.sendall(b"GET http://anything:1/v1/get/abs HTTP/1.1\r\nhost: anything:1\r\nconnection: close\r\n\r\n")
        data = b""
        while part := peer.recv(65536):
            data += part
    assert b"HTTP/1.1 200" in data and b'"name":"abs"' in data


def test_http_1_0(node):
    with socket.create_connection(("127.0.0.1", node.port), 60) as peer:
        peer.sendall(b"GET /v1/ticks?count=2&size=1 HTTP/1.0\r\n\r\n")
        data = b""
        while part := peer.recv(65536):
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0] and b"chunked" not in head.lower()
    assert body.count(b"\n") == 2


@pytest.mark.parametrize("count", [200])
def test_connections_are_kept(node, count):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    connection.connect()
    local = connection.sock.getsockname()
    for n in range(count):
        connection.request("GET", f"/v1/get/{n}")
        assert connection.getresponse().read()
    assert connection.sock.getsockname() == local


def test_both_versions_on_tls_by_alpn(new_node, tmp_path):
    import httpx
    import suite

    certificate, key = suite.self_signed(str(tmp_path))
    node = new_node(tls={"cert": certificate, "key": key})
    for http2, version in ((True, "HTTP/2"), (False, "HTTP/1.1")):
        with httpx.Client(base_url=f"https://127.0.0.1:{node.port}", http2=http2, verify=certificate) as client:
            answer = client.get("/v1/get/tls")
            assert (answer.status_code, answer.http_version) == (200, version)


def test_admin_port(node, http1):
    assert http1.get("/v1/get/n").status_code == 200
    end = time.monotonic() + 60
    while "awkward.v1.Awkward" not in admin(node, "/metrics")[1]:  # a call counts once it is over, a little after its answer
        assert time.monotonic() < end, "the call is not counted"
        time.sleep(0.02)
    for path, expected in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/nowhere", 404)):
        status, body = admin(node, path)
        assert status == expected
        assert path != "/metrics" or "# TYPE" in body


def admin(node, path):
    connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()
