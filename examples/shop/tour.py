#!/usr/bin/env python3
"""A guided tour of the shop: real calls against a running Parley, each printed as a command to repeat, run, and its answer checked.

    tour.py [--at URL] [--admin URL] [--parley BINARY] [--page]

Ends with 0 when every answer was as expected. Can be taken again and again: a step expects no more than what holds on every visit.
"""

import argparse
import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

DEFAULT_ADDRESS = "127.0.0.1:8080"  # as in parley.yaml
WIDTH = 118
STEP_SECONDS = 120
PATIENCE = 90


@dataclasses.dataclass
class Step:
    """One stop of the tour. `check` gets the command's whole output, and raises AssertionError, KeyError or ValueError when it is wrong."""

    title: str
    command: str
    check: Callable[[str], None]
    lines: int = 6  # of the answer, to show
    patience: int = 0  # seconds: what happens behind the shop's back may take its time, so the command runs again until its answer is right


class Visit:
    """What the tour learns on its way: names that the shop gave out."""

    order = ""
    payment = ""
    said = ""  # when: a line has no other name


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def same(found, wanted, what: str) -> None:
    expect(found == wanted, f"{what} is {found!r}, not {wanted!r}")


def json_lines(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines() if line.strip()]


def head_and_body(output: str) -> tuple[int, dict[str, str], str]:
    """The status, the header fields and the body of what `curl -i` printed."""
    head, _, body = output.replace("\r\n", "\n").partition("\n\n")
    first, *fields = head.split("\n")
    return int(first.split()[1]), {key.lower(): value.strip() for key, _, value in (field.partition(":") for field in fields)}, body


def is_order_1(output: str) -> None:
    order = json.loads(output)
    same(order["name"], "orders/1", "name")
    same(order["customer"], "customers/ada", "customer")
    same(order["total"], {"currency": "EUR", "minorUnits": "14700"}, "total")


def check_list(output: str) -> None:
    page = json.loads(output)
    same(len(page["orders"]), 2, "the number of orders")
    same({order["customer"] for order in page["orders"]}, {"customers/ada"}, "the customers")
    expect(page["totalSize"] >= 3 and page["nextPageToken"], "there must be a next page")


def check_created(output: str) -> None:
    order = json.loads(output)
    same(order["state"], "PLACED", "state")
    same(order["total"]["minorUnits"], "9830", "total")
    Visit.order = order["name"]


def check_patched(output: str) -> None:
    order = json.loads(output)
    same(order["note"], "Leave it with the neighbour", "note")
    same(order["shipTo"]["city"], "Oslo", "the city, which the PATCH did not name")


def check_cancelled(output: str) -> None:
    order = json.loads(output)
    same((order["name"], order["state"]), (Visit.order, "CANCELLED"), "the order")


def check_problem(output: str) -> None:
    status, fields, body = head_and_body(output)
    same(status, 404, "the HTTP status")
    same(fields["content-type"].split(";")[0], "application/problem+json", "content-type")
    problem = json.loads(body)
    same(problem["status"], 404, "status")
    expect("orders/404" in body and "NOT_FOUND" in body.upper(), "the problem must say what was not found")


def check_bad_request(output: str) -> None:
    status, _, body = head_and_body(output)
    same(status, 400, "the HTTP status")
    expect("quantity" in body, "the problem must name the field")


def check_product(output: str) -> None:
    product = json.loads(output)
    same((product["sku"], product["price"]["minorUnits"]), ("LMP-1001", "8900"), "the lamp")


def check_categories(output: str) -> None:
    categories = json.loads(output)
    expect(isinstance(categories, list), "response_body: the answer must be a bare array")
    expect("categories/lighting" in {each["name"] for each in categories}, "there must be lamps")


def check_authorized(output: str) -> None:
    payment = json.loads(output)
    same(payment["state"], "AUTHORIZED", "state")
    Visit.payment = payment["name"]


def check_captured(output: str) -> None:
    payment = json.loads(output)
    same((payment["name"], payment["state"]), (Visit.payment, "CAPTURED"), "the payment")
    same(payment["captured"]["minorUnits"], "4200", "what was taken")


def check_watch(name: str) -> Callable[[str], None]:
    def check(output: str) -> None:
        orders = json_lines(output)
        same({order["name"] for order in orders}, {name}, "the orders")
        same(orders[-1]["state"], "DELIVERED", "the last state")

    return check


def check_sse(name: str) -> Callable[[str], None]:
    def check(output: str) -> None:
        events = [event for event in output.replace("\r\n", "\n").split("\n\n") if event.strip()]
        data = ["\n".join(re.findall(r"^data: ?(.*)$", event, re.MULTILINE)) for event in events]
        orders = [json.loads(each) for each in data if each and each != "{}"]
        expect(bool(orders), "there must be events with data")
        same(orders[-1].get("name"), name, "the order")
        same(orders[-1]["state"], "DELIVERED", "the last state")

    return check


def check_import(output: str) -> None:
    summary = json.loads(output)
    same(summary["imported"], 2, "imported")
    same([each["index"] for each in summary["rejected"]], [1], "what was rejected")
    same(summary["totals"], {"EUR": "4190"}, "totals")


def check_invoice(output: str) -> None:
    status, fields, body = head_and_body(output)
    same((status, fields["content-type"]), (200, "text/plain; charset=utf-8"), "status and content-type")
    expect("INVOICE for orders/1" in body and "147.00 EUR" in body, "the body must be the invoice, not JSON")


def check_attachment(output: str) -> None:
    attachment = json.loads(output)
    same(attachment["sizeBytes"], "13", "sizeBytes")
    expect(attachment["name"].startswith("orders/1/attachments/"), "the file must belong to orders/1")


def check_connect_get(output: str) -> None:
    status, _, body = head_and_body(output)
    same(status, 200, "the HTTP status")
    is_order_1(body)


def check_connect_error(output: str) -> None:
    status, _, body = head_and_body(output)
    same((status, json.loads(body)["code"]), (404, "not_found"), "status and code")


def check_grpc_web(output: str) -> None:
    """Reads the bytes back from xxd's picture of them: a message frame, and a frame of trailers (flag 0x80) with the status."""
    data = bytes.fromhex("".join(line[9:49].replace(" ", "") for line in output.splitlines()))
    size = int.from_bytes(data[1:5], "big")
    message, trailers = data[5 : 5 + size], data[5 + size :]
    same(data[0], 0, "the first frame's flag")
    expect(message.startswith(b"\x0a\x08orders/1"), "the message must be the order")
    same(trailers[0], 0x80, "the second frame's flag")
    expect(re.search(rb"grpc-status: *0\r\n", trailers[5:]) is not None, "the trailers must say grpc-status: 0")


def check_chat(output: str) -> None:
    lines = json_lines(output)
    same({line["author"] for line in lines}, {"support"}, "who writes")
    same(len(lines), 4, "the number of lines: a greeting, two answers and a goodbye")
    expect("carrier" in lines[1]["text"] and "invoice" in lines[2]["text"], "the answers must fit the questions")


def check_accepted(duplicate: bool) -> Callable[[str], None]:
    def check(output: str) -> None:
        status, fields, body = head_and_body(output)
        same(status, 202, "the HTTP status")
        receipt = json.loads(body)
        same(receipt["queue"], "shop.Mailer/SendMail", "the queue")
        same(receipt.get("duplicate", False), duplicate, "whether it was there before")
        expect(fields["location"].startswith("/parley/queues/shop.Mailer/SendMail/messages/"), "Location must say where the mail's state can be asked")

    return check


def check_sent(visit: str, attempts: int) -> Callable[[str], None]:
    def check(output: str) -> None:
        sent = [each for each in json.loads(output).get("mails", []) if each["mail"].get("requestId") == visit]
        same([each["attempts"] for each in sent], [attempts], "the attempts of the one mail")

    return check


def check_dead(visit: str) -> Callable[[str], None]:
    def check(output: str) -> None:
        dead = [each for each in json.loads(output)["messages"] if visit in json.dumps(each)]
        same([each["attempts"] for each in dead], [3], "the attempts of the one dead letter")
        expect("offline.example does not answer" in dead[0]["reason"], "it must say why")

    return check


def check_event_stored(output: str) -> None:
    expect(head_and_body(output)[0] in (200, 202), "the event must be stored")


def check_stock_events(pieces: int) -> Callable[[str], None]:
    def check(output: str) -> None:
        events = [json.loads(line.removeprefix("data:")) for line in output.splitlines() if line.startswith("data:")]
        expect(pieces in [event["data"].get("onHand") for event in events], "the event must be there")
        expect(len(re.findall(r"^id:", output, re.MULTILINE)) >= len(events) > 0, "each must have a position")

    return check


def check_stock(pieces: int) -> Callable[[str], None]:
    def check(output: str) -> None:
        same(json_lines(output)[0]["onHand"], pieces, "what the catalog knows")

    return check


def check_queues(output: str) -> None:
    for name in ("shop.Mailer/SendMail", "stock"):
        expect(name in output, f"{name} must be listed")


def mail_steps(at: str, parley: str):
    """E-mails by a queue, with a mail server that is away; stock by a topic with two groups."""
    to, visit = at.removeprefix("http://"), f"tour-{time.time_ns()}"

    def mail(domain: str, request_id: str) -> str:
        fields = {"customer": "customers/ada", "to": f"ada@{domain}", "subject": "Your order is on its way", "requestId": request_id}
        return f"curl -si {at}/v1/mails --json '{json.dumps(fields)}'"

    yield Step("Queue: a mail is answered once it is stored, with 202 and a receipt", mail("example.com", visit), check_accepted(False), lines=12)
    yield Step("Queue: the same mail sent again is the same mail", mail("example.com", visit), check_accepted(True), lines=12)
    yield Step("Queue: it was sent, once", f"curl -s '{at}/v1/mails?customer=customers/ada'", check_sent(visit, 1), patience=PATIENCE)
    server = f"curl -s -X PUT {at}/v1/mailServers/offline.example --json"
    yield Step("Queue: a mail whose server is away; three attempts, and it is a dead letter",
               f"""{server} '{{"works": false}}' && {mail("offline.example", visit + "-late")}""", lambda _: None, lines=14)
    yield Step("Queue: the dead letter, and why it is one",
               f"{parley} queue peek shop.Mailer/SendMail --shelf dead --json --node {to}", check_dead(visit + "-late"), patience=PATIENCE)
    yield Step("Queue: the server is back, and the dead letters wait again",
               f"""{server} '{{"works": true}}' && {parley} queue redrive shop.Mailer/SendMail --reason offline.example --node {to}""", lambda _: None)
    yield Step("Queue: now it was sent", f"curl -s '{at}/v1/mails?customer=customers/ada'", check_sent(visit + "-late", 1), patience=PATIENCE)
    pieces = time.time_ns() // 1000 % 900 + 1
    event = {"product": "products/oslo-lamp", "onHand": pieces, "countTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))}
    yield Step("Topic: a CloudEvent from the warehouse",
               f"curl -si {at}/topics/stock -H 'ce-specversion: 1.0' -H 'ce-type: shop.StockChanged' -H 'ce-source: /warehouse' -H 'ce-id: {visit}' "
               f"--json '{json.dumps(event)}'", check_event_stored, lines=10)
    yield Step("Topic: one group of two, the catalog, has taken it over",
               f"curl -s '{at}/v1/stock:watch?snapshotOnly=true&products=products/oslo-lamp'", check_stock(pieces), patience=PATIENCE)
    yield Step("Topic: all its events, and those to come, as server-sent events",
               f"curl -sN --max-time 1 -H 'Accept: text/event-stream' '{at}/topics/stock?from=earliest' || true", check_stock_events(pieces), lines=10, patience=PATIENCE)
    yield Step("Queues and groups, and what waits in them", f"{parley} queue ls --node {to}", check_queues, lines=10)


def check_openapi(output: str) -> None:
    found = json.loads(output)
    same(found["openapi"][:4], "3.1.", "the version")
    expect("/v1/orders" in found["paths"], "the orders must be described")


def check_docs(output: str) -> None:
    status, fields, body = head_and_body(output)
    same((status, fields["content-type"].split(";")[0]), (200, "text/html"), "status and content-type")
    expect("<html" in body.lower() or "<!doctype html" in body.lower(), "the page must be HTML")
    expect(not re.search(r"""(src|href)=["']?(https?:)?//""", body), "the page must need no network")


def check_sales(output: str) -> None:
    seconds = json_lines(output)
    expect(len(seconds) >= 2, "there must be two seconds in three")
    expect(int(seconds[1]["totalOrders"]) >= 12, "there must be orders")


def check_said(output: str) -> None:
    line = json.loads(output)
    same((line["author"], line["text"]), ("customers/ada", "Has anybody seen my lamp?"), "the line")
    Visit.said = line["time"]


def check_room(output: str) -> None:
    expect(Visit.said in [line["time"] for line in json_lines(output)], "what was said must still be in the room")


def check_page(output: str) -> None:
    status, fields, body = head_and_body(output)
    same((status, fields["content-type"], fields["cache-control"]), (200, "text/html; charset=utf-8", "no-cache"), "status, content-type and cache-control")
    expect("assets/" in body and fields["etag"], "the page must have its script, and an entity tag")


def check_metrics(output: str) -> None:
    counted = re.search(r'^parley_\w+\{[^}]*GetOrder[^}]*\} [0-9.e+]+$', output, re.MULTILINE)
    expect(counted is not None, "the calls of GetOrder must be counted")


def check_status(wanted: int) -> Callable[[str], None]:
    def check(output: str) -> None:
        same(head_and_body(output)[0], wanted, "the HTTP status")

    return check


def item(product: str, quantity: int, cents: int | str) -> dict:
    """One item of an order. JSON may write a 64-bit integer as a number or as a string."""
    return {"product": f"products/{product}", "quantity": quantity, "unitPrice": {"currency": "EUR", "minorUnits": cents}}


def steps(at: str, admin: str, parley: str, page: bool):
    """The tour. A generator: a later step may need what the shop answered before."""
    contract = shlex.quote(os.path.relpath(os.path.dirname(os.path.abspath(__file__))))
    to = at.removeprefix("http://")
    where = f"--via grpc --contract {contract}" + ("" if to == DEFAULT_ADDRESS else f" --to {to}")
    yield Step("REST: an order, from the C++ service behind gRPC", f"curl -s {at}/v1/orders/1", is_order_1)
    yield Step("REST: a list, with a page size and a filter in the query",
               f"curl -s '{at}/v1/orders?pageSize=2&filter.customer=customers/ada'", check_list)
    order = {"customer": "customers/ada", "shipTo": {"recipient": "Ada Nilsen", "city": "Oslo", "country": "NO"},
             "items": [item("bergen-kettle", 1, "5490"), item("tromso-candle", 1, "1890"), item("roros-pen", 1, 2450)]}
    yield Step("REST: place an order", f"curl -s {at}/v1/orders --json '{json.dumps(order)}'", check_created)
    patch = {"note": "Leave it with the neighbour"}
    yield Step("REST: change one field of it; Parley fills the FieldMask from the body",
               f"curl -s -X PATCH {at}/v1/{Visit.order} --json '{json.dumps(patch)}'", check_patched)
    yield Step("REST: a custom verb", f"""curl -s {at}/v1/{Visit.order}:cancel --json '{{"reason": "changed my mind"}}'""", check_cancelled)
    yield Step("REST: an honest error, as RFC 9457 has it", f"curl -si {at}/v1/orders/404", check_problem, lines=12)
    yield Step("REST: a bad request names the field",
               f"""curl -si -H 'Content-Type: application/json' {at}/v1/orders -d '{{"customer": "customers/ada", "items": [{{"product": "products/oslo-lamp"}}]}}'""",
               check_bad_request, lines=12)
    yield Step("REST: a product, from the Node.js service that speaks plain HTTP/JSON", f"curl -s {at}/v1/products/oslo-lamp", check_product)
    yield Step("REST: the categories, a bare array by response_body", f"curl -s {at}/v1/categories", check_categories)
    payment = {"order": "orders/10", "amount": {"currency": "EUR", "minorUnits": "4200"},
               "card": {"brand": "visa", "lastFour": "4242", "expiryMonth": 4, "expiryYear": 2029}}
    yield Step("REST: reserve money, in the Python service", f"curl -s {at}/v1/payments:authorize --json '{json.dumps(payment)}'",
               check_authorized)
    yield Step("REST: take the money", f"curl -s {at}/v1/{Visit.payment}:capture --json '{{}}'", check_captured)
    yield Step("Server stream as NDJSON: follow an order until it is delivered", f"curl -sN {at}/v1/orders/10:watch",
               check_watch("orders/10"))
    yield Step("Server stream as server-sent events: follow another one",
               f"curl -sN -H 'Accept: text/event-stream' {at}/v1/orders/7:watch", check_sse("orders/7"), lines=8)
    orders = [{"customer": "customers/emeka", "items": [item("fjord-mug", 2, "1450")]}, {"customer": "nobody"},
              {"customer": "customers/chloe", "items": [item("hamar-notebook", 1, "1290")]}]
    bulk = " ".join(f"'{json.dumps(each)}'" for each in orders)
    yield Step("Client stream from NDJSON: import orders in bulk, one of them bad",
               f"printf '%s\\n' {bulk} | curl -s -H 'Content-Type: application/x-ndjson' --data-binary @- {at}/v1/orders:import",
               check_import)
    yield Step("A document instead of JSON: google.api.HttpBody", f"curl -si {at}/v1/orders/1/invoice", check_invoice, lines=16)
    yield Step("Upload a file into a client stream of HttpBody",
               f"printf 'a broken mug\\n' | curl -s -F 'file=@-;filename=mug.txt;type=text/plain' {at}/v1/orders/1/attachments",
               check_attachment)
    yield Step("Connect: a unary call is a POST", f"""curl -s {at}/shop.Orders/GetOrder --json '{{"name": "orders/1"}}'""",
               is_order_1)
    yield Step("Connect: a call without side effects is a GET too, which caches understand",
               f"curl -si -G {at}/shop.Orders/GetOrder -d connect=v1 -d encoding=json --data-urlencode 'message={{\"name\":\"orders/1\"}}'",
               check_connect_get, lines=10)
    yield Step("Connect: its own errors",
               f"""curl -si {at}/shop.Orders/GetOrder --json '{{"name": "orders/404"}}'""",
               check_connect_error, lines=10)
    yield Step("gRPC-Web: a frame in; a frame and trailers out",
               f"printf '\\0\\0\\0\\0\\012\\012\\010orders/1' | curl -s -H 'Content-Type: application/grpc-web+proto' --data-binary @- "
               f"{at}/shop.Orders/GetOrder | xxd", check_grpc_web, lines=24)
    yield Step("gRPC: the same call by Parley's own client",
               f"""{parley} call shop.Orders/GetOrder '{{"name": "orders/1"}}' {where}""", is_order_1)
    yield Step("gRPC: a conversation, both sides streaming",
               f"""printf '%s\\n' '{{"text": "Where is my parcel?"}}' '{{"text": "And the invoice?"}}' | """
               f"{parley} call shop.Support/Chat - {where}", check_chat)
    yield Step("REST: once a second, what was ordered in that second", f"curl -sN --max-time 3 {at}/v1/sales:watch || true", check_sales, patience=PATIENCE)
    line = {"author": "customers/ada", "text": "Has anybody seen my lamp?"}
    yield Step("REST: say something in a room; pages that watch it over WebSocket share one stream of the service",
               f"curl -s {at}/v1/rooms/lobby:say --json '{json.dumps(line)}'", check_said)
    yield Step("REST: what the room still has, and for a second what is said in it", f"curl -sN --max-time 1 {at}/v1/rooms/lobby:watch || true", check_room, patience=PATIENCE)
    yield from mail_steps(at, parley)
    if page:
        yield Step("A page: files beside the rpcs", f"curl -si {at}/", check_page, lines=12)
    yield Step("OpenAPI 3.1 of all services", f"curl -s {at}/openapi.json", check_openapi, lines=8)
    yield Step("A reference to browse", f"curl -si {at}/docs", check_docs, lines=8)
    yield Step("Metrics for Prometheus", f"curl -s {admin}/metrics | grep 'calls_total.*GetOrder'", check_metrics, lines=5)
    yield Step("Health", f"curl -si {admin}/healthz", check_status(200), lines=8)


class Printer:
    def __init__(self):
        self.colour = sys.stdout.isatty()

    def paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def title(self, number: int, title: str) -> None:
        print(f"\n{self.paint('1', f'{number}. {title}')}")

    def command(self, command: str) -> None:
        print(self.paint("36", f"$ {command}"))

    def answer(self, output: str, lines: int) -> None:
        """The answer, each line cut to the terminal's usual width, and the middle left out when there are many."""
        shown = []
        for line in output.rstrip("\n").replace("\r", "").split("\n"):
            wrapped = textwrap.wrap(line, WIDTH, drop_whitespace=False, break_on_hyphens=False) or [""]
            shown += wrapped if len(wrapped) <= 3 else [*wrapped[:2], wrapped[2][: WIDTH - 2] + " …"]
        if len(shown) > lines:
            shown = [*shown[: lines - 2], f"… {len(shown) - lines + 1} more lines …", shown[-1]]
        print("\n".join(f"  {line}" for line in shown), flush=True)

    def wrong(self, why: str) -> None:
        print(self.paint("31", f"  NOT AS EXPECTED: {why}"), flush=True)


def take(step: Step, printer: Printer) -> str | None:
    """Runs one step, and again while it may still come right; what is wrong with its answer, or None."""
    printer.command(step.command)
    end = time.monotonic() + step.patience
    while True:
        output, wrong = run(step)
        if wrong is None or time.monotonic() >= end:
            if output is not None:
                printer.answer(output, step.lines)
            return wrong
        time.sleep(0.3)


def run(step: Step) -> tuple[str | None, str | None]:
    """What the command prints, and what is wrong with it."""
    try:
        done = subprocess.run(["bash", "-o", "pipefail", "-c", step.command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, timeout=STEP_SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"no end after {STEP_SECONDS} s"
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        return output, f"exit code {done.returncode}: {done.stderr.decode(errors='replace').strip()}"
    try:
        step.check(output)
    except json.JSONDecodeError as error:
        return output, f"the answer is not JSON: {error}"
    except KeyError as error:
        return output, f"the answer has no {error}"
    except (AssertionError, ValueError, IndexError, TypeError) as error:
        return output, str(error) or repr(error)
    return output, None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at", default=f"http://{DEFAULT_ADDRESS}", help="where Parley listens")
    parser.add_argument("--admin", default="http://127.0.0.1:9090", help="where its admin port is")
    parser.add_argument("--parley", default="build/release/parley", help="the binary, for `parley call`")
    parser.add_argument("--page", action="store_true", help="the shop's page is built")
    arguments = parser.parse_args()
    printer = Printer()
    failed, count = [], 0
    for count, step in enumerate(steps(arguments.at, arguments.admin, shlex.quote(arguments.parley), arguments.page), 1):
        printer.title(count, step.title)
        if why := take(step, printer):
            printer.wrong(why)
            failed.append(f"{count}. {step.title}: {why}")
    if failed:
        print(f"\ntour: {len(failed)} of {count} steps not as expected")
        print("\n".join(f"  {each}" for each in failed))
        return 1
    print(f"\ntour: {count} steps, all as expected")
    return 0


if __name__ == "__main__":
    sys.exit(main())
