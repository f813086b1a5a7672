#!/usr/bin/env python3
"""queue/sqs against ElasticMQ, with Debian's boto3 beside it; arguments after -- go to unittest (names of tests).

The signer is compared with botocore's, on requests that are hard to sign.
"""

import argparse
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DEBIAN_PYTHON = "/usr/bin/python3"  # python3-boto3 is there, whatever python comes first in PATH


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", required=True, type=os.path.abspath, help="the sqs_driver binary")
    parser.add_argument("--cache", required=True, type=os.path.abspath, help="folder for installed tools, shared between runs")
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    if os.path.realpath(sys.executable) != os.path.realpath(DEBIAN_PYTHON):
        os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, *sys.argv])
    sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
    import rig
    with tempfile.TemporaryDirectory(prefix="parley-sqs-") as folder:
        rig.start(folder, arguments.cache, arguments.driver)
        try:
            loader = unittest.TestLoader()
            suite = loader.loadTestsFromNames(arguments.rest) if arguments.rest else loader.discover(HERE, "test_*.py")
            result = unittest.TextTestRunner(verbosity=2).run(suite)
        finally:
            rig.stop()
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
