"""What every run.py begins with: its arguments and the awkward backend."""

import argparse
import os
import subprocess
import sys

import parley_node
import tools

AWKWARD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "awkward")


def arguments(description):
    """A parser with --parley (the binary under test) and --cache (where tools are installed)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--parley", required=True, type=os.path.abspath, help="the parley binary")
    parser.add_argument("--cache", required=True, type=os.path.abspath, help="folder for installed tools, shared between runs")
    return parser


def awkward_python(cache):
    return tools.python_env(cache, os.path.join(AWKWARD, "requirements.txt"))


def awkward_backend(cache):
    return parley_node.Backend([awkward_python(cache), os.path.join(AWKWARD, "server.py"), "{port}"], name="awkward")


# No time-out of Parley's own that a process which stands still for some seconds would outlive: six suites share two cores. Tests of time-outs
# say theirs.
PATIENT = {"timeouts": {"connect": "60s"}, "limits": {"header_timeout": "60s"}}


def patient(config):
    """The configuration with PATIENT wherever it says nothing else."""
    return {**config, **{key: {**values, **config.get(key, {})} for key, values in PATIENT.items()}}


def awkward_config(backend_port, **more):
    """The node's configuration with the awkward service behind it, and patient."""
    services = {"awkward": {"serves": ["awkward.v1.Awkward"], "at": f"grpc://127.0.0.1:{backend_port}"}}
    return patient({"contracts": AWKWARD, "services": services, **more})


def run_pytest(arguments, folder, *extra):
    """Runs the folder's tests in the awkward virtualenv; the tests find the binary and the cache in the environment."""
    environment = {**os.environ, "PARLEY_BINARY": arguments.parley, "PARLEY_CACHE": arguments.cache,
                   "PYTHONPATH": os.path.dirname(os.path.abspath(__file__)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [awkward_python(arguments.cache), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "patient", "--tb=short", folder, *extra]
    sys.exit(subprocess.run(command, env=environment).returncode)


def self_signed(folder):
    """A key and a certificate for localhost and 127.0.0.1, made for this run: (certificate file, key file)."""
    certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    tools.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
               "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate])
    return certificate, key


def awkward_descriptors(cache, path):
    """Writes the awkward contract with all it imports as a FileDescriptorSet."""
    python = awkward_python(cache)
    include = tools.run([python, "-c", "import google.api, os; print(os.path.dirname(os.path.dirname(list(google.api.__path__)[0])))"]).strip()
    tools.run([python, "-m", "grpc_tools.protoc", f"-I{AWKWARD}", f"-I{include}", "--include_imports", "--include_source_info",
               f"--descriptor_set_out={path}", "awkward.proto"])
    return path
