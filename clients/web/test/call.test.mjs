// One call on one socket: what goes out, what comes in, and every way to end. The test is the server.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient, ParleyError } from "@parley/web";
import { fake, nth, ok, settled } from "./fake_socket.mjs";

const base = "http://node.test";

function setup(options = {}) {
  const { Socket, sockets } = fake();
  return { client: createClient(base, { WebSocket: Socket, liveness: false, window: 0, connectTimeout: 60_000, ...options }), sockets };
}

/** What a promise or an iterator's end gave: the ParleyError's interesting part. */
const failure = (promise) => promise.then((value) => assert.fail(`gave ${JSON.stringify(value)}`), ({ name, code, reason, message }) => ({ name, code, reason, message }));

async function all(stream) {
  const got = [];
  for await (const each of stream) got.push(each);
  return got;
}

describe("what a call sends first", () => {
  const cases = [
    ["nothing to say", {}, {}],
    ["metadata, by lower-case names", { metadata: { Authorization: "Bearer x", "x-tag": ["a", "b"] } }, { metadata: { authorization: "Bearer x", "x-tag": "a, b" } }],
    ["a position to go on after", { resume: "k3x-7" }, { resume: "k3x-7" }],
    ["history", { history: 20 }, { history: 20 }],
  ];
  for (const [name, options, start] of cases)
    test(name, async () => {
      const { client, sockets } = setup();
      client.stream("a.B/C", { id: 1 }, options);
      const socket = await nth(sockets, 0);
      assert.equal(socket.url, "ws://node.test/ws/a.B/C");
      assert.deepEqual(socket.protocols, ["parley.json.v1"]);
      assert.deepEqual(socket.sent, [{ start }, { message: { id: 1 } }]);
    });

  test("the client's metadata, asked for each call, and the call's own over it", async () => {
    let asked = 0;
    const { client, sockets } = setup({ metadata: async (method) => ({ "x-n": String(++asked), "x-method": method, "x-both": "client" }) });
    client.stream("a.B/C", {}, { metadata: { "X-Both": "call" } });
    client.stream("a.B/D", {});
    assert.deepEqual((await nth(sockets, 0)).sent[0].start.metadata, { "x-n": "1", "x-method": "a.B/C", "x-both": "call" });
    assert.deepEqual((await nth(sockets, 1)).sent[0].start.metadata, { "x-n": "2", "x-method": "a.B/D", "x-both": "client" });
  });

  test("the time that is left, in seconds", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
    const { client, sockets } = setup();
    client.stream("a.B/C", {}, { timeout: 2500 });
    client.stream("a.B/C", {}, { deadline: new Date(Date.now() + 1250), timeout: 9000 });
    assert.equal((await nth(sockets, 0)).sent[0].start.timeout, "2.5s");
    assert.equal((await nth(sockets, 1)).sent[0].start.timeout, "1.25s");
  });

  test("no message at all is an empty one", async () => {
    const { client, sockets } = setup();
    client.stream("a.B/C", undefined);
    assert.deepEqual((await nth(sockets, 0)).sent[1], { message: {} });
  });
});

describe("addresses", () => {
  for (const [url, want] of [
    ["https://shop.example", "wss://shop.example/ws/a.B/C"],
    ["ws://127.0.0.1:8080/", "ws://127.0.0.1:8080/ws/a.B/C"],
    ["https://shop.example/api/?x=1#y", "wss://shop.example/api/ws/a.B/C"],
    [new URL("http://[::1]:9"), "ws://[::1]:9/ws/a.B/C"],
  ])
    test(String(url), async () => {
      const { Socket, sockets } = fake();
      createClient(url, { WebSocket: Socket }).stream("a.B/C", {}).cancel();
      await settled();
      createClient(url, { WebSocket: Socket, liveness: false }).stream("a.B/C", {});
      assert.equal((await nth(sockets, sockets.length)).url, want);
    });
});

describe("unary", () => {
  test("the reply, with headers and the status' metadata", async () => {
    const { client, sockets } = setup();
    const seen = {};
    const reply = client.unary("a.B/C", {}, { onHeaders: (headers) => (seen.headers = headers), onStatus: ({ metadata }) => (seen.trailers = metadata) });
    const socket = await nth(sockets, 0);
    socket.say({ headers: { metadata: { "x-a": "1" } } }, { message: { text: "hi" } }, { status: { code: "OK", trailers: { "x-b": "2" } } });
    assert.deepEqual(await reply, { text: "hi" });
    assert.deepEqual(seen, { headers: { "x-a": "1" }, trailers: { "x-b": "2" } });
    assert.deepEqual([socket.closedBy, socket.closeCode], ["client", 1000]);
  });

  const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "R" };
  const cases = [
    ["the service's error", [{ status: { code: "NOT_FOUND", message: "no order 7", reason: "no_order" } }], { code: "not_found", reason: "no_order", message: "no order 7" }],
    ["an error without a word", [{ status: { code: "ABORTED" } }], { code: "aborted", reason: "aborted", message: "" }],
    ["an error after the message", [{ message: {} }, { status: { code: "DATA_LOSS" } }], { code: "data_loss", reason: "data_loss", message: "" }],
    ["a code of tomorrow", [{ status: { code: "TIRED" } }], { code: "unknown", reason: "unknown", message: "" }],
    ["no reply", [ok], { code: "unimplemented", reason: "reply_count", message: "no reply of an rpc that has one" }],
    ["two replies", [{ message: {} }, { message: {} }, ok], { code: "unimplemented", reason: "reply_count", message: "more than one reply of an rpc that has one" }],
    ["what is no JSON", ["{"], { code: "internal", reason: "bad_frame", message: "the server sent what is no frame of parley.json.v1" }],
    ["what is no object", ["7"], { code: "internal", reason: "bad_frame", message: "the server sent what is no frame of parley.json.v1" }],
  ];
  for (const [name, frames, want] of cases)
    test(name, async () => {
      const { client, sockets } = setup();
      const failed = failure(client.unary("a.B/C", {}));
      (await nth(sockets, 0)).say(...frames);
      assert.deepEqual(await failed, { name: "ParleyError", ...want });
    });

  test("details and the status' metadata are on the error", async () => {
    const { client, sockets } = setup();
    const failed = client.unary("a.B/C", {}).catch((error) => error);
    const retry = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.5s" };
    (await nth(sockets, 0)).say({ status: { code: "RESOURCE_EXHAUSTED", message: "full", details: [info, retry], trailers: { "x-t": "1" } } });
    const error = await failed;
    assert.ok(error instanceof ParleyError && error instanceof Error);
    assert.deepEqual(error.details, [info, retry]);
    assert.equal(error.detail("google.rpc.ErrorInfo"), error.details[0]);
    assert.equal(error.detail("google.rpc.Help"), undefined);
    assert.equal(error.retryAfter, 1500);
    assert.deepEqual(error.metadata, { "x-t": "1" });
  });

  test("frames and members of tomorrow are skipped", async () => {
    const { client, sockets } = setup();
    const reply = client.unary("a.B/C", {});
    (await nth(sockets, 0)).say({ weather: "fine" }, { headers: { colour: 7 } }, { message: 1, size: 9 }, { pong: {} }, { status: { code: "OK", mood: "good" } });
    assert.equal(await reply, 1);
  });

  test("another subprotocol is none of ours", async () => {
    const { Socket, sockets } = fake({ open: false });
    const failed = failure(createClient(base, { WebSocket: Socket, liveness: false }).unary("a.B/C", {}));
    (await nth(sockets, 0)).accept("");
    assert.equal((await failed).reason, "no_subprotocol");
  });

  for (const [code, want] of [[1006, "unavailable"], [1001, "unavailable"], [1011, "unavailable"], [1002, "internal"], [1007, "internal"]])
    test(`a close with ${code} and no status is ${want}`, async () => {
      const { client, sockets } = setup();
      const failed = failure(client.unary("a.B/C", {}));
      (await nth(sockets, 0)).drop(code, "why");
      assert.equal((await failed).code, want);
    });

  test("a close after the status says nothing more", async () => {
    const { client, sockets } = setup();
    const failed = failure(client.unary("a.B/C", {}));
    const socket = await nth(sockets, 0);
    socket.say({ status: { code: "NOT_FOUND" } });
    socket.drop(4005, "NOT_FOUND");
    assert.equal((await failed).code, "not_found");
  });
});

describe("ending a call early", () => {
  test("an aborted signal cancels, and its reason is the cause", async () => {
    const { client, sockets } = setup();
    const controller = new AbortController();
    const failed = client.unary("a.B/C", {}, { signal: controller.signal }).catch((error) => error);
    const socket = await nth(sockets, 0);
    controller.abort("enough");
    const error = await failed;
    assert.deepEqual([error.code, error.cause], ["cancelled", "enough"]);
    assert.equal(socket.closedBy, "client");
  });

  test("a signal that was aborted before opens no socket", async () => {
    const { client, sockets } = setup();
    assert.equal((await failure(client.unary("a.B/C", {}, { signal: AbortSignal.abort() }))).code, "cancelled");
    await settled();
    assert.equal(sockets.length, 0);
  });

  test("the deadline ends a silent call; what has come can still be taken", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
    const { client, sockets } = setup();
    const stream = client.stream("a.B/C", {}, { timeout: 1000 });
    const socket = await nth(sockets, 0);
    socket.say({ message: 1 }, { message: 2 });
    t.mock.timers.tick(999);
    assert.equal(socket.closedBy, undefined);
    t.mock.timers.tick(1);
    assert.equal(socket.closedBy, "client");
    assert.deepEqual([(await stream.next()).value, (await stream.next()).value], [1, 2]);
    assert.equal((await failure(stream.next())).code, "deadline_exceeded");
  });

  test("closing the client ends its calls, and those to come", async () => {
    const { client, sockets } = setup();
    const failed = failure(client.unary("a.B/C", {}));
    await nth(sockets, 0);
    client.close();
    assert.deepEqual((await failed).reason, "client_closed");
    assert.equal((await failure(client.unary("a.B/C", {}))).reason, "client_closed");
    assert.equal(sockets.length, 1);
  });

  test("leaving a loop cancels the call", async () => {
    const { client, sockets } = setup();
    const stream = client.stream("a.B/C", {});
    const socket = await nth(sockets, 0);
    socket.say({ message: 1 }, { message: 2 });
    for await (const _ of stream) break;
    assert.equal(socket.closedBy, "client");
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
  });

  test("cancel() ends a loop that waits, without an error", async () => {
    const { client, sockets } = setup();
    const stream = client.stream("a.B/C", {});
    const loop = all(stream);
    (await nth(sockets, 0)).say({ message: 1 });
    await settled();
    stream.cancel();
    assert.deepEqual(await loop, [1]);
  });

  test("an aborted signal ends a loop with an error", async () => {
    const { client, sockets } = setup();
    const controller = new AbortController();
    const failed = failure(all(client.stream("a.B/C", {}, { signal: controller.signal })));
    await nth(sockets, 0);
    controller.abort();
    assert.equal((await failed).code, "cancelled");
  });
});

describe("server stream", () => {
  test("messages in order, then the end; asked for all at once or one by one", async () => {
    const { client, sockets } = setup();
    const stream = client.stream("a.B/C", {});
    const first = [stream.next(), stream.next()];
    const socket = await nth(sockets, 0);
    socket.say({ headers: {} }, { message: 1 }, { message: 2 }, { message: 3 }, ok);
    assert.deepEqual((await Promise.all(first)).map(({ value }) => value), [1, 2]);
    assert.deepEqual(await all(stream), [3]);
    assert.equal((await stream.status).code, "ok");
    assert.deepEqual(await stream.headers, {});
  });

  test("messages before an error are seen, then the error, once", async () => {
    const { client, sockets } = setup();
    const stream = client.stream("a.B/C", {});
    (await nth(sockets, 0)).say({ message: 1 }, { status: { code: "INTERNAL" } });
    assert.equal((await stream.next()).value, 1);
    assert.equal((await failure(stream.next())).code, "internal");
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
  });

  test("a gap is told between the messages around it", async () => {
    const { client, sockets } = setup();
    const got = [];
    const stream = client.stream("a.B/C", {}, { onGap: ({ messages }) => got.push(`gap of ${messages}`) });
    (await nth(sockets, 0)).say({ message: 1 }, { skipped: { messages: 17 } }, { message: 2 }, ok);
    for await (const each of stream) got.push(each);
    assert.deepEqual(got, [1, "gap of 17", 2]);
  });

  test("the server is told how far it may be ahead of the reader, and given credit as messages are taken", async () => {
    const { client, sockets } = setup({ window: 10 });
    const stream = client.stream("a.B/C", {});
    const socket = await nth(sockets, 0);
    assert.deepEqual(socket.sent, [{ start: { window: 10 } }, { message: {} }]);
    for (let i = 0; i < 10; ++i) socket.say({ message: i });
    const credit = async (take) => {
      for (let i = 0; i < take; ++i) await stream.next();
      return socket.sent.slice(2);
    };
    assert.deepEqual(await credit(4), []);
    assert.deepEqual(await credit(1), [{ credit: 5 }]);
    assert.deepEqual(await credit(5), [{ credit: 5 }, { credit: 5 }]);
  });

  test("messages that are taken as they come give credit too", async () => {
    const { client, sockets } = setup({ window: 4 });
    const loop = all(client.bidi("a.B/C"));
    const socket = await nth(sockets, 0);
    for (let i = 0; i < 4; ++i) {
      socket.say({ message: i });
      await settled();
    }
    assert.deepEqual(socket.sent, [{ start: { window: 4 } }, { credit: 2 }, { credit: 2 }]);
    socket.say(ok);
    assert.equal((await loop).length, 4);
  });

  test("where one reply comes there is no window", async () => {
    const { client, sockets } = setup({ window: 10 });
    client.unary("a.B/C", {}).catch(() => {});
    client.clientStream("a.B/C");
    assert.deepEqual([(await nth(sockets, 0)).sent[0], (await nth(sockets, 1)).sent[0]], [{ start: {} }, { start: {} }]);
  });

  test("a reader that takes nothing loses the call, not the page's memory", async () => {
    const { client, sockets } = setup({ buffer: 1000 });
    const stream = client.stream("a.B/C", {});
    const socket = await nth(sockets, 0);
    for (let i = 0; i < 100 && !socket.closedBy; ++i) socket.say({ message: "x".repeat(100) });
    assert.equal(socket.closedBy, "client");
    const failed = await failure(all(stream));
    assert.deepEqual([failed.code, failed.reason], ["resource_exhausted", "slow_consumer"]);
  });

  test("a socket that can stop reading does so instead", async () => {
    const { Socket, sockets } = fake();
    const log = [];
    class Pausing extends Socket {
      pause = () => log.push("pause");
      resume = () => log.push("resume");
    }
    const stream = createClient(base, { WebSocket: Pausing, liveness: false, buffer: 1000 }).stream("a.B/C", {});
    const socket = await nth(sockets, 0);
    for (let i = 0; i < 20; ++i) socket.say({ message: i + "x".repeat(100) });
    assert.deepEqual(log, ["pause"]);
    for (let i = 0; i < 20; ++i) await stream.next();
    assert.deepEqual(log, ["pause", "resume"]);
    assert.equal(socket.closedBy, undefined);
  });
});

describe("client stream", () => {
  test("messages, the half-close, the reply", async () => {
    const { client, sockets } = setup();
    const call = client.clientStream("a.B/C");
    await call.send({ n: 1 });
    call.send({ n: 2 });
    const reply = call.end();
    const socket = await nth(sockets, 0);
    assert.deepEqual(socket.sent, [{ start: {} }, { message: { n: 1 } }, { message: { n: 2 } }, { end: {} }]);
    socket.say({ message: { sum: 3 } }, ok);
    assert.deepEqual(await reply, { sum: 3 });
  });

  test("a message after the half-close is refused here", async () => {
    const { client, sockets } = setup();
    const call = client.clientStream("a.B/C");
    call.end();
    assert.equal((await failure(call.send(1))).reason, "sent_after_end");
    assert.deepEqual((await nth(sockets, 0)).sent, [{ start: {} }, { end: {} }]);
  });

  test("an early error ends the sending", async () => {
    const { client, sockets } = setup();
    const call = client.clientStream("a.B/C");
    await call.send(1);
    (await nth(sockets, 0)).say({ status: { code: "RESOURCE_EXHAUSTED", message: "too much" } });
    assert.equal((await failure(call.send(2))).code, "resource_exhausted");
    assert.equal((await failure(call.end())).message, "too much");
  });

  test("send() waits while the socket holds too much", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { client, sockets } = setup();
    const call = client.clientStream("a.B/C");
    const socket = await nth(sockets, 0);
    socket.bufferedAmount = 5 << 20;
    let sent = false;
    const sending = call.send(1).then(() => (sent = true));
    for (let i = 0; i < 3; ++i) {
      await settled();
      t.mock.timers.tick(10);
    }
    assert.equal(sent, false);
    socket.bufferedAmount = 0;
    await settled();
    t.mock.timers.tick(10);
    await sending;
    assert.equal(socket.sent.length, 2);
  });
});

describe("bidirectional stream", () => {
  test("both sides write when they like; replies go on after the half-close", async () => {
    const { client, sockets } = setup();
    const call = client.bidi("a.B/C");
    const socket = await nth(sockets, 0);
    assert.deepEqual(socket.sent, [{ start: {} }]); // the call begins before the first message: the other side may speak first
    socket.say({ headers: {} }, { message: "hello" });
    assert.equal((await call.next()).value, "hello");
    await call.send("a");
    call.end();
    await settled();
    assert.deepEqual(socket.sent.slice(1), [{ message: "a" }, { end: {} }]);
    socket.say({ message: "A" }, ok);
    assert.deepEqual(await all(call), ["A"]);
    assert.equal((await call.status).code, "ok");
  });

  test("cancel() ends the loop without an error", async () => {
    const { client, sockets } = setup();
    const call = client.bidi("a.B/C");
    const loop = all(call);
    const socket = await nth(sockets, 0);
    socket.say({ message: 1 });
    await settled();
    call.cancel();
    assert.deepEqual(await loop, [1]);
    assert.equal(socket.closedBy, "client");
  });

  test("an error nobody waits for breaks nothing", async () => {
    const { client, sockets } = setup();
    const call = client.bidi("a.B/C");
    call.send(1);
    (await nth(sockets, 0)).say({ status: { code: "INTERNAL" } });
    await settled();
    call.send(2);
    await settled(); // an unhandled rejection would end the test run here
  });
});
