"""grpcio's client through Parley: stream kinds, metadata, deadlines, cancellation, errors, compression, health, reflection."""

import os
import threading
import time

import grpc
import pytest
from awkward_fixtures import pb, pb_grpc
from google.protobuf import descriptor_pool
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

DIRECT = "PARLEY_DIRECT" in os.environ
parley_only = pytest.mark.skipif(DIRECT, reason="a feature of Parley itself")
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@pytest.fixture(scope="session")
def channel(request):
    server = request.getfixturevalue("backend" if DIRECT else "node")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", options=UNLIMITED) as open_channel:
        yield open_channel


@pytest.fixture(scope="session")
def stub(channel):
    return pb_grpc.AwkwardStub(channel)


def failure(call):
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return raised.value


def census(stub):
    from google.protobuf.empty_pb2 import Empty

    return stub.Census(Empty())


def quiet(stub):
    """The census once no call is at work: one that has ended here may still be counted there."""
    wait_until(lambda: census(stub).running == 0, "calls of other tests go on")
    return census(stub)


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_unary(stub):
    request = pb.Everything(name="n", i64=-1, inner=pb.Inner(tags=["a"]), blob=b"\x00\xff")
    assert stub.Get(request, timeout=60).request == request


def test_an_empty_message_there_and_back(stub):
    assert stub.Delete(pb.Everything(), timeout=60).ByteSize() == 0


def test_unknown_fields_survive(stub):
    """gRPC to gRPC passes bytes: a field that the contract does not know yet goes through."""
    extra = b"\xba\x3e\x03new"  # field 999, a string
    request = pb.Everything.FromString(pb.Everything(name="n").SerializeToString() + extra)
    assert extra in stub.Get(request, timeout=60).request.SerializeToString()


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 65_535, 65_536, 1_000_000, 4_000_000])
def test_sizes(stub, size):
    assert len(stub.Post(pb.Everything(text="x" * size), timeout=60).request.text) == size


def test_server_stream(stub):
    assert [tick.index for tick in stub.Ticks(pb.TicksRequest(count=1000, size=100), timeout=60)] == list(range(1000))


def test_client_stream(stub):
    total = stub.Sum((pb.Number(value=n) for n in range(1000)), timeout=60)
    assert (total.sum, total.count) == (499_500, 1000)


def test_a_client_stream_without_messages(stub):
    assert stub.Sum(iter(()), timeout=60).count == 0


def test_bidi_is_full_duplex(stub):
    answered = threading.Semaphore(1)

    def lines():
        for n in range(50):
            assert answered.acquire(timeout=60)
            yield pb.Line(text=f"line {n}")

    got = []
    for line in stub.Chat(lines(), timeout=60):
        got.append(line.text)
        answered.release()
    assert got == [f"LINE {n}" for n in range(50)]


def test_metadata_both_ways(stub):
    answer, call = stub.Get.with_call(pb.Everything(), timeout=60, metadata=(
        ("x-answer-with", "v"), ("x-many", "1"), ("x-many", "2"), ("x-blob-bin", b"\x00\x01\xff"), ("x-empty", "")))
    assert answer.metadata["x-blob-bin"] == "0001ff"
    assert answer.metadata["x-many"].replace(" ", "") == "1,2"
    assert "user-agent" in answer.metadata
    headers, trailers = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert headers["x-answer"] == "v" and headers["x-answer-bin"] == b"\x00\xffbin"
    assert trailers["x-trailer"] == "v" and trailers["x-trailer-bin"] == b"\x01\xfe"


def test_headers_arrive_before_the_first_message(stub):
    call = stub.Ticks(pb.TicksRequest(count=1, delay_ms=1, headers_first=True), timeout=60)
    assert dict(call.initial_metadata())["x-early"] == "yes"
    assert len(list(call)) == 1


@pytest.mark.parametrize("code", range(1, 17))
def test_codes_and_messages(stub, code):
    error = failure(lambda: stub.Fail(pb.FailRequest(code=code, message="100% ü\n☺"), timeout=60))
    assert (error.code().value[0], error.details()) == (code, "100% ü\n☺")


def test_details(stub):
    error = failure(lambda: stub.Fail(pb.FailRequest(code=9, message="m", with_details=True), timeout=60))
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info) and info.reason == "AWKWARD" and len(status.details) == 2


def test_an_error_after_messages(stub):
    got = []

    def read():
        for tick in stub.Ticks(pb.TicksRequest(count=3, code=10, message="later"), timeout=60):
            got.append(tick)

    error = failure(read)
    assert len(got) == 3 and error.code() == grpc.StatusCode.ABORTED and error.details() == "later"


def test_an_answer_before_the_requests_end(stub):
    """The backend fails while the client still sends."""
    hold = threading.Event()

    def lines():
        yield pb.Line(text="fail")
        hold.wait(60)

    error = failure(lambda: list(stub.Chat(lines(), timeout=60)))
    hold.set()
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION


def test_a_deadline_ends_the_call_at_the_backend_too(stub):
    quiet(stub)
    error = failure(lambda: stub.Sleep(pb.SleepRequest(ms=120_000), timeout=0.3))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: census(stub).running == 0, "the backend still sleeps")


def test_a_deadline_is_passed_on(stub):
    remaining = stub.Get(pb.Everything(), timeout=600).remaining_ms
    assert 10_000 < remaining <= 660_000  # grpc rounds what it sends up
    assert stub.Get(pb.Everything()).remaining_ms == 0


def test_a_cancelled_call_is_cancelled_at_the_backend(stub):
    before = quiet(stub)
    call = stub.Ticks(pb.TicksRequest(count=100_000, delay_ms=20))
    next(call)
    call.cancel()
    wait_until(lambda: census(stub).cancelled > before.cancelled, "the backend was not told")
    quiet(stub)


def test_a_cancelled_unary_call(stub):
    before = quiet(stub)
    future = stub.Sleep.future(pb.SleepRequest(ms=120_000))
    wait_until(lambda: census(stub).running > before.running, "the call did not start")
    future.cancel()
    wait_until(lambda: census(stub).cancelled > before.cancelled, "the backend was not told")


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate], ids=["gzip", "deflate"])
def test_compression(stub, compression):
    answer = stub.Post(pb.Everything(text="x" * 100_000), timeout=60, compression=compression)
    assert len(answer.request.text) == 100_000
    total = stub.Sum((pb.Number(value=1) for _ in range(100)), timeout=60, compression=compression)
    assert total.sum == 100


def test_unknown_methods_and_services(channel):
    for path in ("/awkward.v1.Awkward/NoSuch", "/no.Such/Method"):
        error = failure(lambda: channel.unary_unary(path)(b"", timeout=60))
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED


@parley_only
def test_a_message_over_the_limit(stub):
    error = failure(lambda: stub.Post(pb.Everything(text="x" * (5 << 20)), timeout=60))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@parley_only
def test_a_message_that_is_malformed_goes_to_the_service_or_is_refused_but_harms_nobody(channel, stub):
    error = failure(lambda: channel.unary_unary("/awkward.v1.Awkward/Get")(b"\xff\xff\xff", timeout=60))
    assert error.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNKNOWN)
    assert stub.Get(pb.Everything(name="n"), timeout=60).request.name == "n"


def test_many_calls_at_once(stub):
    futures = [stub.Get.future(pb.Everything(name=str(n)), timeout=120) for n in range(1000)]
    assert [future.result().request.name for future in futures] == [str(n) for n in range(1000)]


def test_many_streams_at_once(stub):
    calls = [stub.Ticks(pb.TicksRequest(count=50, size=2000), timeout=60) for _ in range(40)]
    assert [len(list(call)) for call in calls] == [50] * 40


def test_a_reader_that_waits_holds_back_only_its_own_stream(stub):
    slow = stub.Ticks(pb.TicksRequest(count=300, size=100_000), timeout=60)
    next(slow)
    for n in range(50):
        stub.Get(pb.Everything(name=str(n)), timeout=60)
    assert sum(1 for _ in slow) == 299


@parley_only
def test_health(channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "awkward.v1.Awkward"):
        assert health.Check(health_pb2.HealthCheckRequest(service=service), timeout=60).status == health_pb2.HealthCheckResponse.SERVING
    error = failure(lambda: health.Check(health_pb2.HealthCheckRequest(service="no.Such"), timeout=60))
    assert error.code() == grpc.StatusCode.NOT_FOUND
    watch = health.Watch(health_pb2.HealthCheckRequest(service="awkward.v1.Awkward"), timeout=60)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()


@parley_only
def test_reflection(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    assert "awkward.v1.Awkward" in database.get_services()
    service = descriptor_pool.DescriptorPool(database).FindServiceByName("awkward.v1.Awkward")
    assert service.methods_by_name["Chat"].client_streaming
    assert service.methods_by_name["Get"].input_type.fields_by_name["at"].message_type.full_name == "google.protobuf.Timestamp"


@parley_only
@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_both_reflection_versions_answer_each_question(channel, version):
    ask = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                                request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
                                response_deserializer=reflection_pb2.ServerReflectionResponse.FromString)
    request = reflection_pb2.ServerReflectionRequest
    questions = [request(list_services=""), request(file_containing_symbol="awkward.v1.Everything"), request(file_by_filename="awkward.proto"),
                 request(file_containing_symbol="awkward.v1.Awkward.Get"), request(file_containing_symbol="no.Such")]
    answers = [answer.WhichOneof("message_response") for answer in ask(iter(questions), timeout=60)]
    assert answers == ["list_services_response"] + ["file_descriptor_response"] * 3 + ["error_response"]
    assert reflection_pb2_grpc.ServerReflectionStub  # v1alpha and v1 share their messages' form


@parley_only
def test_over_tls(new_node, tmp_path):
    import suite

    certificate, key = suite.self_signed(str(tmp_path))
    node = new_node(tls={"cert": certificate, "key": key})
    credentials = grpc.ssl_channel_credentials(open(certificate, "rb").read())
    with grpc.secure_channel(f"127.0.0.1:{node.port}", credentials) as secure:
        assert pb_grpc.AwkwardStub(secure).Get(pb.Everything(name="tls"), timeout=60).request.name == "tls"


@parley_only
def test_keepalive_pings_are_answered(node):
    options = [("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_timeout_ms", 20_000), ("grpc.keepalive_permit_without_calls", 1),
               ("grpc.http2.max_pings_without_data", 0)]
    with grpc.insecure_channel(f"127.0.0.1:{node.port}", options=options) as channel:
        stub = pb_grpc.AwkwardStub(channel)
        assert [tick.index for tick in stub.Ticks(pb.TicksRequest(count=5, delay_ms=800), timeout=60)] == [0, 1, 2, 3, 4]
