#!/usr/bin/env python3
"""kafkajs and a Parley node on one real Kafka."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import brokers  # noqa: E402
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402


def main():
    arguments = suite.arguments(__doc__).parse_args()
    tree = tools.npm_tree(arguments.cache, "kafka", os.path.join(HERE, "package.json"))
    with tempfile.TemporaryDirectory() as work, brokers.Kafka(os.path.join(work, "kafka"), arguments.cache, small=True) as kafka:
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(work, "node_modules"))
        shutil.copy(os.path.join(HERE, "kafkajs.test.mjs"), work)
        config = {"contracts": os.path.join(HERE, "contracts"), "messages": f"kafka://127.0.0.1:{kafka.port}?session=60s&timeout=60s",
                  "shards": 2}
        with parley_node.Parley(arguments.parley, config) as node:
            environment = {**os.environ, "KAFKA_PORT": str(kafka.port), "PARLEY_PORT": str(node.port)}
            sys.exit(subprocess.run(["node", "--test", "--test-reporter=spec", "kafkajs.test.mjs"], cwd=work, env=environment).returncode)


if __name__ == "__main__":
    main()
