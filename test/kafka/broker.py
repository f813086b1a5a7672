#!/usr/bin/env python3
"""One Apache Kafka 3.9 server (KRaft, one node) on loopback ports, in a temporary folder, as long as this process' standard input is open.

    broker.py --cache FOLDER [--secure]

Prints "ready PLAINTEXT_PORT[ TLS_PORT SASL_PORT CA_FILE]" and then obeys lines: "kill" (SIGKILL), "stop" (SIGTERM, waits), "freeze" and
"thaw" (SIGSTOP, SIGCONT), "start" (the same data and ports again, waits until it serves). Each is answered by "done". --secure adds a TLS
listener with SASL (PLAIN and SCRAM; user "parley", password "s3cret:/x"), and one with SASL and no TLS.
"""

import argparse
import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402

USER, PASSWORD = "parley", "s3cret:/x"
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller}{secure_listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain}{secure_listeners}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,TLS:SASL_SSL,SASL:SASL_PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.partitions=2
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=2
log.cleaner.enable=false
"""
JAAS = ("org.apache.kafka.common.security.{module} required username=\"%s\" password=\"%s\"" % (USER, PASSWORD))


class Kafka:
    """The server process. `port` takes plaintext; `tls_port` TLS with SASL; `sasl_port` SASL alone."""

    def __init__(self, cache, secure=False):
        self.folder = tempfile.mkdtemp(prefix="parley-kafka-")
        self.classpath = tools.maven_classpath(cache, "kafka", os.path.join(HERE, "..", "lib", "kafka", "pom.xml"))
        self.port, self.controller, self.tls_port, self.sasl_port = (parley_node.free_port() for _ in range(4))
        self.config = os.path.join(self.folder, "server.properties")
        self.ca = ""
        self.process = None
        with open(self.config, "w") as file:
            listeners = f",TLS://127.0.0.1:{self.tls_port},SASL://127.0.0.1:{self.sasl_port}" if secure else ""
            file.write(PROPERTIES.format(plain=self.port, controller=self.controller, folder=self.folder, secure_listeners=listeners))
            if secure:
                file.write(self._secure())
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "a")
        scram = [f"--add-scram={kind}=[name={USER},password={PASSWORD}]" for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
        tools.run([*self._java("256m"), "kafka.tools.StorageTool", "format", "-t", identity, "-c", self.config, *(scram if secure else [])])

    def _secure(self):
        certificate, key = suite.self_signed(self.folder)
        self.ca = certificate
        store = os.path.join(self.folder, "store.p12")
        tools.run(["openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-out", store, "-passout", "pass:storage", "-name", "k"])
        lines = [f"ssl.keystore.location={store}", "ssl.keystore.password=storage", "ssl.key.password=storage", "ssl.keystore.type=PKCS12",
                 "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"]
        for name in ("tls", "sasl"):
            plain = JAAS.format(module="plain.PlainLoginModule") + f' user_{USER}="{PASSWORD}";'
            lines.append(f"listener.name.{name}.plain.sasl.jaas.config={plain}")
            for kind in ("256", "512"):
                lines.append(f"listener.name.{name}.scram-sha-{kind}.sasl.jaas.config=" + JAAS.format(module="scram.ScramLoginModule") + ";")
        return "\n".join(lines) + "\n"

    def _java(self, heap):
        return ["java", f"-Xmx{heap}", f"-Xms{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp", self.classpath]

    def start(self):
        self.log = open(os.path.join(self.folder, "log"), "a")
        self.process = subprocess.Popen([*self._java("512m"), "kafka.Kafka", self.config], stdout=self.log, stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL, preexec_fn=parley_node.die_with_parent)
        try:
            parley_node.wait_for_port(self.port, self.process, 90, "Kafka")
        except parley_node.ParleyFailed:
            with open(os.path.join(self.folder, "log"), errors="replace") as file:
                sys.stderr.write(file.read()[-4000:])
            raise
        return self

    def signal(self, which):
        self.process.send_signal(which)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", required=True, type=os.path.abspath)
    parser.add_argument("--secure", action="store_true")
    arguments = parser.parse_args()
    parley_node.die_with_parent()
    with Kafka(arguments.cache, arguments.secure) as kafka:
        print("ready", kafka.port, *([kafka.tls_port, kafka.sasl_port, kafka.ca] if arguments.secure else []), flush=True)
        orders = {"kill": kafka.kill, "stop": kafka.stop, "start": kafka.start, "freeze": lambda: kafka.signal(signal.SIGSTOP),
                  "thaw": lambda: kafka.signal(signal.SIGCONT)}
        for line in sys.stdin:
            orders[line.strip()]()
            print("done", flush=True)


if __name__ == "__main__":
    main()
