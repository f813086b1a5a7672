"""Errors over REST: one document, honest statuses, details, headers."""

import json

import pytest
from awkward_fixtures import problem

STATUSES = {
    1: ("CANCELLED", 499), 2: ("UNKNOWN", 500), 3: ("INVALID_ARGUMENT", 400), 4: ("DEADLINE_EXCEEDED", 504), 5: ("NOT_FOUND", 404),
    6: ("ALREADY_EXISTS", 409), 7: ("PERMISSION_DENIED", 403), 8: ("RESOURCE_EXHAUSTED", 429), 9: ("FAILED_PRECONDITION", 400),
    10: ("ABORTED", 409), 11: ("OUT_OF_RANGE", 400), 12: ("UNIMPLEMENTED", 501), 13: ("INTERNAL", 500), 14: ("UNAVAILABLE", 503),
    15: ("DATA_LOSS", 500), 16: ("UNAUTHENTICATED", 401)}


@pytest.mark.parametrize("number", STATUSES, ids=lambda number: STATUSES[number][0])
def test_each_code_of_the_service_has_its_status(http, number):
    code, status = STATUSES[number]
    document = problem(http.post("/v1/fail", json={"code": number, "message": "why\n\"ü\" 100%"}), status, code)
    assert document["detail"] == "why\n\"ü\" 100%"
    assert document["instance"] == "/v1/fail"


def test_details_are_printed_with_their_types(http):
    document = problem(http.post("/v1/fail", json={"code": 9, "message": "m", "withDetails": True}), 400, "FAILED_PRECONDITION")
    assert document["details"][0] == {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "AWKWARD", "domain": "test",
                                      "metadata": {"k": "v"}}
    assert document["details"][1]["@type"] == "type.googleapis.com/google.rpc.RetryInfo"


def test_clients_of_google_apis_get_a_status_message(http):
    answer = http.post("/v1/fail", json={"code": 5, "message": "gone"}, headers={"accept": "application/json"})
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == 5 and answer.json()["message"] == "gone"


def test_no_such_path(http):
    problem(http.get("/v1/nowhere"), 404, "NOT_FOUND")
    problem(http.get("/"), 404, "NOT_FOUND")


def test_a_path_that_has_other_methods(http):
    answer = http.delete("/v1/get/x")
    problem(answer, 405, "UNIMPLEMENTED", "method_not_allowed")
    assert {method.strip() for method in answer.headers["allow"].split(",")} >= {"GET", "POST"}


def test_a_body_of_another_type(http):
    answer = http.post("/v1/post", content="<a/>", headers={"content-type": "text/xml"})
    problem(answer, 415, "INVALID_ARGUMENT", "unsupported_media_type")
    assert "application/json" in answer.headers["accept"]


def test_an_unknown_content_coding(http):
    answer = http.post("/v1/post", content="{}", headers={"content-type": "application/json", "content-encoding": "lzw"})
    problem(answer, 415, "UNIMPLEMENTED", "unsupported_encoding")
    assert "gzip" in answer.headers["accept-encoding"]


def test_a_reply_the_client_does_not_take(http):
    problem(http.get("/v1/get/n", headers={"accept": "image/png"}), 406, "INVALID_ARGUMENT", "not_acceptable")


def test_a_message_over_the_limit(http):
    answer = http.post("/v1/post", content=json.dumps({"text": "x" * (5 << 20)}), headers={"content-type": "application/json"})
    problem(answer, 413, "RESOURCE_EXHAUSTED", "message_too_large")


def test_charset_other_than_utf8(http):
    answer = http.post("/v1/post", content="{}", headers={"content-type": "application/json; charset=utf-16"})
    problem(answer, 415, "INVALID_ARGUMENT")


def test_errors_have_the_body_length_and_nothing_to_sniff(http1):
    answer = http1.get("/v1/nowhere")
    assert int(answer.headers["content-length"]) == len(answer.content)
