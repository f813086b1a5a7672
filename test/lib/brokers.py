"""Real brokers and databases for tests and measurements: each in a folder of its own, on free loopback ports, stopped by process id.

    with RabbitMQ(folder) as broker: use(broker.port)

`start` waits until the server answers and raises BrokerError with the end of its log if it does not. One that the main thread started dies with this
process, however that ends.
"""

import base64
import contextlib
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid

import parley_node
import suite
import tools

HERE = pathlib.Path(__file__).resolve().parent
free_port = parley_node.free_port


def thread_states(group):
    """Of all threads of the process group, as /proc names them: "T" is stopped."""
    for stat in glob.glob("/proc/[0-9]*/task/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(stat) as file:
            state, _, of_group = file.read().rsplit(")", 1)[1].split()[:3]
            if int(of_group) == group:
                yield state


class BrokerError(Exception):
    """A server that does not start, and what it said last."""


class Server:
    """A server process. `port` stays the same over restarts; `kill`, `stop` and `cont` are what chaos needs."""

    name = "server"
    patience = 120

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def launch(self):
        """Starts `self.process`."""
        raise NotImplementedError

    def answers(self):
        with socket.create_connection(("127.0.0.1", self.port), 0.5):
            return True

    def start(self):
        self.launch()
        return self.wait()

    def wait(self):
        """Until it answers."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise BrokerError(f"{self.name} ended with {self.process.returncode}: {self.log_tail()}")
            try:
                if self.answers():
                    return self
            except OSError:
                pass
            time.sleep(0.1)
        self.stop()
        raise BrokerError(f"{self.name} does not answer on port {self.port} within {self.patience} s: {self.log_tail()}")

    def spawn(self, command, **options):
        # The kernel counts the thread that starts it as the parent, so that other threads' servers would end with them.
        tied = parley_node.die_with_parent if threading.current_thread() is threading.main_thread() else None
        with open(self.folder / "log.txt", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, preexec_fn=tied, **options)

    def log_tail(self):
        return (self.folder / "log.txt").read_text(errors="replace")[-2000:]

    def signal(self, number):
        """To the whole process group: servers that are scripts have children."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return
        # A loaded machine may let a thread run on for a while.
        end = time.monotonic() + 30
        while number == signal.SIGSTOP and any(state not in "TtZX" for state in thread_states(self.process.pid)) and time.monotonic() < end:
            time.sleep(0.01)

    def stop(self, patience=20):
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
        # Its children, too: one that is still about to die has the ports and the files that the next start needs.
        end = time.monotonic() + 60
        while any(state not in "ZX" for state in thread_states(self.process.pid)) and time.monotonic() < end:
            time.sleep(0.02)


class RabbitMQ(Server):
    """Debian's RabbitMQ: a node, and so an Erlang port mapper, of its own. `settings` are lines for rabbitmq.conf. `tls` is (certificate, key, ca)
    files: it listens with TLS on `tls_port` too, and verifies the clients' certificates if they have one."""

    name = "RabbitMQ"
    programs = pathlib.Path("/usr/lib/rabbitmq/bin")

    def __init__(self, folder, settings=(), tls=None, erlang=""):
        super().__init__(folder)
        self.epmd, self.distribution, self.tls_port = (free_port() for _ in range(3))
        self.node = f"parley-{uuid.uuid4().hex[:8]}@localhost"
        self.erlang = erlang
        self.settings = ["loopback_users.guest = true", "log.console = true", "log.console.level = warning", *settings]
        if tls:
            certificate, key, ca = tls
            self.settings += [f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}", f"ssl_options.certfile = {certificate}",
                              f"ssl_options.keyfile = {key}", f"ssl_options.cacertfile = {ca}", "ssl_options.verify = verify_peer",
                              "ssl_options.fail_if_no_peer_cert = false"]

    def environment(self):
        here = self.folder
        return {**os.environ, "HOME": str(here), "RABBITMQ_NODENAME": self.node, "RABBITMQ_NODE_PORT": str(self.port),
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(self.distribution), "ERL_EPMD_PORT": str(self.epmd),
                "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_MNESIA_BASE": str(here / "data"), "RABBITMQ_LOG_BASE": str(here / "logs"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"), "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq"),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": self.erlang}

    def launch(self):
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text("\n".join(self.settings) + "\n")
        self.spawn([self.programs / "rabbitmq-server"], env=self.environment())

    def answers(self):
        """It speaks AMQP once it greets a client that asks for a version it does not have."""
        with socket.create_connection(("127.0.0.1", self.port), 1) as s:
            s.settimeout(10)
            s.sendall(b"AMQP\x00\x09\x09\x09")
            return s.recv(4) == b"AMQP"

    def url(self, rest=""):
        return f"rabbitmq://guest:guest@127.0.0.1:{self.port}/{rest}"

    def limit_memory(self, limit):
        """Above the limit it takes no more messages."""
        subprocess.run([self.programs / "rabbitmqctl", "set_vm_memory_high_watermark", "absolute", limit], env=self.environment(), check=True,
                       stdout=subprocess.DEVNULL)

    def stop(self, patience=20):
        super().stop(patience)
        self.kill()

    def kill(self):
        super().kill()
        subprocess.run(["epmd", "-port", str(self.epmd), "-kill"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Kafka(Server):
    """Apache Kafka 3.9 from Maven Central: one server, broker and controller. `settings` are lines for server.properties.

    `secure`: it listens with TLS and SASL on `tls_port` too (its authority is the file `ca`), and with SASL alone on `sasl_port`: PLAIN and SCRAM, with
    `user` and `password`. `small`: for tests on few cores, with little memory."""

    name = "Kafka"
    user, password = "parley", "s3cret:/x"

    def __init__(self, folder, cache, settings=(), *, secure=False, small=False, node=1):
        super().__init__(folder)
        self.controller, self.tls_port, self.sasl_port = (free_port() for _ in range(3))
        self.settings, self.secure, self.node = list(settings), secure, node
        self.voters = {node: self.controller}
        self.cluster_id = "parleyparleyparleypar1"
        self.options = ["-Xmx256m", "-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] if small else ["-Xmx768m"]
        if small:
            self.settings += ["offsets.topic.num.partitions=4", "transaction.state.log.num.partitions=2", "num.network.threads=2",
                              "num.io.threads=2", "log.cleaner.enable=false", "auto.create.topics.enable=false", "group.min.session.timeout.ms=1000"]
        self.ca = ""
        self.classpath = tools.maven_classpath(str(cache), "kafka", str(HERE / "kafka" / "pom.xml"))

    def java(self, *arguments):
        return ["java", *self.options, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", self.classpath, *map(str, arguments)]

    def run_java(self, *arguments):
        """One of Kafka's own programs; returns what it prints."""
        done = subprocess.run(self.java(*arguments), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(f"Kafka's {arguments[0]} failed: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout

    def launch(self):
        properties = self.folder / "server.properties"
        if not properties.exists():
            properties.write_text("\n".join(self.properties()) + "\n")
            scram = [f"--add-scram={kind}=[name={self.user},password={self.password}]" for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
            self.run_java("kafka.tools.StorageTool", "format", "-t", self.cluster_id, "-c", properties, *(scram if self.secure else []))
        self.spawn(self.java("kafka.Kafka", properties))

    def properties(self):
        secure = f",TLS://127.0.0.1:{self.tls_port},SASL://127.0.0.1:{self.sasl_port}" if self.secure else ""
        plain = f"PLAINTEXT://127.0.0.1:{self.port}"
        copies = len(self.voters)
        return ["process.roles=broker,controller", f"node.id={self.node}",
                "controller.quorum.voters=" + ",".join(f"{node}@127.0.0.1:{port}" for node, port in self.voters.items()),
                f"listeners={plain},CONTROLLER://127.0.0.1:{self.controller}{secure}", f"advertised.listeners={plain}{secure}",
                "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,TLS:SASL_SSL,SASL:SASL_PLAINTEXT",
                "controller.listener.names=CONTROLLER", "inter.broker.listener.name=PLAINTEXT", f"log.dirs={self.folder}/data",
                f"offsets.topic.replication.factor={copies}", f"transaction.state.log.replication.factor={copies}",
                f"transaction.state.log.min.isr={max(1, copies - 1)}", "group.initial.rebalance.delay.ms=0", "num.partitions=2",
                *(self.secure_properties() if self.secure else []), *self.settings]

    def secure_properties(self):
        certificate, key = suite.self_signed(str(self.folder))
        self.ca = certificate
        store = self.folder / "store.p12"
        tools.run(["openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-out", store, "-passout", "pass:storage", "-name", "k"])
        lines = [f"ssl.keystore.location={store}", "ssl.keystore.password=storage", "ssl.key.password=storage", "ssl.keystore.type=PKCS12",
                 "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"]

        def login(module, more=""):
            return (f'org.apache.kafka.common.security.{module} required username="{self.user}" password="{self.password}"{more};')

        for name in ("tls", "sasl"):
            users = f' user_{self.user}="{self.password}"'
            lines.append(f"listener.name.{name}.plain.sasl.jaas.config={login('plain.PlainLoginModule', users)}")
            for kind in ("256", "512"):
                lines.append(f"listener.name.{name}.scram-sha-{kind}.sasl.jaas.config={login('scram.ScramLoginModule')}")
        return lines


class KafkaCluster:
    """Several Kafka servers as one cluster: everything is kept `size` times, and acknowledged once all copies but one have it. `brokers` are Kafka
    objects, of which each can be killed and started again."""

    def __init__(self, folder, cache, size=3):
        settings = [f"default.replication.factor={size}", f"min.insync.replicas={size - 1}", "broker.session.timeout.ms=3000",
                    "controller.quorum.election.timeout.ms=500", "controller.quorum.fetch.timeout.ms=1000"]
        self.brokers = [Kafka(pathlib.Path(folder) / str(node), cache, settings, small=True, node=node) for node in range(1, size + 1)]
        for broker in self.brokers:
            broker.voters = {each.node: each.controller for each in self.brokers}

    @property
    def addresses(self):
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers)

    def topics(self):
        """Name -> (copies, {partition: its leader, a Kafka object}), as Kafka's own tool says."""
        found = {}
        text = self.brokers[0].run_java("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.addresses, "--describe")
        for line in text.splitlines():
            words = dict(part.split(": ", 1) for part in line.strip().split("\t") if ": " in part)
            name = words.get("Topic", "")
            if "ReplicationFactor" in words:
                found[name] = (int(words["ReplicationFactor"]), {})
            elif "Leader" in words:
                leader = next((broker for broker in self.brokers if str(broker.node) == words["Leader"]), None)
                found[name][1][int(words["Partition"])] = leader
        return found

    def start(self):
        for broker in self.brokers:
            broker.launch()  # none serves before most of them are there
        for broker in self.brokers:
            broker.wait()
        return self

    def stop(self):
        for broker in self.brokers:
            if broker.process is not None:
                broker.signal(signal.SIGTERM)
        for broker in self.brokers:
            broker.stop()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()


class PostgreSQL(Server):
    """A cluster of its own, reached by a socket in its folder. PostgreSQL refuses to run as root: then it runs as `nobody`."""

    name = "PostgreSQL"
    programs = pathlib.Path("/usr/lib/postgresql/15/bin")

    def as_user(self):
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []

    def launch(self):
        data = self.folder / "data"
        if not data.exists():
            if os.geteuid() == 0:
                shutil.chown(self.folder, "nobody", "nogroup")
                for parent in self.folder.parents:
                    if not parent.stat().st_mode & 0o001:
                        parent.chmod(parent.stat().st_mode | 0o001)
            tools.run([*self.as_user(), str(self.programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "--no-instructions"])
        self.spawn([*self.as_user(), self.programs / "postgres", "-D", data, "-k", self.folder, "-h", "127.0.0.1", "-p", self.port,
                    "-c", "max_connections=200"])
