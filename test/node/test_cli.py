"""The commands: what they print and their exit codes."""

import json
import os
import subprocess

import pytest
import suite
from awkward_fixtures import BINARY


def parley(*arguments, stdin=""):
    return subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, text=True, timeout=60)


def call(node, *arguments, stdin=""):
    return parley("call", *arguments, "--to", f"127.0.0.1:{node.port}", "--contract", suite.AWKWARD, stdin=stdin)


@pytest.mark.parametrize("via", ["rest", "grpc", "connect", "ws"])
def test_a_unary_call(node, via):
    answer = call(node, "awkward.v1.Awkward/Get", '{"name":"n","i64":"7"}', "--via", via, "-H", "x-custom: one")
    assert answer.returncode == 0, answer.stderr
    got = json.loads(answer.stdout)
    assert got["request"]["name"] == "n" and got["request"]["i64"] == "7"
    assert got["metadata"]["x-custom"] == "one"


@pytest.mark.parametrize("via", ["rest", "grpc", "connect", "ws"])
def test_an_error_has_its_code_and_exit_code(node, via):
    answer = call(node, "awkward.v1.Awkward/Fail", '{"code":5,"message":"gone"}', "--via", via)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("NOT_FOUND") and "gone" in answer.stderr


@pytest.mark.parametrize("via", ["rest", "grpc", "connect", "ws"])
def test_a_server_stream_prints_a_line_a_message(node, via):
    answer = call(node, "awkward.v1.Awkward/Ticks", '{"count":3}', "--via", via)
    assert answer.returncode == 0, answer.stderr
    assert len([json.loads(line) for line in answer.stdout.splitlines()]) == 3


@pytest.mark.parametrize("via", ["grpc", "connect", "ws"])
def test_a_stream_both_ways_takes_a_message_a_line(node, via):
    answer = call(node, "awkward.v1.Awkward/Chat", "-", "--via", via, stdin='{"text":"a"}\n{"text":"b"}\n')
    assert answer.returncode == 0, answer.stderr
    assert [json.loads(line)["text"] for line in answer.stdout.splitlines()] == ["A", "B"]


def test_a_slip_of_the_pen_gets_a_hint(node):
    answer = call(node, "awkward.v1.Awkward/Gett", "{}")
    assert answer.returncode == 2 and "did you mean 'awkward.v1.Awkward/Get'?" in answer.stderr
    answer = call(node, "awkward.v1.Awkward/Get", '{"nam":"n"}')
    assert answer.returncode == 2 and "nam" in answer.stderr


def test_nobody_listens(tmp_path):
    answer = parley("call", "awkward.v1.Awkward/Get", "{}", "--to", "127.0.0.1:1", "--contract", suite.AWKWARD)
    assert answer.returncode == 1 and answer.stderr.startswith("UNAVAILABLE")


def test_check_and_routes_and_openapi():
    good = parley("check", suite.AWKWARD)
    assert good.returncode == 0, good.stderr
    routes = json.loads(parley("routes", suite.AWKWARD, "--json").stdout)
    assert {"verb": "GET", "pattern": "/v1/sleep/{ms}", "rpc": "awkward.v1.Awkward/Sleep", "kind": "unary"} in routes
    document = json.loads(parley("openapi", suite.AWKWARD).stdout)
    assert document["openapi"].startswith("3.1")
    schema = json.loads(parley("schema", "config").stdout)
    assert "listen" in schema["properties"]


def test_check_names_the_place_of_a_mistake(tmp_path):
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts/bad.proto").write_text('syntax = "proto3";\nmessage A {\n  strin name = 1;\n}\n')
    answer = parley("check", str(tmp_path))
    assert answer.returncode == 1
    assert "bad.proto:3:" in answer.stderr and "strin" in answer.stderr


def test_check_against_reports_what_breaks(tmp_path):
    for name, number in (("old", 1), ("new", 2)):
        folder = tmp_path / name / "contracts"
        folder.mkdir(parents=True)
        (folder / "a.proto").write_text(f'syntax = "proto3";\npackage a;\nmessage A {{\n  string name = {number};\n}}\n')
    same = parley("check", str(tmp_path / "new"), "--against", str(tmp_path / "new"))
    assert same.returncode == 0
    broken = parley("check", str(tmp_path / "new"), "--against", str(tmp_path / "old"), "--json")
    assert broken.returncode == 1
    assert any("name" in finding["message"] for finding in json.loads(broken.stdout))


@pytest.mark.parametrize("arguments,says", [
    (["up", "/nowhere"], "no such file"),
    (["call"], "required"),
    (["nonsense"], "nonsense"),
    (["call", "a/B", "{}", "--via", "pigeon"], "pigeon"),
])
def test_wrong_usage_is_exit_code_2(arguments, says):
    answer = parley(*arguments)
    assert answer.returncode == 2 and says in answer.stderr


@pytest.mark.parametrize("command", ["up", "check", "call", "routes", "openapi", "schema"])
def test_help_has_an_example(command):
    text = parley(command, "--help").stdout
    assert "Example" in text or command == "schema"


def test_an_address_in_use_says_so(node):
    answer = parley("up", node.config_path)
    assert answer.returncode == 2
    assert "in use" in answer.stderr


def test_the_documentation_has_every_key():
    """docs/configuration.md ends with what the program prints: run `parley schema config --markdown` again when this fails."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    with open(os.path.join(root, "docs/configuration.md")) as file:
        assert file.read().endswith(parley("schema", "config", "--markdown").stdout)
