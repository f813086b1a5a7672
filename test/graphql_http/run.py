#!/usr/bin/env python3
"""GraphQL over HTTP, by the audits of npm's graphql-http; joins, errors, deadlines and metadata; subscriptions by its reference clients.

A JSON service written in backend.mjs stands behind Parley.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402

PERSISTED = "query Stored { post(id: 1) { title } }\n"


def main():
    arguments = suite.arguments(__doc__).parse_args()
    tree = tools.npm_tree(arguments.cache, "graphql_http", os.path.join(HERE, "package.json"))
    with tempfile.TemporaryDirectory() as work:
        for name in os.listdir(HERE):
            if name.endswith((".mjs", "package.json")):
                shutil.copy(os.path.join(HERE, name), work)
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(work, "node_modules"))
        os.mkdir(os.path.join(work, "persisted"))
        with open(os.path.join(work, "persisted", "stored.graphql"), "w") as file:
            file.write(PERSISTED)
        with parley_node.Backend(["node", os.path.join(work, "backend.mjs"), "{port}"], name="blog") as backend:
            config = suite.patient({"contracts": os.path.join(HERE, "contracts"),
                                    "services": {"blog": {"serves": ["blog.Blog", "blog.Users"], "at": f"http://127.0.0.1:{backend.port}"}}})
            persisted = os.path.join(work, "persisted")
            closed = {"introspection": False, "page": False, "depth": 4, "aliases": 2, "complexity": 200, "response_bytes": 1000,
                      "upstream_calls": 3, "persisted": persisted, "apq": False}
            with parley_node.Parley(arguments.parley, {**config, "graphql": {"persisted": persisted}, "cors": {"origins": ["https://a.example"]}}) as node, \
                    parley_node.Parley(arguments.parley, {**config, "graphql": closed}) as strict, \
                    parley_node.Parley(arguments.parley, {**config, "graphql": {"persisted": persisted, "persisted_only": True}}) as only:
                environment = {**os.environ, "PARLEY_NODES": json.dumps([each.port for each in (node, strict, only)]),
                               "PARLEY_BACKEND": str(backend.port)}
                tests = sorted(name for name in os.listdir(work) if name.endswith(".test.mjs"))
                done = subprocess.run(["node", "--test", "--test-concurrency=1", "--test-reporter=spec", *tests], cwd=work, env=environment)
            fine = [drains(arguments, config, work), calls(arguments, config)]
    sys.exit(done.returncode or not all(fine))


def calls(arguments, config):
    """`parley call --via graphql`: arguments, a selection of its own making, errors, streams, exit codes."""
    cases = [
        (["blog.Blog/GetPost", '{"id": 7}'], 0, '{"id":7,"title":"post 7","userId":3}\n', ""),
        (["blog.Blog/CreatePost", '{"title": "x"}'], 0, '{"id":100,"title":"x","userId":4}\n', ""),
        (["blog.Blog/WatchPosts", '{"count": 2}'], 0, '{"id":1,"title":"post 1","userId":1}\n{"id":2,"title":"post 2","userId":2}\n', ""),
        (["blog.Blog/GetEcho", "{}", "-H", "x-tenant: acme"], 0, '{"authorization":"","tenant":"acme"}\n', ""),
        (["blog.Blog/GetPost", '{"id": 404}'], 1, "", "NOT_FOUND: no post 404\n"),
        (["blog.Blog/GetEcho", '{"sleepMs": 60000}', "--timeout", "100ms"], 1, "", "DEADLINE_EXCEEDED: "),
        (["blog.Blog/GetPost", '{"nr": 1}'], 2, "", "parley call: the field post has no argument 'nr'; it has id\n"),
    ]
    good = True
    with parley_node.Parley(arguments.parley, config) as node:
        for command, code, out, err in cases:
            to = ["--via", "graphql", "--to", f"127.0.0.1:{node.port}", "--contract", config["contracts"]]
            done = subprocess.run([arguments.parley, "call", *command, *to], capture_output=True, text=True, timeout=120)
            fine = (done.returncode, done.stdout) == (code, out) and done.stderr.startswith(err)
            print(f"{'✔' if fine else '✖'} parley call {' '.join(command)}{'' if fine else f': {done}'}")
            good = good and fine
    return good


def drains(arguments, config, work):
    """A node that stops ends its streams: an event stream without `complete`, a socket with 1001, so that clients go elsewhere."""
    # Were they waited for, they would outlast everybody's patience.
    with parley_node.Parley(arguments.parley, {**config, "timeouts": {**config["timeouts"], "drain": "10m"}}, stop_seconds=60) as node:
        command = ["node", "drain.mjs", f"http://127.0.0.1:{node.port}/graphql"]
        client = subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, text=True)
        assert client.stdout.readline() == "ready\n"
        node.stop()
    ends = client.communicate(timeout=60)[0].strip()
    good = ends == '{"stream":"cut off","socket":1001}'
    print(f"{'✔' if good else '✖'} streams end when the node stops: {ends}")
    return good


if __name__ == "__main__":
    main()
