#!/usr/bin/env python3
"""h2spec against Parley's port, with prior knowledge and over TLS, on a path that a grpcio backend answers behind it."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402

PACKAGE = "github.com/summerwind/h2spec/cmd/h2spec"
# The whole of the suite, with its strict cases: a run that counts less has lost cases on the way.
CASES = 146
PATH = "/v1/get/h2spec"


def run_cases(h2spec, port, flags, report):
    """Runs all cases against a port; returns (passed, failed, skipped) by the tool's own report."""
    command = [h2spec, "--strict", "--port", str(port), "--path", PATH, "--timeout", "60", "--junit-report", report, *flags]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=600)
    cases = list(xml.parse(report).getroot().iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    if failed or done.returncode != 0:
        print(done.stdout)
    for case in failed:
        print(f"FAILED  {case.get('package')}  {case.get('classname')}")
    for case in skipped:
        print(f"SKIPPED {case.get('package')}  {case.get('classname')}")
    return len(cases) - len(failed) - len(skipped), len(failed), len(skipped)


def main():
    arguments = suite.arguments(__doc__).parse_args()
    h2spec = tools.go_binary(arguments.cache, HERE, PACKAGE, "h2spec")
    ok = True
    with tempfile.TemporaryDirectory() as folder, suite.awkward_backend(arguments.cache) as backend:
        certificate, key = suite.self_signed(folder)
        for name, tls, flags in (("prior knowledge", {}, []),
                                 ("TLS", {"tls": {"cert": certificate, "key": key}}, ["--tls", "--insecure"])):
            with parley_node.Parley(arguments.parley, suite.awkward_config(backend.port, **tls)) as node:
                passed, failed, skipped = run_cases(h2spec, node.port, flags, os.path.join(folder, "report.xml"))
            print(f"h2spec, {name}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
            if passed != CASES:  # a skipped case is one that Parley gave no chance to run: no stream limit announced, for example
                ok = False
                print(f"all {CASES} cases have to pass")
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
