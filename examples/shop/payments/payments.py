#!/usr/bin/python3
"""The shop's payments, its customers, its support desk and its mails, as an ordinary gRPC server: it knows nothing of Parley."""

import argparse
import asyncio
import signal
import sys

import contract  # first: it says what is missing when gRPC is not installed
import grpc
from bank import Bank
from contract import customers_pb2_grpc, mail_pb2_grpc, payments_pb2, payments_pb2_grpc, support_pb2_grpc
from customers import Customers
from errors import failed_precondition, invalid, not_found
from mailer import Mailer
from support import Support

Payment = payments_pb2.Payment


def amount_violations(amount, currency: str | None = None) -> dict[str, str]:
    """What is wrong with an amount; `currency` is the one it must have, if there is one."""
    violations = {}
    if amount.minor_units <= 0:
        violations["amount.minor_units"] = "must be more than 0"
    if len(amount.currency) != 3:
        violations["amount.currency"] = "must be a code of three letters, such as EUR"
    elif currency and amount.currency != currency:
        violations["amount.currency"] = f"must be {currency}, as the payment's"
    return violations


class Payments(payments_pb2_grpc.PaymentsServicer):
    def __init__(self, bank: Bank):
        self._bank = bank

    async def Authorize(self, request, context):
        violations = amount_violations(request.amount)
        if not request.order.startswith("orders/"):
            violations["order"] = "must be a name such as orders/1"
        if request.WhichOneof("method") is None:
            violations["method"] = "say how the customer pays: card or transfer"
        if violations:
            await invalid(context, violations)
        return self._bank.authorize(request)

    async def Capture(self, request, context):
        payment = await self._find(request.name, context)
        if payment.state not in (Payment.AUTHORIZED, Payment.CAPTURED):
            await failed_precondition(context, "STATE", payment.name, f"is {Payment.State.Name(payment.state)}, not AUTHORIZED")
        rest = payment.authorized.minor_units - payment.captured.minor_units
        cents = await self._cents(request, payment, rest, "is reserved", context)
        await self._bank.capture(payment, cents)
        return payment

    async def Refund(self, request, context):
        payment = await self._find(request.name, context)
        if payment.state not in (Payment.CAPTURED, Payment.REFUNDED):
            await failed_precondition(context, "STATE", payment.name, f"is {Payment.State.Name(payment.state)}, not CAPTURED")
        rest = payment.captured.minor_units - payment.refunded.minor_units
        self._bank.refund(payment, await self._cents(request, payment, rest, "was taken", context))
        return payment

    async def GetPayment(self, request, context):
        return await self._find(request.name, context)

    async def StreamSettlements(self, request, context):
        seen = 0
        while True:
            for settlement in self._bank.settlements[seen:]:
                seen += 1
                if request.currency in ("", settlement.amount.currency):
                    yield settlement
            if not request.follow:
                return
            if not await self._bank.more_settlements(seen):
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the service is stopping")

    async def _find(self, name: str, context):
        if name not in self._bank.payments:
            await not_found(context, "payment", name)
        return self._bank.payments[name]

    async def _cents(self, request, payment, rest: int, what: str, context) -> int:
        """How much to move: what the request says, else all of `rest`."""
        if request.HasField("amount"):
            if violations := amount_violations(request.amount, payment.authorized.currency):
                await invalid(context, violations)
        cents = request.amount.minor_units if request.HasField("amount") else rest
        if cents > rest or rest == 0:
            reason = f"has only {rest} left of what {what}, in {payment.authorized.currency}'s smallest unit"
            await failed_precondition(context, "AMOUNT", payment.name, reason)
        return cents


async def serve(port: int) -> None:
    bank, support = Bank(), Support()
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])  # a second server on this port is a mistake
    payments_pb2_grpc.add_PaymentsServicer_to_server(Payments(bank), server)
    customers_pb2_grpc.add_CustomersServicer_to_server(Customers(), server)
    support_pb2_grpc.add_SupportServicer_to_server(support, server)
    mail_pb2_grpc.add_MailerServicer_to_server(Mailer(), server)
    try:
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError:
        bound = 0
    if bound == 0:
        sys.exit(f"cannot listen on 127.0.0.1:{port}")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.start()
    print(f"listening on 127.0.0.1:{bound}", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await bank.close()
    await support.close()
    await server.stop(grace=5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="listen on 127.0.0.1:PORT; 0, the default, takes a free port")
    asyncio.run(serve(parser.parse_args().port))
