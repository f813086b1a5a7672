"""Errors as gRPC means them: a canonical code, a sentence for a person and details for a program."""

import grpc

from contract import error_details_pb2, status_pb2


async def _abort(context, code: grpc.StatusCode, message: str, detail) -> None:
    status = status_pb2.Status(code=code.value[0], message=message)
    status.details.add().Pack(detail)
    await context.abort(code, message, (("grpc-status-details-bin", status.SerializeToString()),))


async def not_found(context, kind: str, name: str) -> None:
    """NOT_FOUND with a google.rpc.ResourceInfo. Does not return, as all functions here."""
    info = error_details_pb2.ResourceInfo(resource_type=kind, resource_name=name, description="There is none of this name.")
    await _abort(context, grpc.StatusCode.NOT_FOUND, f'there is no {kind} "{name}"', info)


async def invalid(context, violations: dict[str, str]) -> None:
    """INVALID_ARGUMENT with a google.rpc.BadRequest. `violations` says for each field's path what is wrong with it."""
    bad = error_details_pb2.BadRequest()
    for field, reason in violations.items():
        bad.field_violations.add(field=field, description=reason)
    message = "; ".join(f"{field}: {reason}" for field, reason in violations.items())
    await _abort(context, grpc.StatusCode.INVALID_ARGUMENT, message, bad)


async def failed_precondition(context, kind: str, subject: str, reason: str) -> None:
    """FAILED_PRECONDITION with a google.rpc.PreconditionFailure."""
    failure = error_details_pb2.PreconditionFailure()
    failure.violations.add(type=kind, subject=subject, description=reason)
    await _abort(context, grpc.StatusCode.FAILED_PRECONDITION, f"{subject} {reason}", failure)
