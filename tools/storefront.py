#!/usr/bin/env python3
"""Builds the shop's page (examples/shop/web) with Vite: storefront.py --cache FOLDER --out FOLDER. What it needs of npm is installed into the cache, once."""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "lib"))
import tools  # noqa: E402

PAGE = "examples/shop/web"
CLIENT = "clients/web/src"  # the page imports its sources


def build(cache: str, out: str) -> str:
    """Checks the types, bundles, and leaves the page in `out`, which it returns."""
    tree = tools.npm_tree(cache, "storefront", str(ROOT / PAGE / "package.json"))
    with tempfile.TemporaryDirectory() as folder:
        # Modules are found from where a file lies: the sources are built beside the installed packages.
        for name in (PAGE, CLIENT):
            shutil.copytree(ROOT / name, pathlib.Path(folder, name), ignore=shutil.ignore_patterns("node_modules", "dist"))
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(folder, "node_modules"))
        page = os.path.join(folder, PAGE)
        commands = os.path.join(folder, "node_modules", ".bin")
        tools.run([os.path.join(commands, "tsc"), "--project", "tsconfig.json"], cwd=page)
        tools.run([os.path.join(commands, "vite"), "build", "--logLevel", "warn"], cwd=page)
        os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(os.path.join(page, "dist"), out)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", required=True, type=os.path.abspath)
    parser.add_argument("--out", required=True, type=os.path.abspath)
    arguments = parser.parse_args()
    print(build(arguments.cache, arguments.out))


if __name__ == "__main__":
    main()
