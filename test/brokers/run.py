#!/usr/bin/env python3
"""Queues and topics through the pull API, the same cases over every backend; pytest. Arguments after -- go to pytest."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import suite  # noqa: E402

if __name__ == "__main__":
    parser = suite.arguments(__doc__)
    parser.add_argument("--backend", default="embedded")
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    os.environ["PARLEY_TEST_BACKEND"] = arguments.backend
    suite.run_pytest(arguments, HERE, *arguments.rest)
