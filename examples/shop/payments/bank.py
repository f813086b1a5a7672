"""What the bank knows: payments and settlements, in memory. Used from one event loop."""

import asyncio
import datetime
import itertools

from contract import money_pb2, payments_pb2

_CARD, _TRANSFER = "card", "transfer"

# order, state, authorized, captured, refunded (cents of a euro), how, when
_SAMPLES = [
    ("orders/1", "CAPTURED", 14700, 14700, 0, (_CARD, "visa", "4242", 11, 2028), "2026-03-02T09:14:09Z"),
    ("orders/2", "CAPTURED", 5490, 5490, 0, (_CARD, "mastercard", "5100", 2, 2027), "2026-03-03T17:40:52Z"),
    ("orders/3", "REFUNDED", 25800, 25800, 25800, (_TRANSFER, "FR1420041010050500013M02606"), "2026-03-05T11:02:40Z"),
    ("orders/4", "CAPTURED", 15540, 15540, 0, (_CARD, "visa", "1881", 7, 2029), "2026-03-09T06:55:03Z"),
    ("orders/5", "CAPTURED", 23800, 23800, 0, (_CARD, "amex", "0005", 1, 2028), "2026-03-10T20:21:22Z"),
    ("orders/8", "AUTHORIZED", 17800, 0, 0, (_CARD, "mastercard", "5100", 2, 2027), "2026-03-14T15:10:11Z"),
    ("orders/9", "AUTHORIZED", 18570, 0, 0, (_TRANSFER, "FR1420041010050500013M02606"), "2026-03-15T09:48:31Z"),
]

# day, cents of a euro, payments
_SETTLED = [("2026-03-04", 20190, 2), ("2026-03-06", 25800, 1), ("2026-03-11", 39340, 2)]


def money(cents: int, currency: str = "EUR") -> money_pb2.Money:
    return money_pb2.Money(currency=currency, minor_units=cents)


class Bank:
    """Answers with its own messages: whoever gets one does not change it."""

    def __init__(self):
        self.payments: dict[str, payments_pb2.Payment] = {}
        self.settlements: list[payments_pb2.Settlement] = []
        self._numbers = itertools.count(1)
        self._requests: dict[str, str] = {}  # request id to the name of the payment that it made
        self._settled = asyncio.Condition()
        self._closed = False
        for order, state, authorized, captured, refunded, method, when in _SAMPLES:
            self._add(order, state, authorized, captured, refunded, method, when)
        for day, cents, payments in _SETTLED:
            settlement = payments_pb2.Settlement(name=f"settlements/{day}-eur", amount=money(cents), payments=payments)
            settlement.settle_time.FromJsonString(f"{day}T22:00:00Z")
            self.settlements.append(settlement)

    def _add(self, order, state, authorized, captured, refunded, method, when) -> None:
        payment = payments_pb2.Payment(
            order=order, state=state, authorized=money(authorized), captured=money(captured), refunded=money(refunded)
        )
        if method[0] == _CARD:
            _, payment.card.brand, payment.card.last_four, payment.card.expiry_month, payment.card.expiry_year = method
        else:
            payment.transfer.iban = method[1]
        payment.create_time.FromJsonString(when)
        self._keep(payment)

    def _keep(self, payment) -> None:
        payment.name = f"payments/{next(self._numbers)}"
        self.payments[payment.name] = payment

    def authorize(self, request) -> payments_pb2.Payment:
        """A new payment, AUTHORIZED or DECLINED; or the one that the same request id made before."""
        if request.request_id in self._requests:
            return self.payments[self._requests[request.request_id]]
        declined = request.card.last_four == "0002"
        payment = payments_pb2.Payment(
            order=request.order,
            state="DECLINED" if declined else "AUTHORIZED",
            authorized=money(0 if declined else request.amount.minor_units, request.amount.currency),
            captured=money(0, request.amount.currency),
            refunded=money(0, request.amount.currency),
        )
        if request.HasField("transfer"):
            payment.transfer.CopyFrom(request.transfer)
        else:
            payment.card.CopyFrom(request.card)
        payment.create_time.GetCurrentTime()
        self._keep(payment)
        if request.request_id:
            self._requests[request.request_id] = payment.name
        return payment

    async def capture(self, payment, cents: int) -> None:
        """Takes the money, which the bank settles at once."""
        payment.captured.minor_units += cents
        payment.state = payments_pb2.Payment.CAPTURED
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        currency = payment.captured.currency
        settlement = payments_pb2.Settlement(
            name=f"settlements/{today}-{currency.lower()}-{len(self.settlements) + 1}", amount=money(cents, currency), payments=1
        )
        settlement.settle_time.GetCurrentTime()
        self.settlements.append(settlement)
        async with self._settled:
            self._settled.notify_all()

    def refund(self, payment, cents: int) -> None:
        payment.refunded.minor_units += cents
        payment.state = payments_pb2.Payment.REFUNDED

    async def more_settlements(self, seen: int) -> bool:
        """Waits until there are more settlements than `seen`; False when there never will be."""
        async with self._settled:
            await self._settled.wait_for(lambda: self._closed or len(self.settlements) > seen)
        return not self._closed

    async def close(self) -> None:
        """Ends all waiting for settlements."""
        self._closed = True
        async with self._settled:
            self._settled.notify_all()
