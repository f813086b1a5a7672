"""Bodies that are not one JSON text: google.api.HttpBody, multipart forms, compression both ways."""

import gzip
import hashlib
import json
import zlib

import brotli
import httpx
import pytest
import zstandard
from awkward_fixtures import another, echoed, problem


def pattern(size):
    return bytes(n % 251 for n in range(size))


def test_a_download_has_its_own_type(http):
    answer = http.get("/v1/download/1000?contentType=image/png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == pattern(1000)
    assert answer.headers["content-length"] == "1000"


def test_a_download_that_fails(http):
    problem(http.get("/v1/download/0?code=5"), 404, "NOT_FOUND")


def test_a_streamed_download(http):
    answer = http.get("/v1/download-parts/100000?part=999")
    assert answer.headers["content-type"] == "text/csv"
    assert answer.content == pattern(100_000)


def test_a_streamed_download_that_breaks_is_no_success(node):
    """A raw body cannot carry an error: the transfer must not end well."""
    with pytest.raises(httpx.HTTPError):
        with httpx.Client(base_url=f"http://127.0.0.1:{node.port}", timeout=60) as client:
            with client.stream("GET", "/v1/download-parts/3000000?part=100000&code=13") as answer:
                for _ in answer.iter_bytes():
                    pass


def test_an_upload_keeps_bytes_and_type(http):
    data = pattern(100_000)
    answer = http.post("/v1/upload/cat", content=data, headers={"content-type": "image/jpeg"}).json()
    assert answer == {"name": "cat", "contentType": "image/jpeg", "size": "100000", "sha256": hashlib.sha256(data).hexdigest(), "parts": 1}


def test_an_upload_of_nothing(http):
    answer = http.post("/v1/upload/none", content=b"", headers={"content-type": "image/jpeg"}).json()
    assert answer["name"] == "none" and answer.get("size", "0") == "0"


def test_a_long_upload_is_a_stream_of_parts(http):
    data = pattern(9_000_000)  # more than one message may have
    answer = http.post("/v1/upload-parts", content=data, headers={"content-type": "video/mp4"}).json()
    assert (answer["size"], answer["sha256"]) == (str(len(data)), hashlib.sha256(data).hexdigest())
    assert answer["contentType"] == "video/mp4" and answer["parts"] > 2


def test_a_multipart_upload_is_a_stream_of_its_parts(http):
    first, second = pattern(5000), b"x,y\n1,2\n"
    answer = http.post("/v1/upload-parts", files=[("a", ("a.bin", first, "image/gif")), ("b", ("b.csv", second, "text/csv"))]).json()
    assert answer["size"] == str(len(first) + len(second))
    assert answer["sha256"] == hashlib.sha256(first + second).hexdigest()
    assert answer["contentType"] == "image/gif"


def test_a_multipart_upload_of_one_file_into_a_field(http):
    data = pattern(2000)
    answer = http.post("/v1/upload/form", files={"file": ("a.bin", data, "image/gif")}).json()
    assert (answer["size"], answer["contentType"], answer["name"]) == ("2000", "image/gif", "form")


@pytest.mark.parametrize("content_type, body", [
    ("multipart/form-data", b"--x\r\n\r\n\r\n--x--"), ("multipart/form-data; boundary=x", b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\ncut off"),
    ("multipart/form-data; boundary=x", b"no boundary at all")], ids=["no boundary", "cut off", "no part"])
def test_broken_multipart(http, content_type, body):
    problem(http.post("/v1/upload-parts", content=body, headers={"content-type": content_type}), 400, "INVALID_ARGUMENT")


PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.ZstdCompressor().compress}
UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress, "br": brotli.decompress,
          "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)}


@pytest.mark.parametrize("coding", PACK)
def test_a_compressed_request(http, coding):
    body = json.dumps({"text": "x" * 10_000}).encode()
    got = echoed(http.post("/v1/post", content=PACK[coding](body), headers={"content-type": "application/json", "content-encoding": coding}))
    assert got.request.text == "x" * 10_000


UNPACK_PARTS = {"gzip": lambda: zlib.decompressobj(31).decompress, "br": lambda: brotli.Decompressor().process,
                "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress}


def raw_get(http, target, accept_encoding, **headers):
    """The answer's head and its body as it came over the wire."""
    with http.stream("GET", target, headers={"accept-encoding": accept_encoding, **headers}) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_compressed_answer(http, coding):
    answer, raw = raw_get(http, "/v1/get/" + "x" * 5000, coding)
    assert answer.headers["content-encoding"] == coding
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert len(raw) < 1000
    assert json.loads(UNPACK[coding](raw))["request"]["name"] == "x" * 5000


@pytest.mark.parametrize("accept, coding", [
    ("gzip;q=0.5, br;q=0.9", "br"), ("gzip;q=0, *;q=0.1", "br zstd deflate"), ("identity", ""), ("", ""), ("lzw", ""), ("gzip;q=0", ""),
    ("identity;q=0.5, gzip", "gzip")])
def test_the_coding_that_the_client_weighs_highest(http, accept, coding):
    answer, _ = raw_get(http, "/v1/get/" + "x" * 5000, accept)
    assert answer.headers.get("content-encoding", "") in (coding.split() or [""])


def test_short_answers_and_images_are_not_compressed(http):
    assert "content-encoding" not in raw_get(http, "/v1/get/x", "gzip")[0].headers
    assert "content-encoding" not in raw_get(http, "/v1/download/5000?contentType=image/png", "gzip")[0].headers


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_compressed_stream_still_arrives_message_by_message(http, coding):
    # The service rests before the second message for longer than a client waits.
    with another(http) as leaver, leaver.stream("GET", "/v1/ticks?count=2&delayMs=120000&size=50", headers={"accept-encoding": coding}) as answer:
        packed = answer.headers.get("content-encoding") == coding
        unpack, parts, text = UNPACK_PARTS[coding]() if packed else bytes, answer.iter_raw(), b""
        while b"\n" not in text:
            text += unpack(next(parts))
    assert json.loads(text)["text"] == "x" * 50
    answer, raw = raw_get(http, "/v1/ticks?count=3&size=50", coding)
    assert len((UNPACK[coding](raw) if answer.headers.get("content-encoding") == coding else raw).splitlines()) == 3


def test_a_decompression_bomb_is_refused(node, http):
    before = node.rss_kib()
    bomb = gzip.compress(b"[" + b" " * (1 << 30), 9)  # 1 GiB from 1 MiB
    answer = http.post("/v1/post", content=bomb, headers={"content-type": "application/json", "content-encoding": "gzip"})
    problem(answer, answer.status_code, "RESOURCE_EXHAUSTED")
    assert answer.status_code in (413, 429)
    assert node.rss_kib() - before < node.rss_bound_kib(64)


def test_broken_compression(http):
    answer = http.post("/v1/post", content=gzip.compress(b"{}")[:-6], headers={"content-type": "application/json", "content-encoding": "gzip"})
    problem(answer, 400, "INVALID_ARGUMENT")
    answer = http.post("/v1/post", content=b"no gzip at all", headers={"content-type": "application/json", "content-encoding": "gzip"})
    problem(answer, 400, "INVALID_ARGUMENT")
