"""ElasticMQ, a server that speaks Amazon SQS' protocol, for tests; see brokers.py.

    with ElasticMQ(folder, cache) as server: use(server.url)
"""

import os
import urllib.error
import urllib.request

import brokers
import tools

CONFIG = """
include classpath("application.conf")
node-address {{ protocol = http, host = 127.0.0.1, port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-port = {port}, bind-hostname = "127.0.0.1", sqs-limits = strict }}
rest-stats {{ enabled = false }}
queues-storage {{ enabled = {durable}, path = "{folder}/queues.conf" }}
messages-storage {{ enabled = {durable}, driver-class = "org.h2.Driver", uri = "jdbc:h2:{folder}/messages", username = "", password = "" }}
pekko {{ loglevel = WARNING, http.server.idle-timeout = 60s, actor.default-dispatcher.fork-join-executor.parallelism-max = 2 }}
"""


class ElasticMQ(brokers.Server):
    """`durable`: queues and messages outlive a restart."""

    name = "ElasticMQ"

    def __init__(self, folder, cache, durable=False):
        super().__init__(folder)
        self.durable = durable
        self.classpath = tools.maven_classpath(cache, "elasticmq", os.path.join(brokers.HERE, "elasticmq", "pom.xml"))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def launch(self):
        config = self.folder / "elasticmq.conf"
        config.write_text(CONFIG.format(port=self.port, durable=str(self.durable).lower(), folder=self.folder))
        self.spawn(["java", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Dconfig.file={config}", "-cp", self.classpath,
                    "org.elasticmq.server.Main"])

    def answers(self):
        with urllib.request.urlopen(f"{self.url}/?Action=ListQueues", timeout=10) as answer:
            return answer.status == 200
