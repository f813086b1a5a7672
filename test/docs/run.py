#!/usr/bin/env python3
"""The reference page at /docs in a real browser: docs.test.mjs drives Chromium against Parley with the awkward backend."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402


def main():
    arguments = suite.arguments(__doc__).parse_args()
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("there is no chromium; ./dev test installs it")
    tree = tools.npm_tree(arguments.cache, "docs", os.path.join(HERE, "package.json"))
    with tempfile.TemporaryDirectory() as folder, suite.awkward_backend(arguments.cache) as backend:
        # Modules are found from where a file lies: the test runs beside the installed packages.
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(folder, "node_modules"))
        shutil.copy(os.path.join(HERE, "docs.test.mjs"), folder)
        with parley_node.Parley(arguments.parley, suite.awkward_config(backend.port)) as node:
            environment = {**os.environ, "DOCS_URL": f"http://127.0.0.1:{node.port}/docs", "DOCS_BROWSER": browser}
            done = subprocess.run(["node", "--test", "--test-reporter=spec", "docs.test.mjs"], cwd=folder, env=environment)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
