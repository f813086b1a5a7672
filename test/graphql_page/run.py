#!/usr/bin/env python3
"""The page at /graphql in a real browser: page.test.mjs drives Chromium against Parley with the service of graphql_http behind it."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BLOG = os.path.join(HERE, "..", "graphql_http")
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402


def main():
    arguments = suite.arguments(__doc__).parse_args()
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("there is no chromium; ./dev test installs it")
    tree = tools.npm_tree(arguments.cache, "graphql_page", os.path.join(HERE, "package.json"))
    with tempfile.TemporaryDirectory() as work:
        # Modules are found from where a file lies: the test runs beside the installed packages.
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(work, "node_modules"))
        shutil.copy(os.path.join(HERE, "page.test.mjs"), work)
        with parley_node.Backend(["node", os.path.join(BLOG, "backend.mjs"), "{port}"], name="blog") as backend:
            config = suite.patient({"contracts": os.path.join(BLOG, "contracts"),
                                    "services": {"blog": {"serves": ["blog.Blog", "blog.Users"], "at": f"http://127.0.0.1:{backend.port}"}}})
            with parley_node.Parley(arguments.parley, config) as node:
                environment = {**os.environ, "PAGE_URL": f"http://127.0.0.1:{node.port}/graphql", "PAGE_BROWSER": browser}
                done = subprocess.run(["node", "--test", "--test-reporter=spec", "page.test.mjs"], cwd=work, env=environment)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
