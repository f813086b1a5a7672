#!/usr/bin/env python3
"""A Kafka server (test/lib/brokers.py) as long as this process' standard input is open, for tests that are no Python.

    control.py --cache FOLDER

Prints "ready PLAINTEXT_PORT TLS_PORT SASL_PORT CA_FILE" and then obeys lines: "kill" (SIGKILL), "stop" (SIGTERM, waits), "freeze" and "thaw"
(SIGSTOP, SIGCONT), "start" (the same data and ports again, waits until it serves). Each is answered by "done".
"""

import argparse
import os
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import brokers  # noqa: E402
import parley_node  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", required=True, type=os.path.abspath)
    arguments = parser.parse_args()
    parley_node.die_with_parent()
    with tempfile.TemporaryDirectory(prefix="parley-kafka-") as folder:
        with brokers.Kafka(folder, arguments.cache, secure=True, small=True) as kafka:
            print("ready", kafka.port, kafka.tls_port, kafka.sasl_port, kafka.ca, flush=True)
            orders = {"kill": kafka.kill, "stop": kafka.stop, "start": kafka.start, "freeze": lambda: kafka.signal(signal.SIGSTOP),
                      "thaw": lambda: kafka.signal(signal.SIGCONT)}
            for line in sys.stdin:
                orders[line.strip()]()
                print("done", flush=True)


if __name__ == "__main__":
    main()
