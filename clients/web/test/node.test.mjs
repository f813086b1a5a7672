// The client in Node, with the class of the package `ws`, against Parley with a real gRPC service behind it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClient } from "@parley/web";
import WebSocket from "ws";
import { places, proxy } from "./proxy.mjs";

const port = Number(process.env.PARLEY_PORT);
const base = `http://127.0.0.1:${port}`;
const rpc = (name) => `awkward.v1.Awkward/${name}`;
/** For a machine that runs six suites on two cores. */
const patient = { connectTimeout: 60_000, liveness: { timeout: 60_000 } };
const client = createClient(base, { WebSocket, ...patient });
after(() => client.close());

/** What the service sends is one letter over and over: compressed, it would be no load at all. */
class Uncompressed extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { perMessageDeflate: false });
  }
}

const failure = (promise) => promise.then((value) => assert.fail(`gave ${JSON.stringify(value)}`), (error) => error);

async function all(stream) {
  const got = [];
  for await (const each of stream) got.push(each);
  return got;
}

/** Waits until `condition` holds: the service learns of a cancelled call a moment later. */
async function until(condition) {
  for (let i = 0; i < 2400 && !(await condition()); ++i) await new Promise((resolve) => setTimeout(resolve, 25));
  assert.ok(await condition());
}

describe("unary", () => {
  test("every kind of field goes there and back", async () => {
    const request = { name: "ü", i64: "-9223372036854775808", u64: "18446744073709551615", d: "NaN", blob: "AP8=", colour: "GREEN", tags: ["a", ""], labels: { k: "v" },
      left: "l", at: "2026-01-02T03:04:05.006Z", lasts: "1.500s", mask: "a,bC", object: { x: [1, null, { y: true }] }, boxedText: "" };
    const { rpc: called, request: got } = await client.unary(rpc("Get"), request);
    assert.equal(called, "Get");
    assert.deepEqual(got, request);
  });

  test("metadata goes there, headers and trailers come back, in text and base64", async () => {
    const seen = {};
    const { metadata } = await client.unary(rpc("Post"), {}, { metadata: { "X-Answer-With": "yes", "x-blob-bin": "AP8=" }, onHeaders: (headers) => (seen.headers = headers),
      onStatus: (status) => (seen.trailers = status.metadata) });
    assert.equal(metadata["x-answer-with"], "yes");
    assert.equal(metadata["x-blob-bin"], "00ff");
    assert.equal(seen.headers["x-answer"], "yes");
    assert.equal(Buffer.from(seen.headers["x-answer-bin"], "base64").toString("latin1"), "\x00\xffbin");
    assert.equal(seen.trailers["x-trailer"], "yes");
  });

  test("the deadline reaches the service", async () => {
    const { remainingMs } = await client.unary(rpc("Post"), {}, { timeout: 60_000 });
    assert.ok(Number(remainingMs) > 20_000 && Number(remainingMs) <= 60_000, remainingMs);
  });

  test("a deadline that passes cancels the call", async () => {
    const error = await failure(client.unary(rpc("Sleep"), { ms: "120000" }, { timeout: 300 }));
    assert.equal(error.code, "deadline_exceeded");
  });

  test("an abort cancels the call in the service", async () => {
    await until(async () => ((await client.unary(rpc("Census"), {})).running ?? 0) === 0); // those of other tests
    const before = await client.unary(rpc("Census"), {});
    const controller = new AbortController();
    const failed = failure(client.unary(rpc("Sleep"), { ms: "120000" }, { signal: controller.signal }));
    await until(async () => ((await client.unary(rpc("Census"), {})).running ?? 0) > (before.running ?? 0));
    controller.abort();
    assert.equal((await failed).code, "cancelled");
    await until(async () => ((await client.unary(rpc("Census"), {})).cancelled ?? 0) > (before.cancelled ?? 0));
  });

  test("the service's error, with details", async () => {
    const error = await failure(client.unary(rpc("Fail"), { code: 9, message: "not like this: ü", withDetails: true }));
    assert.deepEqual([error.code, error.message], ["failed_precondition", "not like this: ü"]);
    assert.deepEqual(error.detail("google.rpc.ErrorInfo"), { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "AWKWARD", domain: "test", metadata: { k: "v" } });
  });

  test("a message that does not fit its type", async () => {
    const error = await failure(client.unary(rpc("Get"), { i32: "many" }));
    assert.equal(error.code, "invalid_argument");
    assert.match(error.message, /i32/);
  });

  test("an rpc that is not there", async () => {
    // Why it is refused is asked for a short while only: without an answer it is `unavailable`, which may be tried again.
    const error = await failure(client.unary("awkward.v1.Awkward/Gett", {}, { reconnect: true }));
    assert.deepEqual([error.code, error.reason], ["unimplemented", "unknown_method"]);
  });

  test("a large message", async () => {
    const { request } = await client.unary(rpc("Post"), { text: "x".repeat(1_000_000) });
    assert.equal(request.text.length, 1_000_000);
  });

  test("a hundred at once", async () => {
    const replies = await Promise.all(Array.from({ length: 100 }, (_, i) => client.unary(rpc("Get"), { i32: i })));
    assert.deepEqual(replies.map(({ request }) => request.i32 ?? 0), Array.from({ length: 100 }, (_, i) => i));
  });
});

describe("server stream", () => {
  test("messages in order", async () => {
    const ticks = await all(client.stream(rpc("Ticks"), { count: 1000, size: 10 }));
    assert.deepEqual(ticks.map(({ index }) => index ?? 0), Array.from({ length: 1000 }, (_, i) => i));
  });

  test("an error after some", async () => {
    const stream = client.stream(rpc("Ticks"), { count: 2, code: 8, message: "enough" });
    assert.deepEqual([(await stream.next()).done, (await stream.next()).done], [false, false]);
    assert.deepEqual((({ code, message }) => [code, message])(await failure(stream.next())), ["resource_exhausted", "enough"]);
  });

  test("leaving the loop cancels the call in the service", async () => {
    const before = (await client.unary(rpc("Census"), {})).cancelled ?? 0;
    for await (const _ of client.stream(rpc("Ticks"), { count: 1000, delayMs: "50" })) break;
    await until(async () => ((await client.unary(rpc("Census"), {})).cancelled ?? 0) > before);
  });

  test("a reader that takes its time makes the service wait, and loses nothing", async () => {
    const slow = createClient(base, { ...patient, WebSocket: Uncompressed, buffer: 100_000 });
    const stream = slow.stream(rpc("Ticks"), { count: 800, size: 50_000 });
    await stream.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const running = (await client.unary(rpc("Census"), {})).running ?? 0;
    assert.ok(running >= 1, "the service has sent 40 MB to a reader of 100 kB");
    assert.equal((await all(stream)).length, 799);
  });
});

describe("client and bidirectional streams", () => {
  test("many messages there, one back", async () => {
    const call = client.clientStream(rpc("Sum"));
    for (let i = 1; i <= 1000; ++i) await call.send({ value: String(i) });
    assert.deepEqual(await call.end(), { sum: "500500", count: 1000 });
  });

  test("no message there, one back", async () => assert.deepEqual(await client.clientStream(rpc("Sum")).end(), {}));

  test("a conversation, line by line", async () => {
    const call = client.bidi(rpc("Chat"));
    for (const text of ["a", "b", "c"]) {
      await call.send({ text });
      assert.deepEqual((await call.next()).value, { text: text.toUpperCase() });
    }
    call.end();
    assert.deepEqual(await all(call), []);
    assert.equal((await call.status).code, "ok");
  });

  test("a conversation that ends in an error", async () => {
    const call = client.bidi(rpc("Chat"));
    await call.send({ text: "x" });
    await call.send({ text: "fail" });
    assert.equal((await call.next()).value.text, "X");
    assert.deepEqual((({ code, message }) => [code, message])(await failure(call.next())), ["failed_precondition", "asked to fail"]);
  });
});

describe("over a bad network", () => {
  let network;
  let states;
  const quick = { first: 20, max: 100, jitter: 0 };
  before(async () => (network = await proxy(port, places[0])));
  after(() => network.stop());

  function through(options) {
    states = [];
    return createClient(`http://127.0.0.1:${network.port}`, { WebSocket, ...patient, reconnect: quick, ...options });
  }
  /** A stream that is not over before anything can be done to it. */
  const watch = (client) => client.stream(rpc("Ticks"), { count: 10_000, delayMs: "50" }, { onState: ({ state }) => states.push(state) });
  /** Takes what was under way of the call that is lost, then the beginning of the next one. */
  async function beginsAnew(stream) {
    let last = 0; // the first one was taken
    for (let index = await next(stream); index > 0; index = await next(stream)) assert.equal(index, ++last);
    assert.deepEqual([await next(stream), await next(stream)], [1, 2]);
  }
  const next = async (stream) => (await stream.next()).value.index ?? 0;

  test("a stream whose connection is cut is made again", async () => {
    const stream = watch(through());
    await stream.next();
    network.cut();
    await beginsAnew(stream);
    stream.cancel();
    assert.deepEqual(states, ["connecting", "open", "waiting", "connecting", "open", "closed"]);
  });

  test("a stream outlives a server that is away for a while", async () => {
    const stream = watch(through());
    await stream.next();
    await network.refuse();
    const anew = beginsAnew(stream);
    await until(() => states.filter((state) => state === "waiting").length >= 3);
    await network.accept();
    await anew;
    stream.cancel();
  });

  test("a unary call waits for a server that is not there yet", async () => {
    await network.refuse();
    const reply = through().unary(rpc("Get"), { name: "later" });
    setTimeout(() => network.accept(), 200);
    assert.equal((await reply).request.name, "later");
  });

  test("a network that has silently gone is noticed", async () => {
    const client = through({ liveness: { every: 300, timeout: 1000 } });
    const stream = watch(client);
    await stream.next();
    network.stall();
    const next = all(stream);
    await until(() => states.includes("waiting"));
    network.cut();
    network.flow();
    await until(() => states.filter((state) => state === "open").length >= 2);
    stream.cancel();
    await next;
  });

  test("a quiet call lives on while the server answers pings", async () => {
    let pongs = 0;
    class Counting extends WebSocket {
      constructor(url, protocols) {
        super(url, protocols);
        this.on("message", (data) => (pongs += "pong" in JSON.parse(data)));
      }
    }
    const client = through({ WebSocket: Counting, liveness: { every: 200, timeout: 12_000 } }); // asked again when the time for the answer is over
    const controller = new AbortController();
    const failed = failure(client.unary(rpc("Sleep"), { ms: "120000" }, { signal: controller.signal }));
    await until(() => pongs >= 2);
    controller.abort();
    assert.equal((await failed).code, "cancelled"); // and was not lost before
  });
});
