"""shop.Mailer: sends e-mails. It is called by a queue: a mail that fails is tried again later, by whoever keeps the queue and not here."""

import collections

import grpc

from contract import empty_pb2, mail_pb2, mail_pb2_grpc, receipt_pb2
from errors import invalid

_KEPT = 100


class Mailer(mail_pb2_grpc.MailerServicer):
    def __init__(self):
        self._sent = collections.deque(maxlen=_KEPT)
        self._broken = {"offline.example"}

    async def SendMail(self, request, context):
        name, _, domain = request.to.partition("@")
        if not name or not domain:
            await invalid(context, {"to": "must be an address, such as ada@example.com"})  # fatal: no second attempt helps
        if domain in self._broken:
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"the mail server of {domain} does not answer")
        metadata = dict(context.invocation_metadata())
        self._note(request, int(metadata.get("parley-attempt", "1")))
        return receipt_pb2.Receipt()  # the caller had its own long ago

    async def OnStockChanged(self, request, context):
        if request.on_hand > 0:
            mail = mail_pb2.Mail(customer="customers/ada", to="ada@example.com", subject=f"{request.product} is here again")
            self._note(mail, 1)
        return empty_pb2.Empty()

    async def ListSentMails(self, request, context):
        mails = [each for each in self._sent if request.customer in ("", each.mail.customer)]
        return mail_pb2.ListSentMailsResponse(mails=mails)

    async def SetMailServer(self, request, context):
        if request.works:
            self._broken.discard(request.domain)
        else:
            self._broken.add(request.domain)
        return request

    def _note(self, mail, attempts: int) -> None:
        sent = mail_pb2.SentMail(mail=mail, attempts=attempts)
        sent.send_time.GetCurrentTime()
        self._sent.appendleft(sent)
