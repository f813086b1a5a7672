"""shop.Support: a conversation with somebody who knows a few answers by heart."""

from contract import support_pb2, support_pb2_grpc

# The first row with a word that is in the customer's line has the answer.
_ANSWERS = [
    (("where", "parcel", "delivery"), "Your parcel is with the carrier. Watch the order, and you will see each step as it happens."),
    (("refund", "money", "back"), "Money goes back the way it came, within three working days."),
    (("cancel",), "Until the parcel is with the carrier you can cancel the order yourself."),
    (("broken", "damaged", "crack"), "I am sorry to hear that. Attach a photograph to the order, and we send a new one today."),
    (("invoice", "receipt"), "The invoice belongs to the order: ask for orders/NUMBER/invoice."),
    (("thank",), "You are welcome!"),
]
_NO_ANSWER = "Let me ask a colleague. Meanwhile: which order is it about?"


def _line(text: str) -> support_pb2.Line:
    line = support_pb2.Line(author="support", text=text)
    line.time.GetCurrentTime()
    return line


def answer(text: str) -> str:
    """What support says to a customer's line."""
    lower = text.lower()
    return next((reply for words, reply in _ANSWERS if any(word in lower for word in words)), _NO_ANSWER)


class Support(support_pb2_grpc.SupportServicer):
    async def Chat(self, request_iterator, context):
        yield _line("Hello, this is the shop. How can I help?")
        lines = 0
        async for line in request_iterator:
            lines += 1
            yield _line(answer(line.text))
        yield _line(f"Goodbye! I have noted your {lines} line{'' if lines == 1 else 's'}.")
