"""Parley and its peers as durable queues: each syncs before it acknowledges."""
import brokers

from .processes import Missing, Target, free_port, wait_for


class Queue(Target):
    """How parley_messages talks to it: `bus` are its arguments for that. `row` names the queue, so that rows do not share one."""

    def __init__(self, name, port, process, bus, stop=None):
        super().__init__(name, port, process, [])
        self.bus, self.stop = bus, stop


class MessagePeers:
    """A part of Stack. A server is fresh for each row, and stopped by `stop` after it: a queue that is full of an earlier row's messages is
    another queue."""

    def broker(self, name, make, bus):
        folder = self.folder / f"{name}-{free_port()}"
        try:
            server = make(folder).start()
        except (brokers.BrokerError, SystemExit) as error:
            raise Missing(f"{name} does not start: {str(error).strip().splitlines()[-1]}") from None
        self.processes.append(server.process)

        def stop():
            self.processes.remove(server.process)
            server.stop()

        return Queue(name, server.port, server.process, ["--bus", bus, "--port", server.port, "--socket", folder], stop)

    def rabbitmq_queue(self):
        return self.broker("RabbitMQ", brokers.RabbitMQ, "rabbitmq")

    def kafka_queue(self):
        settings = ["log.flush.interval.messages=1"]  # a sync before every acknowledgement
        return self.broker("Kafka", lambda folder: brokers.Kafka(folder, self.cache, settings), "kafka")

    def postgres_queue(self):
        return self.broker("PostgreSQL", brokers.PostgreSQL, "postgres")

    def nats_queue(self):
        binary = self.go_package("messages/nats", "github.com/nats-io/nats-server/v2", "nats-server")
        port = free_port()
        config = self.write(f"nats-{port}.conf", f"""
listen: "127.0.0.1:{port}"
max_pending: 512MB
jetstream {{ store_dir: "{self.folder}/nats-{port}", sync_interval: always, max_file_store: 64GB, max_memory_store: 64MB }}
""")
        return self.started("JetStream", [binary, "-c", config], port, ["--bus", "nats"])

    def parley_queue(self):
        """Producers and consumers keep streams open, as clients of the peers do: parley.Queues."""
        return self.parley_messages("parley", ["--stream"])

    def parley_queue_calls(self):
        """Each message is a call of the queue's rpc, and each delivery a call to the service."""
        return self.parley_messages("parley by calls", [])

    def parley_sidecar(self):
        """Calls of a node without storage, in front of another one that has the queue; both nodes count."""
        keeper = self.parley_messages("keeper", [])
        try:
            sidecar = self.parley_messages("sidecar", [], f"parley://127.0.0.1:{keeper.port}")
        except Missing:
            keeper.stop()
            raise
        stop, own = sidecar.stop, sidecar.pids
        sidecar.stop = lambda: (stop(), keeper.stop())
        sidecar.pids = lambda: own() + keeper.pids()
        return sidecar

    def parley_messages(self, name, bus, messages="embedded"):
        port, handler = free_port(), free_port()
        config = self.write(f"queue-{port}.yaml", f"""
contracts: {self.root / "bench/messages/contracts"}
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{free_port()}
messages: {messages}
data: {self.folder}/queue-{port}
services:
  bench:
    serves: [bench.Queue]
    at: grpc://127.0.0.1:{handler}
""")
        queue = self.started(name, [self.parley_binary, "up", config], port, ["--bus", "parley", "--handler-port", handler, *bus])
        queue.another = lambda: self.parley_messages(name, bus, messages)  # like it, and empty
        return queue

    def started(self, name, command, port, bus):
        process = self.spawn(command)
        try:
            wait_for(port, process, 30)
        except RuntimeError as error:
            raise Missing(f"{name} does not start: {error}; {self.log().strip().splitlines()[-1:]}") from None
        return Queue(name, port, process, [*bus, "--port", port], lambda: self.stop(process))
