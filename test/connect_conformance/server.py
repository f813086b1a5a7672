#!/usr/bin/env python3
"""The server under test, as connectconformance starts it: a reference server of the suite with Parley in front of it.

Reads one ServerCompatRequest from stdin (4 bytes of length, then Protobuf), starts the reference server as a plain gRPC server over
HTTP/2 without TLS or limits, starts Parley before it with the TLS, client certificates and message limit that were asked for, answers
with Parley's address, and runs until SIGTERM. The runner ignores how a server ends, so a line a node goes to the --ends file.
"""

import argparse
import os
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parley_node  # noqa: E402

# connectrpc/conformance/v1/server_compat.proto: the fields used here.
REQUEST = {1: "protocol", 2: "http_version", 4: "use_tls", 5: "client_tls_cert", 6: "message_receive_limit", 7: "server_creds"}
CREDS = {1: "cert", 2: "key"}
RESPONSE_PORT = 2
PROTOCOL_GRPC, HTTP_VERSION_2 = 2, 2
UPSTREAM_LIMIT = 64 << 20  # bytes a message: never what refuses one


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def encode(fields):
    """Protobuf of {field number: int or bytes}."""
    out = b""
    for number, value in fields.items():
        if isinstance(value, bytes):
            out += varint(number << 3 | 2) + varint(len(value)) + value
        else:
            out += varint(number << 3) + varint(value)
    return out


def decode(data, names):
    """{name: int or bytes} of a message that has only varint and length-delimited fields."""
    position = 0

    def read_varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    fields = {}
    while position < len(data):
        tag = read_varint()
        value = read_varint()
        if tag & 7 == 2:
            value, position = data[position:position + value], position + value
        fields[names.get(tag >> 3, tag >> 3)] = value
    return fields


def read_message(stream, names):
    (length,) = struct.unpack(">I", stream.read(4))
    return decode(stream.read(length), names)


def write_message(stream, fields):
    message = encode(fields)
    stream.write(struct.pack(">I", len(message)) + message)
    stream.flush()


def start_reference(binary):
    """Starts a server of the suite as the runner would; returns the process and its port."""
    process = subprocess.Popen([binary, "-port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               preexec_fn=parley_node.die_with_parent)
    write_message(process.stdin, {1: PROTOCOL_GRPC, 2: HTTP_VERSION_2, 6: UPSTREAM_LIMIT})
    process.stdin.close()
    return process, read_message(process.stdout, {RESPONSE_PORT: "port"})["port"]


def write_file(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def node(arguments, request, upstream_port):
    # The runner waits for a little longer, in both (run.py).
    parley = parley_node.Parley(arguments.parley, {
        "contracts": arguments.protos, "timeouts": {"connect": "60s"}, "limits": {"header_timeout": "60s"},
        "services": {"conformance": {"serves": ["connectrpc.conformance.v1.ConformanceService"],
                                     "at": f"grpc://127.0.0.1:{upstream_port}"}}}, ready_seconds=100, stop_seconds=100)
    if request.get("message_receive_limit"):
        parley.config["limits"]["message_bytes"] = request["message_receive_limit"]
    if request.get("use_tls"):
        creds = decode(request["server_creds"], CREDS)
        folder = parley.folder.name
        parley.config["tls"] = {"cert": write_file(os.path.join(folder, "cert.pem"), creds["cert"]),
                                "key": write_file(os.path.join(folder, "key.pem"), creds["key"])}
        if request.get("client_tls_cert"):
            parley.config["tls"]["client_ca"] = write_file(os.path.join(folder, "client.pem"), request["client_tls_cert"])
            parley.config["tls"]["require_client_cert"] = True
    return parley


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parley", required=True)
    parser.add_argument("--reference", required=True, help="the suite's referenceserver or grpcserver")
    parser.add_argument("--protos", required=True, help="the suite's .proto files")
    parser.add_argument("--ends", required=True, help="a file that gets a line when the node starts and one when it ended cleanly")
    arguments = parser.parse_args()

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    request = read_message(sys.stdin.buffer, REQUEST)
    reference, upstream_port = start_reference(arguments.reference)
    with open(arguments.ends, "a") as ends:
        print("started", file=ends, flush=True)
        try:
            with node(arguments, request, upstream_port) as parley:
                answer = {1: b"127.0.0.1", RESPONSE_PORT: parley.port}
                if request.get("use_tls"):
                    answer[3] = decode(request["server_creds"], CREDS)["cert"]
                write_message(sys.stdout.buffer, answer)
                signal.sigwait({signal.SIGTERM, signal.SIGINT})
        except parley_node.ParleyFailed as failed:
            print(failed, file=ends, flush=True)
            sys.exit(1)
        finally:
            reference.kill()
        print("ended", file=ends, flush=True)


if __name__ == "__main__":
    main()
