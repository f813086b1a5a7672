"""shop.Support: a conversation with somebody who knows a few answers by heart, and rooms for visitors among themselves."""

import grpc

from contract import support_pb2, support_pb2_grpc
from errors import invalid, not_found
from rooms import Room

# The first row with a word that is in the customer's line has the answer.
_ANSWERS = [
    (("where", "parcel", "delivery"), "Your parcel is with the carrier. Watch the order, and you will see each step as it happens."),
    (("refund", "money", "back"), "Money goes back the way it came, within three working days."),
    (("cancel",), "Until the parcel is with the carrier you can cancel the order yourself."),
    (("broken", "damaged", "crack"), "I am sorry to hear that. Attach a photograph to the order, and we send a new one today."),
    (("invoice", "receipt"), "The invoice belongs to the order: ask for orders/NUMBER/invoice."),
    (("thank",), "You are welcome!"),
]
_ROOMS = ("rooms/lobby", "rooms/workshop")
_NO_ANSWER = "Let me ask a colleague. Meanwhile: which order is it about?"


def _line(text: str, author: str = "support") -> support_pb2.Line:
    line = support_pb2.Line(author=author, text=text)
    line.time.GetCurrentTime()
    return line


def answer(text: str) -> str:
    """What support says to a customer's line."""
    lower = text.lower()
    return next((reply for words, reply in _ANSWERS if any(word in lower for word in words)), _NO_ANSWER)


class Support(support_pb2_grpc.SupportServicer):
    def __init__(self):
        self._rooms = {name: Room() for name in _ROOMS}

    async def Chat(self, request_iterator, context):
        yield _line("Hello, this is the shop. How can I help?")
        lines = 0
        async for line in request_iterator:
            lines += 1
            yield _line(answer(line.text))
        yield _line(f"Goodbye! I have noted your {lines} line{'' if lines == 1 else 's'}.")

    async def WatchRoom(self, request, context):
        room = await self._room(request.name, context)
        async for line in room.follow():
            yield line
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the service is stopping")

    async def Say(self, request, context):
        room = await self._room(request.room, context)
        if not 1 <= len(request.text) <= 500:
            await invalid(context, {"text": "must be from 1 to 500 characters"})
        line = _line(request.text, request.author)
        await room.say(line)
        return line

    async def _room(self, name: str, context) -> Room:
        if name not in self._rooms:
            await not_found(context, "room", name)
        return self._rooms[name]

    async def close(self) -> None:
        """Ends all watching of rooms."""
        for room in self._rooms.values():
            await room.close()
