"""The backends: how each is started, where a node finds it, and what it does not do.

`at_start`: options of the contract that the backend refuses when the node starts, with what the node prints.
`on_call`: cases whose call the backend refuses, with a part of the error's text.
A case that is in neither has to pass.
"""

import contextlib
import os
import pathlib
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import brokers  # noqa: E402
import elasticmq  # noqa: E402
import parley_node  # noqa: E402


class Backend:
    """One kind of place. `messages` of parley.yaml is valid once `start` has returned."""

    at_start = {}
    on_call = {}
    # What differs and is no refusal, with why: `positions` (a receipt has none, so a message cannot be asked for by it), `peek_after` (peek
    # shows the head only), `event_dedup` (an event that comes again is stored again; consumers know it by `source` and `id`), `old_duplicates` (after
    # a restart a message that comes again is stored once, but its receipt does not say so), `waits_elsewhere` (a group is deleted though another node
    # waits for its messages), `first_attempt` (a node that is killed within milliseconds of a message's first delivery does not count it).
    lacks = {}
    # What the node's process needs.
    environment = {}
    # A node that is killed and one that stops both come back to what they had.
    survives_kill = True
    # A position leads to its message, however deep that lies.
    finds_by_position = False
    # Whole seconds that the broker needs longer than the embedded store to do what takes it one step.
    slack = 0.0

    def __init__(self, folder, cache):
        self.folder = pathlib.Path(folder)
        self.cache = cache
        self.messages = None
        self.cleanup = contextlib.ExitStack()

    def start(self, binary, contracts):
        raise NotImplementedError

    def stop(self):
        self.cleanup.close()


class Embedded(Backend):
    finds_by_position = True

    def start(self, binary, contracts):
        self.messages = "embedded"


class Parley(Backend):
    """Another node, which keeps what this one publishes."""

    finds_by_position = True

    def start(self, binary, contracts):
        self.keeper = parley_node.Parley(binary, {"contracts": str(contracts), "messages": "embedded"})
        self.cleanup.enter_context(self.keeper)
        self.messages = f"parley://127.0.0.1:{self.keeper.port}"


class RabbitMQ(Backend):
    slack = 1.0
    at_start = {"dedup": "RabbitMQ has no deduplication", "wait": "RabbitMQ has no way to hold messages of one key"}
    lacks = {"positions": "a broker's confirm says nothing of a place",
             "event_dedup": "RabbitMQ has no deduplication"}

    def start(self, binary, contracts):
        server = self.cleanup.enter_context(brokers.RabbitMQ(self.folder / "rabbitmq"))
        self.messages = f"rabbitmq://guest:guest@127.0.0.1:{server.port}"


class Kafka(Backend):
    slack = 3.0
    at_start = {"dedup": "Kafka has no window over messages of several producers", "wait": "Kafka's groups go on behind a dead letter"}
    lacks = {"first_attempt": "it is handed out at once, and the commit that counts it comes then"}

    def start(self, binary, contracts):
        server = self.cleanup.enter_context(brokers.Kafka(self.folder / "kafka", self.cache))
        # What a group waits for a node that was killed; one that the machine lets stand still for a while must not lose its messages.
        self.messages = f"kafka://127.0.0.1:{server.port}?session=20s"


NO_READING = "SQS keeps no event that every group has: topics cannot be read or replayed there"


class Sqs(Backend):
    slack = 2.0
    at_start = {"wait": "SQS has no way to hold a message group"}
    on_call = dict.fromkeys(["events_are_read_in_order", "reading_goes_on_behind_a_position", "reading_from_a_time", "reading_from_the_latest",
                             "a_reader_keeps_its_place", "a_group_is_moved", "an_event_that_comes_again_is_stored_once",
                             "cloud_events_come_in_three_modes", "a_bad_event_is_refused_at_the_door",
                             "server_sent_events_go_on_where_they_were",
                             "a_reader_of_the_latest_misses_nothing_before_its_first_event", "a_graphql_subscription_goes_on_where_it_was",
                             "a_topic_after_a_restart", "the_group_of_a_reader_goes"], NO_READING)
    lacks = {"positions": "SQS has no places in a queue", "old_duplicates": "SQS stores it once, and does not say that it was there before",
             "waits_elsewhere": "SQS knows no consumers"}
    environment = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "elasticmq"}

    def start(self, binary, contracts):
        server = self.cleanup.enter_context(elasticmq.ElasticMQ(self.folder / "elasticmq", self.cache))
        self.messages = f"sqs+http://127.0.0.1:{server.port}?region=elasticmq"


BACKENDS = {"embedded": Embedded, "parley": Parley, "rabbitmq": RabbitMQ, "kafka": Kafka, "sqs": Sqs}
