"""The shop's contract as Python modules.

The .proto files are compiled when the program starts, into a temporary folder: there is no generated code to keep up to date.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

_HERE = pathlib.Path(__file__).resolve().parent
_ROOTS = [_HERE.parent / "contracts", _HERE.parents[2] / "contracts"]  # the shop's own, and google/ beside Parley's
_FILES = [
    "google/api/annotations.proto",
    "google/api/field_behavior.proto",
    "google/api/http.proto",
    "google/rpc/code.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "parley/options.proto",
    "parley/receipt.proto",
    "shop/customers.proto",
    "shop/mail.proto",
    "shop/money.proto",
    "shop/payments.proto",
    "shop/stock.proto",
    "shop/support.proto",
]


def _compile(into: str) -> None:
    plugin = shutil.which("grpc_python_plugin")
    if not shutil.which("protoc") or not plugin:
        sys.exit("payments needs protoc and its gRPC plugin: apt-get install protobuf-compiler protobuf-compiler-grpc")
    roots = [f"-I{root}" for root in _ROOTS]
    outputs = [f"--python_out={into}", f"--grpc_out={into}", f"--plugin=protoc-gen-grpc={plugin}"]
    done = subprocess.run(["protoc", *roots, *outputs, *_FILES], check=False)
    if done.returncode != 0:
        sys.exit("payments cannot compile the shop's contract; protoc says why above")


with tempfile.TemporaryDirectory(prefix="shop-payments-") as _folder:
    _compile(_folder)
    sys.path.append(_folder)
    try:
        from google.protobuf import empty_pb2
        from google.rpc import error_details_pb2, status_pb2
        from parley import receipt_pb2
        from shop import (
            customers_pb2,
            customers_pb2_grpc,
            mail_pb2,
            mail_pb2_grpc,
            money_pb2,
            payments_pb2,
            payments_pb2_grpc,
            support_pb2,
            support_pb2_grpc,
        )
    except ImportError as error:
        sys.exit(f"payments needs gRPC for {sys.executable}: apt-get install python3-grpcio ({error})")
    finally:
        sys.path.remove(_folder)

__all__ = [
    "customers_pb2",
    "customers_pb2_grpc",
    "empty_pb2",
    "error_details_pb2",
    "mail_pb2",
    "mail_pb2_grpc",
    "money_pb2",
    "payments_pb2",
    "payments_pb2_grpc",
    "receipt_pb2",
    "status_pb2",
    "support_pb2",
    "support_pb2_grpc",
]
