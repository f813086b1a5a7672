"""The contract of a run: each case has a queue and a topic of its own, so that no case sees what another left behind."""

HEAD = """// Written by contract.py. Nobody serves these rpcs: what is published is taken through the pull API.
syntax = "proto3";

package cases;

import "google/protobuf/empty.proto";
import "parley/options.proto";
import "parley/receipt.proto";

message Job {
  string key = 1;
  int64 number = 2;
  string request_id = 3;
  bytes data = 4;
}
"""

# What a case can ask of its queue, as options of the contract.
OPTIONS = {
    "key": 'key: "key"',
    "dedup": 'dedup: {field: "request_id" window: "5m"}',
    "ttl": 'ttl: "1s"',
    "wait": 'retry: {followers: WAIT}',
    "thrice": 'retry: {attempts: 3}',
}
# Those that a case's groups have too.
OF_GROUPS = ["thrice"]


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def queue_name(case):
    return f"cases.Queues/{camel(case)}"


def event_type(case):
    return f"cases.{camel(case)}Fact"


def contract(queues, topics):
    """`queues`: case to its options; `topics`: cases, each with the groups `audit` (from the earliest) and `late` (from the latest)."""
    text = HEAD
    for case in topics:
        text += f"""
message {camel(case)}Fact {{
  option (parley.event) = {{topic: "{case}" key: "key"}};
  string key = 1;
  int64 number = 2;
}}
"""
    text += "\nservice Queues {\n"
    for case, options in queues.items():
        said = " ".join([*(OPTIONS[option] for option in options), 'lease: "30s" in_flight: 1000'])
        text += f"  rpc {camel(case)}(Job) returns (parley.Receipt) {{\n    option (parley.queue) = {{{said}}};\n  }}\n"
    for case in topics:
        more = "".join(f" {OPTIONS[option]}" for option in OF_GROUPS if option in queues.get(case, ()))
        for group, start in (("audit", "EARLIEST"), ("late", "LATEST")):
            text += f"  rpc {camel(case)}To{camel(group)}({camel(case)}Fact) returns (google.protobuf.Empty) {{\n"
            text += f'    option (parley.subscribe) = {{group: "{group}" start: {start}{more}}};\n  }}\n'
    return text + "}\n"
