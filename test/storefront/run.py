#!/usr/bin/env python3
"""The shop's page in a real browser, served by Parley with the three services behind it: storefront.test.mjs starts and stops the node, and drives Chromium."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "shop"), os.path.join(ROOT, "tools")]
import parley_node  # noqa: E402
import run as shop  # noqa: E402  (test/shop/run.py)
import storefront  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402


def check_types(parley):
    """The page's types are those of the contract."""
    printed = subprocess.run([parley, "typescript", shop.SHOP], stdout=subprocess.PIPE, text=True, check=True).stdout
    with open(os.path.join(shop.SHOP, "web", "src", "contract.ts"), encoding="utf-8") as file:
        if file.read() != printed:
            sys.exit("the contract has changed: parley typescript examples/shop > examples/shop/web/src/contract.ts")


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("--orders", required=True, type=os.path.abspath, help="the binary of the orders service")
    parser.add_argument("--screenshots", type=os.path.abspath, help="leave pictures of the page in this folder")
    arguments = parser.parse_args()
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("there is no chromium; ./dev test installs it")
    tree = tools.npm_tree(arguments.cache, "storefront_test", os.path.join(HERE, "package.json"))
    check_types(arguments.parley)
    with tempfile.TemporaryDirectory() as folder:
        page = storefront.build(arguments.cache, os.path.join(folder, "page"))
        listen, admin = (f"127.0.0.1:{parley_node.free_port()}" for _ in range(2))
        services = shop.services(arguments.orders)
        services["orders"]["run"] += " --pace 400"
        config = suite.patient({"contracts": f"{shop.SHOP}/contracts", "listen": listen, "admin": admin, "services": services,
                                "files": {"folder": page, "immutable": "assets"}, "timeouts": {"drain": "1s"}})
        with open(os.path.join(folder, "parley.yaml"), "w") as file:
            file.write(parley_node.to_yaml(config) + "\n")
        # Modules are found from where a file lies: the test runs beside the installed packages.
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(folder, "node_modules"))
        for name in os.listdir(HERE):
            if name.endswith(".mjs"):
                shutil.copy(os.path.join(HERE, name), folder)
        environment = {**os.environ, "PARLEY_BINARY": arguments.parley, "SHOP_URL": f"http://{listen}/", "SHOP_ADMIN": f"http://{admin}/", "BROWSER": browser,
                       "SCREENSHOTS": arguments.screenshots or ""}
        done = subprocess.run(["node", "--test", "--test-reporter=spec", "storefront.test.mjs"], cwd=folder, env=environment)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
