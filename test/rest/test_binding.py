"""How a request's path, query string and body become the request message (google.api.http)."""

import json

import pytest
from awkward_fixtures import echoed, pb, problem
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask


def everything(**fields):
    return json_format.ParseDict(fields, pb.Everything())


PATHS = [
    ("one segment", "/v1/get/plain", {"name": "plain"}),
    ("an encoded slash stays in its segment", "/v1/get/a%2Fb", {"name": "a/b"}),
    ("space, percent and UTF-8 are decoded", "/v1/get/%20%25%C3%A9", {"name": " %é"}),
    ("plus is no space in a path", "/v1/get/a+b", {"name": "a+b"}),
    ("a registered verb", "/v1/get/n:short", {"name": "n"}),
    ("an unregistered verb is text", "/v1/get/n:long", {"name": "n:long"}),
    ("only the last colon parts a verb", "/v1/get/a:b:short", {"name": "a:b"}),
    ("literals inside a variable", "/v1/shelves/1/books/2", {"name": "shelves/1/books/2"}),
    ("any number of segments", "/v1/files/a/b/c", {"name": "files/a/b/c"}),
    ("no segment at all", "/v1/files", {"name": "files"}),
    ("an encoded slash of many segments is kept as it is", "/v1/files/a%2Fb/c%20d", {"name": "files/a%2Fb/c d"}),
    ("a verb after many segments", "/v1/files/a/b:stat", {"name": "files/a/b"}),
    ("fields of sub-messages", "/v1/pairs/x/kids/y", {"inner": {"label": "x", "child": {"label": "kids/y"}}}),
    ("types", "/v1/typed/-9223372036854775808/true/GREEN/1e-3", {"i64": "-9223372036854775808", "flag": True, "colour": "GREEN", "d": 0.001}),
    ("an enum by number", "/v1/typed/0/false/1/NaN", {"colour": "RED", "d": "NaN"}),
]


@pytest.mark.parametrize("path, fields", [case[1:] for case in PATHS], ids=[case[0] for case in PATHS])
def test_path(http, path, fields):
    want = everything(**fields)
    got = echoed(http.get(path)).request
    assert str(got) == str(want)  # as text, for NaN is not equal to itself


QUERIES = [
    ("scalars by JSON name", "i32=-1&u64=18446744073709551615&f=1.5&flag=true&text=a%20b+c",
     {"i32": -1, "u64": "18446744073709551615", "f": 1.5, "flag": True, "text": "a b c"}),
    ("proto names", "a_snake_name=x", {"aSnakeName": "x"}),
    ("camel case names", "aSnakeName=x", {"aSnakeName": "x"}),
    ("a declared json_name", "otherwise=x", {"otherwise": "x"}),
    ("nested fields", "inner.label=a&inner.child.depth=3&inner.child.child.tags=t", {
        "inner": {"label": "a", "child": {"depth": 3, "child": {"tags": ["t"]}}}}),
    ("repeated fields", "tags=a&numbers=1&tags=b&numbers=-2", {"tags": ["a", "b"], "numbers": ["1", "-2"]}),
    ("repeated inside a sub-message", "inner.tags=a&inner.tags=b", {"inner": {"tags": ["a", "b"]}}),
    ("an enum by name", "colour=BLUE", {"colour": "BLUE"}),
    ("repeated enums", "colours=RED&colours=2", {"colours": ["RED", "GREEN"]}),
    ("bytes in base64", "blob=AP%2F%2B", {"blob": "AP/+"}),
    ("bytes in URL-safe base64", "blob=AP_-", {"blob": "AP/+"}),
    ("timestamp", "at=2024-02-29T12:00:00.5Z", {"at": "2024-02-29T12:00:00.500Z"}),
    ("timestamp with an offset", "at=2024-02-29T12:00:00%2B01:00", {"at": "2024-02-29T11:00:00Z"}),
    ("duration", "lasts=1.5s", {"lasts": "1.500s"}),
    ("field mask", "mask=text,inner.label", {"mask": "text,inner.label"}),
    ("wrappers", "boxedI64=7&boxedText=x&boxedFlag=false", {"boxedI64": "7", "boxedText": "x", "boxedFlag": False}),
    ("an optional field at its default is present", "maybe=0", {"maybe": 0}),
    ("a member of a oneof", "right=5", {"right": "5"}),
    ("map entries", "labels[a]=1&labels[b]=2", {"labels": {"a": "1", "b": "2"}}),
    ("repeated timestamps", "times=1970-01-01T00:00:00Z&times=1970-01-01T00:00:01Z", {
        "times": ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z"]}),
    ("an empty value", "text=", {}),
    ("empty pairs", "&&text=a&", {"text": "a"}),
]


@pytest.mark.parametrize("query, fields", [case[1:] for case in QUERIES], ids=[case[0] for case in QUERIES])
def test_query(http, query, fields):
    assert echoed(http.get("/v1/get/n?" + query)).request == everything(name="n", **fields)


BAD = [
    ("an unknown parameter is named", "/v1/get/n?colr=RED", "colr"),
    ("and the nearest known one", "/v1/get/n?colr=RED", "colour"),
    ("an unknown nested parameter", "/v1/get/n?inner.labl=x", "inner.labl"),
    ("a scalar given twice", "/v1/get/n?i32=1&i32=2", "i32"),
    ("no number", "/v1/get/n?i32=x", "i32"),
    ("a number out of range", "/v1/get/n?i32=2147483648", "i32"),
    ("no boolean", "/v1/get/n?flag=yes", "flag"),
    ("an unknown enum name", "/v1/get/n?colour=PURPLE", "PURPLE"),
    ("no such day", "/v1/get/n?at=2023-02-29T00:00:00Z", "at"),
    ("no base64", "/v1/get/n?blob=%21", "blob"),
    ("two members of a oneof", "/v1/get/n?left=a&right=1", "right"),
    ("what the path gives already", "/v1/get/n?name=m", "name"),
    ("a message is no parameter", "/v1/get/n?inner=x", "inner"),
    ("no UTF-8", "/v1/get/n?text=%FF", "text"),
    ("a broken escape in the query", "/v1/get/n?text=%G1", ""),
    ("a broken escape in the path", "/v1/get/%G1", ""),
    ("no UTF-8 in the path", "/v1/get/%FF", ""),
    ("a path variable of the wrong type", "/v1/typed/x/true/RED/1", "i64"),
]


@pytest.mark.parametrize("target, named", [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_parameters_are_named(http, target, named):
    document = problem(http.get(target), 400, "INVALID_ARGUMENT")
    assert named in document["detail"]


ALL = {
    "name": "n", "i32": -5, "i64": "-9007199254740993", "u32": 4294967295, "u64": "18446744073709551615", "s32": -1, "s64": "-2", "f32": 3,
    "f64": "4", "sf32": -6, "sf64": "-7", "f": 0.1, "d": 1e300, "flag": True, "text": "\u0000 \" \\ \u2028 😀", "blob": "AAEC/w==",
    "colour": "BLUE", "inner": {"label": "a", "child": {"depth": 1, "colour": "RED"}, "tags": ["x", ""]}, "numbers": ["1", "-1"],
    "tags": ["a", "", "b"], "colours": ["RED", "COLOUR_UNSPECIFIED"], "inners": [{}, {"label": "z"}],
    "labels": {"": "empty", "k": ""}, "byId": {"-1": {"label": "minus"}, "2": {}}, "byFlag": {"true": "1", "false": "0"}, "third": {},
    "at": "0001-01-01T00:00:00Z", "lasts": "-0.000000001s", "mask": "aB,c.dE", "object": {"n": None, "l": [1, "x", {"y": True}]},
    "value": None, "list": [[], {}], "any": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s"}, "boxedI64": "0",
    "boxedText": "", "boxedFlag": False, "boxedBlob": "", "maybe": 0, "aSnakeName": "s", "otherwise": "o",
    "doubles": ["NaN", "Infinity", "-Infinity", -0.0], "times": ["9999-12-31T23:59:59.999999999Z"],
}


def test_every_field_type_goes_there_and_back(http):
    want = everything(**{**ALL, "doubles": ["Infinity", -0.0]})
    assert echoed(http.post("/v1/post", json={**ALL, "doubles": ["Infinity", -0.0]})).request == want


def test_numbers_are_printed_as_protojson_has_them(http):
    raw = http.post("/v1/post", json=ALL).json()["request"]
    assert raw["i64"] == "-9007199254740993" and raw["u64"] == "18446744073709551615"
    assert raw["i32"] == -5 and raw["colour"] == "BLUE" and raw["blob"] == "AAEC/w=="
    assert raw["doubles"] == ["NaN", "Infinity", "-Infinity", -0.0]
    assert raw["f"] == 0.1 and raw["d"] == 1e300
    assert raw["value"] is None


def test_body_of_one_field_and_query_for_the_rest(http):
    got = echoed(http.post("/v1/post/n?text=t&tags=a", json={"label": "in", "child": {"depth": 2}}))
    assert got.rpc == "PostInner"
    assert got.request == everything(name="n", text="t", tags=["a"], inner={"label": "in", "child": {"depth": 2}})


def test_a_query_parameter_inside_the_body_field_is_refused(http):
    problem(http.post("/v1/post/n?inner.label=x", json={"depth": 1}), 400, "INVALID_ARGUMENT")


def test_body_of_a_repeated_field(http):
    assert echoed(http.put("/v1/tags/n", json=["a", "b"])).request == everything(name="n", tags=["a", "b"])


def test_a_whole_body_leaves_no_query_parameters(http):
    assert "text" in problem(http.post("/v1/post?text=x", json={}), 400, "INVALID_ARGUMENT")["detail"]


def test_the_path_wins_over_the_body(http):
    assert echoed(http.post("/v1/get/path", json={"name": "body", "text": "t"})).request == everything(name="path", text="t")


def test_an_empty_body_is_an_empty_message(http):
    assert echoed(http.post("/v1/post")).request == everything()


@pytest.mark.parametrize("body, where", [
    ('{"text": "a",}', ""), ('{"text": "a" "i32": 1}', ""), ('{"text": "a"', ""), ('{"text": "a"} x', ""), ('[]', ""), ('"x"', ""),
    ('{"i32": 1, "i32": 2}', "i32"), ('{"nosuch": 1}', "nosuch"), ('{"i32": 1.5}', "i32"), ('{"i32": "x"}', "i32"), ('{"flag": "true"}', "flag"),
    ('{"text": 1}', "text"), ('{"colour": "PURPLE"}', "colour"), ('{"inner": []}', "inner"), ('{"inner": {"label": 1}}', "label"),
    ('{"tags": "a"}', "tags"), ('{"tags": [null]}', "tags"), ('{"labels": []}', "labels"), ('{"left": "a", "right": "1"}', "right"),
    ('{"at": "2023-02-29T00:00:00Z"}', "at"), ('{"lasts": "1"}', "lasts"), ('{"blob": "%%"}', "blob"), ('{"text": "\\ud800"}', "text"),
    ('{"u32": -1}', "u32"), ('{"u64": "18446744073709551616"}', "u64"), ('{"any": {"@type": "type.googleapis.com/no.Such"}}', "no.Such"),
    ('{"f": 1e39}', "f"), ("{'text': 1}", ""), ('{"text": "a\nb"}', ""), ('nul', ""),
], ids=lambda value: value[:30])
def test_bad_json_says_where(http, body, where):
    document = problem(http.post("/v1/post", content=body, headers={"content-type": "application/json"}), 400, "INVALID_ARGUMENT")
    assert where in document["detail"]


def test_json_that_is_no_utf8(http):
    problem(http.post("/v1/post", content=b'{"text": "\xff"}', headers={"content-type": "application/json"}), 400, "INVALID_ARGUMENT")


def test_deep_json_is_refused_and_not_followed(http):
    body = '{"object":' + '{"a":' * 20000 + "1" + "}" * 20001
    problem(http.post("/v1/post", content=body, headers={"content-type": "application/json"}), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("body", [
    '{"i32": "12"}', '{"i32": 1.2e1}', '{"i32": 12.0}', ' { "i32" : 12 } ', '{"i32": 12, "text": null}', '{"i32": 12, "inner": null}'])
def test_json_that_may_be_written_several_ways(http, body):
    got = echoed(http.post("/v1/post", content=body, headers={"content-type": "application/json"})).request
    assert got == everything(i32=12)


def test_unknown_enum_numbers_survive(http):
    assert http.post("/v1/post", json={"colour": 77}).json()["request"]["colour"] == 77


PATCHES = [
    ("the paths of the body", {"text": "t", "inner": {"label": "l"}}, "", {"text", "inner.label"}),
    ("a repeated field and a map as a whole", {"tags": ["a"], "labels": {"k": "v"}}, "", {"tags", "labels"}),
    ("well-known types as a whole", {"at": "2024-01-01T00:00:00Z", "object": {"a": 1}}, "", {"at", "object"}),
    ("an explicit mask wins", {"text": "t", "i32": 1}, "?updateMask=text", {"text"}),
    ("snake case of proto names", {"aSnakeName": "x"}, "", {"a_snake_name"}),
]


@pytest.mark.parametrize("body, query, paths", [case[1:] for case in PATCHES], ids=[case[0] for case in PATCHES])
def test_patch_fills_the_field_mask(http, body, query, paths):
    got = echoed(http.patch("/v1/things/7" + query, json=body))
    assert got.rpc == "Patch" and got.request.name == "things/7"
    assert set(FieldMask(paths=got.update_mask.paths).paths) == paths


def test_delete_answers_an_empty_object(http):
    answer = http.delete("/v1/things/7")
    assert (answer.status_code, answer.json()) == (200, {})


def test_a_custom_method(http):
    got = echoed(http.request("SEARCH", "/v1/things", json={"text": "q"}))
    assert (got.rpc, got.request.text) == ("Search", "q")


def test_response_body_of_a_message_and_of_an_array(http):
    body = {"inner": {"label": "x"}, "tags": ["a", "b"]}
    assert http.post("/v1/inner-only", json=body).json() == {"label": "x"}
    assert http.post("/v1/tags-only", json=body).json() == ["a", "b"]
    assert http.post("/v1/inner-only", json={}).json() == {}
    assert http.post("/v1/tags-only", json={}).json() == []


def test_an_rpc_without_a_rule_is_posted_to_its_name(http):
    got = echoed(http.post("/awkward.v1.Awkward/NoRule", json={"text": "t"}))
    assert (got.rpc, got.request.text) == ("NoRule", "t")


def test_large_arrays_go_through(http):
    numbers = [str(n) for n in range(50_000)]
    assert json.loads(http.post("/v1/post", json={"numbers": numbers}).text)["request"]["numbers"] == numbers
