"""A folder of files served beside the rpcs: types, caching, compression, what is not served, and changes."""

import gzip
import time

import httpx
import pytest

SCRIPT = "export const answer = 42;\n" * 100


@pytest.fixture
def page(tmp_path):
    """A built page, as a bundler leaves it, in a folder with neighbours that are nobody's business."""
    files = {
        "dist/index.html": "<!doctype html><title>shop</title>",
        "dist/assets/main-4f2a91c3.js": SCRIPT,
        "dist/assets/logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "dist/help/index.html": "<!doctype html><title>help</title>",
        "dist/a b.txt": "with a space",
        "dist/data.bin": "\x01\x02",
        "dist/empty.txt": "",
        "dist/v1/sleep/1": "a file where a route is too",
        "dist/.env": "SECRET=1",
        "dist/.git/config": "[core]",
        "dist/.well-known/security.txt": "Contact: mailto:nobody@example.org",
        "secret.txt": "outside",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "dist"


@pytest.fixture
def start(new_node):
    clients = []

    def begin(http2=False, **files):
        node = new_node(files=files)
        clients.append(httpx.Client(base_url=f"http://127.0.0.1:{node.port}", http1=not http2, http2=http2, trust_env=False, timeout=60))
        return node, clients[-1]

    yield begin
    for client in clients:
        client.close()


def eventually(check, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {check}")


FOUND = [
    ("/", "text/html; charset=utf-8", "<!doctype html><title>shop</title>"),
    ("/index.html", "text/html; charset=utf-8", "<!doctype html><title>shop</title>"),
    ("/?tab=orders", "text/html; charset=utf-8", "<!doctype html><title>shop</title>"),
    ("/assets/main-4f2a91c3.js", "text/javascript; charset=utf-8", SCRIPT),
    ("/assets/logo.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ("/help/", "text/html; charset=utf-8", "<!doctype html><title>help</title>"),
    ("/a%20b.txt", "text/plain; charset=utf-8", "with a space"),
    ("/data.bin", "application/octet-stream", "\x01\x02"),
    ("/empty.txt", "text/plain; charset=utf-8", ""),
    ("/v1/sleep/1", "application/octet-stream", "a file where a route is too"),
    ("/.well-known/security.txt", "text/plain; charset=utf-8", "Contact: mailto:nobody@example.org"),
]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_files_have_their_types_and_the_rpcs_stay_beside_them(start, page, http2):
    _, client = start(http2, folder=str(page), immutable="assets")
    for path, content_type, body in FOUND:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"], answer.text) == (200, content_type, body), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        head = client.head(path, headers={"accept-encoding": "identity"})
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(body))), path
    assert client.get("/v1/sleep/2").json()["rpc"] == "Sleep"
    assert client.post("/v1/post", json={"name": "n"}).json()["rpc"] == "Post"
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")


NOT_SERVED = ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/../../secret.txt", "/.env", "/.git/config", "/assets/",
              "/assets", "/index.html/", "//index.html", "/INDEX.HTML", "/%", "/index.html%00"]


def test_nothing_else_is_served(start, page):
    node, _ = start(folder=str(page))
    for path in NOT_SERVED:
        with httpx.Client(trust_env=False) as client:
            request = client.build_request("GET", f"http://127.0.0.1:{node.port}/")
            request.extensions["target"] = path.encode()  # as it is: a client's own tidying would hide what is tested
            answer = client.send(request)
        assert answer.status_code in (400, 404), path
        assert "outside" not in answer.text and "SECRET" not in answer.text
    answer = httpx.post(f"http://127.0.0.1:{node.port}/index.html", trust_env=False)
    assert answer.status_code in (404, 405)


def test_a_folder_without_its_slash_is_led_there(start, page):
    _, client = start(folder=str(page), at="/shop")
    assert client.get("/shop/help").status_code == 308
    assert str(client.get("/shop/help?x=1", follow_redirects=True).url).endswith("/shop/help/?x=1")
    assert str(client.get("/shop", follow_redirects=True).url).endswith("/shop/")
    assert client.get("/shop/").text.endswith("<title>shop</title>")
    assert client.get("/index.html").status_code == 404


def test_caching(start, page):
    _, client = start(folder=str(page), immutable="./assets/")
    script, index = client.get("/assets/main-4f2a91c3.js"), client.get("/")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert index.headers["cache-control"] == "no-cache"
    tag = index.headers["etag"]
    for value, status in [(tag, 304), (f'"other", W/{tag}', 304), ("*", 304), ('"other"', 200), ("", 200)]:
        answer = client.get("/", headers={"if-none-match": value})
        assert (answer.status_code, answer.headers["etag"]) == (status, tag), value
        assert (answer.content == b"") == (status == 304)


@pytest.mark.parametrize("accept, encoding", [("gzip", "gzip"), ("br, gzip", "br"), ("br;q=0, gzip", "gzip"), ("identity", None), ("zstd", None)])
def test_compression(start, page, accept, encoding):
    _, client = start(folder=str(page))
    with client.stream("GET", "/assets/main-4f2a91c3.js", headers={"accept-encoding": accept}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "accept-encoding"
    assert int(answer.headers["content-length"]) == len(raw)
    if encoding is None:
        assert raw == SCRIPT.encode()
    else:
        assert len(raw) < len(SCRIPT) / 10
        assert answer.headers["etag"].endswith(f'-{encoding}"')
    if encoding == "gzip":
        assert gzip.decompress(raw) == SCRIPT.encode()


def test_a_rebuilt_page_is_served_and_one_that_comes_later_too(start, page):
    _, client = start(folder=str(page))
    tag = client.get("/").headers["etag"]
    (page / "index.html").write_text("<!doctype html><title>new</title>")
    eventually(lambda: client.get("/").text.endswith("<title>new</title>"))
    assert client.get("/").headers["etag"] != tag
    later = page.parent / "later"
    node, client = start(folder=str(later))
    assert client.get("/").status_code == 404
    assert "no such folder" in node.log()
    page.rename(later)
    eventually(lambda: client.get("/").status_code == 200)


def test_too_much_is_an_error_that_says_so(start, page):
    (page / "big.bin").write_bytes(b"x" * 2_000_000)
    try:
        start(folder=str(page), max_bytes="1MiB")
    except AssertionError as failed:
        assert "files.max_bytes" in str(failed)
    else:
        raise AssertionError("it started")


BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_page_with_routes_of_its_own(start, page):
    _, client = start(folder=str(page), fallback="index.html")
    for path in ["/orders/7", "/a/b/c", "/assets/not_there"]:
        answer = client.get(path, headers=BROWSER)
        assert (answer.status_code, answer.text) == (200, "<!doctype html><title>shop</title>")
        assert answer.headers["content-type"] == "text/html; charset=utf-8" and answer.headers["cache-control"] == "no-cache"
        assert client.get(path, headers={**BROWSER, "if-none-match": answer.headers["etag"]}).status_code == 304
    head = client.head("/orders/7", headers=BROWSER)
    assert head.status_code == 200 and head.content == b""


def test_what_the_fallback_is_not_for(start, page):
    _, client = start(folder=str(page), fallback="index.html", at="/app/")
    assert client.get("/app/orders/7", headers=BROWSER).status_code == 200
    for path in ["/other", "/appendix"]:
        assert client.get(path, headers=BROWSER).status_code == 404, "not below files.at"
    assert client.get("/app/assets/gone.js", headers={"accept": "*/*"}).status_code == 404, "a script that is missing"
    assert client.post("/app/orders/7", headers=BROWSER).status_code == 404
    assert "<title>shop" not in client.get("/docs", headers=BROWSER).text
    _, client = start(folder=str(page), fallback="index.html")
    assert client.get("/help/", headers=BROWSER).text == "<!doctype html><title>help</title>", "files come first"
    assert "<title>shop" not in client.get("/docs", headers=BROWSER).text
    assert client.get("/v1/nothing/of/this", headers={"accept": "application/json"}).status_code == 404
    assert client.get("/ws/nothing", headers=BROWSER).status_code == 404
    _, client = start(folder=str(page))
    assert client.get("/orders/7", headers=BROWSER).status_code == 404, "only where it is asked for"
