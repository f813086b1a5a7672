"""Parley and its peers as GraphQL gateways in front of bench.Posts and bench.Users."""
import json
import os
import subprocess
import urllib.error
import urllib.request

from .processes import Missing, Target, free_port

JOIN = "posts { id title userId user { id name email } }"
FLAT = "posts { id title userId }"
NAMES = ["Ada Birch", "Bo Carver", "Cy Dunmore", "Di Eastman", "Ed Farrow", "Flo Grey", "Gus Hale", "Ida Jonas", "Kit Lowe", "Mo Nash"]


class Gateway(Target):
    """`field` is how it calls listPosts, with the variable in it."""

    def __init__(self, name, port, process, field="listPosts(seed: $seed)", types="$seed: Int!"):
        super().__init__(name, port, process, [])
        self.operation = f"query Posts({types}) {{ {field} {{ %s }} }}"

    def body(self, selection, seed):
        """`seed`: a number, or the mark that the load generator replaces."""
        text = json.dumps({"query": self.operation % selection, "variables": {"seed": "SEED"}})
        return text.replace('"SEED"', str(seed))

    def post(self, body, seed):
        headers = {"content-type": "application/json", "authorization": f"Bearer {seed}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Missing(f"{self.name} answers {error.code}: {error.read()[:300].decode(errors='replace')}") from None

    def check(self, selection):
        """Asks by hand, looks at every value, and returns how many bytes an answer has."""
        sizes = set()
        for seed in (300001, 765432):
            answer = self.post(self.body(selection, seed), seed)
            data = json.loads(answer)
            if "errors" in data:
                raise Missing(f"{self.name} answers with errors: {json.dumps(data['errors'])[:300]}")
            (reply,) = data["data"].values()
            assert [p["id"] for p in reply["posts"]] == [seed * 100 + i for i in range(100)], self.name
            for i, post in enumerate(reply["posts"]):
                user = seed * 10 + i % 10
                expected = {"id": user, "name": NAMES[user % 10], "email": f"{user}@example.com"}
                assert post["userId"] == user and ("user" not in selection or post.get("user", expected) == expected), (self.name, post)
                assert set(post) == set(selection.replace("user { id name email }", "user").split()[2:-1]), (self.name, post)
            sizes.add(len(answer))
        (size,) = sizes
        return size

    def graphql_args(self, selection):
        return ["--method", "POST", "--path", "/graphql", "--header", "content-type: application/json", "--header", "authorization: Bearer @SEED@",
                "--body", self.body(selection, "@SEED@"), "--expect-bytes", str(self.check(selection)), "--reject", '"errors"']


class GraphqlPeers:
    """A part of Stack. Each gateway runs on core 0; the generator and the backend are on the other one."""

    def upstream_counts(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.backend_port}/counts", timeout=5) as answer:
            return json.loads(answer.read())

    def start_gateway(self, name, command, port, seconds=60, **kwargs):
        process = self.spawn(command, cpu=0, **kwargs)
        self.listening(name, port, process, seconds)
        return process

    def graphql_parley(self):
        def start():
            port = free_port()
            config = self.write("graphql.yaml", f"""
contracts: {self.root / "bench/graphql/contracts"}
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{free_port()}
services:
  bench:
    serves: [bench.Posts, bench.Users]
    at: grpc://127.0.0.1:{self.backend_port}
""")
            return Gateway("parley", port, self.start_gateway("parley", [self.parley_binary, "up", config], port))

        return self.once("graphql parley", start)

    def tailcall(self, validates):
        """Tailcall validates only where its JIT is off: with it, `queryValidation` changes nothing, and an unknown field is left out silently."""
        def start():
            tree = self.npm("graphql/tailcall")
            binary = tree / "node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall"
            port = free_port()
            folder = self.folder / f"tailcall-{port}"
            folder.mkdir()
            (folder / "posts.proto").write_text((self.root / "bench/graphql/plain/posts.proto").read_text())
            (folder / "users_by_key.proto").write_text((tree / "users_by_key.proto").read_text())
            config = (tree / "main.graphql").read_text()
            for mark, value in (("@PORT@", port), ("@BACKEND@", self.backend_port), ("@JIT@", "false" if validates else "true")):
                config = config.replace(mark, str(value))
            (folder / "main.graphql").write_text(config)
            process = self.start_gateway("tailcall", [binary, "start", "main.graphql"], port, cwd=folder,
                                         env={**os.environ, "TAILCALL_TRACKER": "false"})
            return Gateway("tailcall" if validates else "tailcall-jit", port, process)

        return self.once(f"tailcall {validates}", start)

    def mercurius(self):
        def start():
            tree = self.npm("graphql/mercurius")
            port = free_port()
            command = ["node", "server.mjs", port, self.backend_port, self.root / "bench/graphql/plain/posts.proto"]
            return Gateway("mercurius", port, self.start_gateway("mercurius", command, port, cwd=tree, env={**os.environ, "NODE_ENV": "production"}))

        return self.once("mercurius", start)

    def hive(self):
        def start():
            tree = self.npm("graphql/hive")
            port = free_port()
            supergraph = self.folder / "supergraph.graphql"
            contract = self.root / "bench/graphql/plain/posts.proto"
            composed = subprocess.run([tree / "node_modules/.bin/mesh-compose", "-c", "mesh.config.mjs", "-o", supergraph], cwd=tree, text=True,
                                      env={**os.environ, "BACKEND": str(self.backend_port), "CONTRACT": str(contract)}, capture_output=True)
            if not supergraph.exists():
                raise Missing(f"mesh-compose failed: {(composed.stdout + composed.stderr).strip()[-300:]}")
            process = self.start_gateway("hive", [tree / "node_modules/.bin/hive-gateway", "supergraph"], port, cwd=tree,
                                         env={**os.environ, "NODE_ENV": "production", "SUPERGRAPH": str(supergraph), "PORT": str(port)})
            return Gateway("hive", port, process, field="bench_Posts_ListPosts(input: {seed: $seed})")

        return self.once("hive", start)

    def planning_peers(self, plan_bench):
        """What Node takes for the operation of plan_bench, in microseconds."""
        tree = self.npm("graphql/mercurius")
        sdl = subprocess.run([self.parley_binary, "graphql-schema", self.root / "examples/shop"], check=True, capture_output=True).stdout
        operation = subprocess.run([plan_bench, "--print"], check=True, capture_output=True).stdout
        done = subprocess.run(["node", "plan.mjs", self.write("shop.graphql", sdl), self.write("operation.graphql", operation)], cwd=tree,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Missing(f"graphql-js: {done.stderr.strip()[-300:]}")
        return json.loads(done.stdout)
