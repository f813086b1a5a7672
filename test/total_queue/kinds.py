"""Where messages are kept in the total-queue check: what is started for each, which nodes, and how they fail."""

import pathlib
import signal
import time

import brokers
import elasticmq
import node
import parley_node
from producer import Lane

HERE = pathlib.Path(__file__).resolve().parent
QUEUE, PULLED = "total.Queue/Handle", "total.Pulled/Take"


class Embedded:
    """One node that keeps its own. `patience`: seconds without anything handled after which the rest is lost."""

    patience = 90
    window = "1h"
    delays = True

    def __init__(self, folder, arguments):
        self.folder, self.arguments = folder, arguments
        self.contracts = folder / "contracts"
        self.contracts.mkdir()
        for file in (HERE / "contracts").iterdir():
            (self.contracts / file.name).write_text(file.read_text().replace('window: "1h"', f'window: "{self.window}"'))

    def start(self):
        pass

    def stop(self):
        pass

    def lanes(self, number):
        """What the producer of that number publishes."""
        some = [Lane(f"{name}{number}", QUEUE) for name in "ab"] + [Lane(f"free{number}", QUEUE, ordered=False)]
        some.append(Lane(f"pulled{number}", PULLED, padding=self.arguments.padding))
        if self.delays:
            some.append(Lane(f"late{number}", QUEUE, ordered=False, headers={"parley-delay": "700ms"}))
        return some

    def config(self, messages, **more):
        return {"contracts": str(self.contracts), "messages": messages, "timeouts": {"drain": "3s"}, **more}

    def nodes(self, services):
        """(name, configuration, fail points that it meets), in the order in which they start; the last one has the callers."""
        return [("node", self.config("embedded", services=services, data=str(self.folder / "data")),
                 {**node.JOURNAL, **node.PUBLISHING, **node.DELIVERY, **node.PULLING})]

    def faults(self):
        """(how often, name, what happens, given a random number generator), beside those of nodes and consumers."""
        return []


class Parley(Embedded):
    """A sidecar without a store, and the node that keeps for it. Both are nodes, and fail as such."""

    def nodes(self, services):
        keeper = ("keeper", self.config("embedded", data=str(self.folder / "data"), listen=f"127.0.0.1:{parley_node.free_port()}"),
                  {**node.JOURNAL, **node.PUBLISHING, **node.PULLING})
        return [keeper, ("sidecar", self.config(f"parley://{keeper[1]['listen']}", services=services), SIDECAR)]


SIDECAR = {**node.PUBLISHING, **node.DELIVERY, **node.PULLING}


class Broker(Embedded):
    """A node with a broker, which is killed and stopped as well."""

    stop_seconds = 2.0
    broker = None

    def server(self):
        raise NotImplementedError

    def url(self):
        raise NotImplementedError

    def start(self):
        self.broker = self.server()
        self.broker.start()

    def stop(self):
        if self.broker and self.broker.process:
            self.broker.signal(signal.SIGCONT)
            self.broker.stop()

    def nodes(self, services):
        return [("node", self.config(self.url(), services=services), {point: min(count, 20) for point, count in SIDECAR.items()})]

    def kill(self, chance):
        self.broker.kill()
        time.sleep(chance.uniform(0, 1))
        self.broker.start()

    def pause(self, chance):
        self.broker.signal(signal.SIGSTOP)
        time.sleep(chance.uniform(0.1, self.stop_seconds))
        self.broker.signal(signal.SIGCONT)

    def faults(self):
        return [(3, "broker killed", self.kill), (3, "broker stopped", self.pause)]


class RabbitMQ(Broker):
    """`dedup=process`: a node that was killed has forgotten what it published, so what its producers send again is there twice."""

    def server(self):
        return brokers.RabbitMQ(self.folder / "broker")

    def url(self):
        return f"rabbitmq://guest:guest@127.0.0.1:{self.broker.port}?dedup=process"


class Kafka(Broker):
    """As RabbitMQ. A short session, or a killed node's partitions would rest for ten seconds each time."""

    def server(self):
        return brokers.Kafka(self.folder / "broker", self.arguments.cache, small=True)

    def url(self):
        return f"kafka://127.0.0.1:{self.broker.port}?dedup=process&session=3s"


class Sqs(Broker):
    """ElasticMQ keeps its messages in memory: it is stopped only, as SQS may be out of reach. SQS takes no other window than its own, and no delay
    together with one."""

    window = "5m"
    delays = False
    stop_seconds = 4.0

    def server(self):
        return elasticmq.ElasticMQ(self.folder / "broker", self.arguments.cache)

    def url(self):
        return f"sqs+http://127.0.0.1:{self.broker.port}?region=local&poll=2s"

    def faults(self):
        return [(3, "broker stopped", self.pause)]


KINDS = {"embedded": Embedded, "parley": Parley, "rabbitmq": RabbitMQ, "kafka": Kafka, "sqs": Sqs}
