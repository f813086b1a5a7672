#!/usr/bin/env python3
"""The shop behind Parley: its configuration is good, the guided tour finds every answer as expected, and all stops cleanly."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import parley_node  # noqa: E402
import storefront  # noqa: E402
import suite  # noqa: E402

SHOP = os.path.normpath(os.path.join(HERE, "..", "..", "examples", "shop"))


def services(orders):
    """examples/shop/parley.yaml's services, on ports of this run."""
    ports = [parley_node.free_port() for _ in range(3)]
    return {
        "orders": {"run": f"{orders} --port {ports[0]}", "at": f"grpc://127.0.0.1:{ports[0]}"},
        "payments": {"serves": ["shop.Payments", "shop.Customers", "shop.Support", "shop.Mailer"], "run": f"/usr/bin/python3 {SHOP}/payments/payments.py --port {ports[1]}",
                     "at": f"grpc://127.0.0.1:{ports[1]}"},
        "catalog": {"serves": ["shop.Catalog"], "run": f"node {SHOP}/catalog/catalog.mjs --port {ports[2]}",
                    "at": f"http://127.0.0.1:{ports[2]}"},
    }


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("--orders", required=True, type=os.path.abspath, help="the binary of the orders service")
    arguments = parser.parse_args()
    subprocess.run([arguments.parley, "check", SHOP], check=True)
    with tempfile.TemporaryDirectory() as folder, \
            parley_node.Parley(arguments.parley, suite.patient({"contracts": f"{SHOP}/contracts", "services": services(arguments.orders),
                                                                "files": {"folder": storefront.build(arguments.cache, f"{folder}/page")}})) as node:
        tour = [sys.executable, f"{SHOP}/tour.py", "--at", f"http://127.0.0.1:{node.port}", "--admin", f"http://127.0.0.1:{node.admin}",
                "--parley", arguments.parley, "--page"]
        first, again = (subprocess.run(tour).returncode for _ in range(2))  # again: a visitor leaves nothing behind that disturbs the next
        if first or again:
            print(node.log()[-8000:])
    sys.exit(first or again)


if __name__ == "__main__":
    main()
