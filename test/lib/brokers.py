"""Real brokers and databases for tests and measurements: each in a folder of its own, on free loopback ports, stopped by process id.

    with RabbitMQ(folder) as broker: use(broker.port)

`start` waits until the server answers and raises BrokerError with the end of its log if it does not.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import uuid

import tools

HERE = pathlib.Path(__file__).resolve().parent


class BrokerError(Exception):
    """A server that does not start, and what it said last."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process. `port` stays the same over restarts; `kill`, `stop` and `cont` are what chaos needs."""

    name = "server"
    patience = 60

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
        with open(self.folder / "log.txt", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, start_new_session=True, **options)

    def log_tail(self):
        return (self.folder / "log.txt").read_text(errors="replace")[-2000:]

    def signal(self, number):
        """To the whole process group: servers that are scripts have children."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self, patience=20):
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()


class RabbitMQ(Server):
    """Debian's RabbitMQ: a node, and so an Erlang port mapper, of its own."""

    name = "RabbitMQ"

    def __init__(self, folder):
        super().__init__(folder)
        self.epmd = free_port()
        self.node = f"parley-{uuid.uuid4().hex[:8]}@localhost"

    def environment(self):
        here = self.folder
        return {**os.environ, "HOME": str(here), "RABBITMQ_NODENAME": self.node, "RABBITMQ_NODE_PORT": str(self.port),
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()), "ERL_EPMD_PORT": str(self.epmd),
                "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_MNESIA_BASE": str(here / "data"), "RABBITMQ_LOG_BASE": str(here / "logs"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"), "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq")}

    def launch(self):
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text("loopback_users.guest = true\nlog.console = true\nlog.console.level = warning\n")
        self.spawn(["/usr/lib/rabbitmq/bin/rabbitmq-server"], env=self.environment())

    def answers(self):
        """It speaks AMQP once it greets a client that asks for a version it does not have."""
        with socket.create_connection(("127.0.0.1", self.port), 1) as s:
            s.settimeout(2)
            s.sendall(b"AMQP\x00\x09\x09\x09")
            return s.recv(4) == b"AMQP"

    def stop(self, patience=20):
        super().stop(patience)
        self.kill()

    def kill(self):
        super().kill()
        subprocess.run(["epmd", "-port", str(self.epmd), "-kill"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Kafka(Server):
    """Apache Kafka 3.9 from Maven Central: one node, broker and controller. `settings` are lines for server.properties."""

    name = "Kafka"

    def __init__(self, folder, cache, settings=()):
        super().__init__(folder)
        self.controller = free_port()
        self.settings = list(settings)
        self.classpath = tools.maven_classpath(str(cache), "kafka", str(HERE / "kafka" / "pom.xml"))

    def java(self, *arguments):
        return ["java", "-Xmx768m", "-cp", self.classpath, *arguments]

    def launch(self):
        properties = self.folder / "server.properties"
        if not properties.exists():
            properties.write_text("\n".join([
                "process.roles=broker,controller", "node.id=1", f"controller.quorum.voters=1@127.0.0.1:{self.controller}",
                f"listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller}", "controller.listener.names=CONTROLLER",
                f"log.dirs={self.folder}/data", "offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1", "group.initial.rebalance.delay.ms=0", "num.partitions=2", *self.settings]) + "\n")
            done = subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", "parleyparleyparleypar1", "-c", str(properties)),
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise BrokerError(f"Kafka's storage cannot be formatted: {done.stderr[-2000:]}")
        self.spawn(self.java("kafka.Kafka", str(properties)))


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
