#!/usr/bin/env python3
"""A node whose queues another one keeps (messages: parley://…): the keeper dies, freezes, is cut off, and speaks TLS; pytest. Arguments after -- go to
pytest."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import suite  # noqa: E402

if __name__ == "__main__":
    parser = suite.arguments(__doc__)
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    suite.run_pytest(arguments, HERE, *arguments.rest)
