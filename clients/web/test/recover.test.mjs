// Connections that are lost, refused or dead, with mocked time: when the client tries again, and with what.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Backoff, createClient } from "@parley/web";
import { fake, nth, ok, settled } from "./fake_socket.mjs";

const base = "http://node.test";
const steady = { first: 100, max: 1000, jitter: 0 };
let real;

beforeEach((t) => {
  real ??= globalThis.fetch;
  globalThis.fetch = () => Promise.reject(new TypeError("no network")); // what asks why a socket did not open
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
});

function setup(options = {}, sockets = {}) {
  const made = fake(sockets);
  return { client: createClient(base, { WebSocket: made.Socket, liveness: false, window: 0, ...options }), sockets: made.sockets };
}

/** Collects what a stream gives, its states and gaps, as they come. */
function follow(client, options = {}) {
  const log = [];
  const stream = client.stream("a.B/C", { id: 1 }, { reconnect: steady, onState: ({ state, retryIn }) => log.push(retryIn === undefined ? state : `${state} ${retryIn}`),
    onGap: ({ messages }) => log.push({ gap: messages }), ...options });
  const done = (async () => {
    for await (const message of stream) log.push({ message });
  })().catch((error) => log.push({ error: error.code, reason: error.reason }));
  return { stream, log, done };
}

describe("back-off", () => {
  test("doubles up to the longest wait, and begins anew after a success", () => {
    const backoff = new Backoff({ first: 100, max: 500, jitter: 0 });
    assert.deepEqual([1, 2, 3, 4, 5].map(() => backoff.next()), [100, 200, 400, 500, 500]);
    backoff.reset();
    assert.equal(backoff.next(), 100);
  });
  test("leaves a part of each wait to chance", () => {
    const waits = [0, 0.5, 1].map((chance) => new Backoff({ first: 100, jitter: 0.5 }, () => chance).next());
    assert.deepEqual(waits, [100, 75, 50]);
  });
  test("waits at least as long as the server asks", () => assert.equal(new Backoff({ first: 100, jitter: 0 }).next(700), 700));
  test("ends when the tries are used up", () => {
    const backoff = new Backoff({ first: 1, jitter: 0, attempts: 3 });
    assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [1, 2, undefined]);
  });
});

describe("a stream that reconnects", () => {
  test("goes on after the last position it took, without a gap", async (t) => {
    const { client, sockets } = setup();
    const { log, done } = follow(client);
    const first = await nth(sockets, 0);
    first.say({ headers: {} }, { message: "a", position: "p1" }, { message: "b", position: "p2" });
    await settled();
    first.drop();
    await settled();
    t.mock.timers.tick(99);
    await settled();
    assert.equal(sockets.length, 1);
    t.mock.timers.tick(1);
    const second = await nth(sockets, 1);
    assert.deepEqual(second.sent, [{ start: { resume: "p2" } }, { message: { id: 1 } }]);
    second.say({ headers: { resumed: true } }, { message: "c", position: "p3" }, ok);
    await done;
    assert.deepEqual(log, ["connecting", "open", { message: "a" }, { message: "b" }, "waiting 100", "connecting", "open", { message: "c" }, "closed"]);
  });

  test("says that there is a gap where the server could not go on", async (t) => {
    const { client, sockets } = setup();
    const { log, done } = follow(client, { history: 5 });
    (await nth(sockets, 0)).say({ message: "a", position: "p1" });
    await settled();
    sockets[0].drop();
    await settled();
    t.mock.timers.tick(100);
    const second = await nth(sockets, 1);
    assert.deepEqual(second.sent[0], { start: { resume: "p1", history: 5 } });
    second.say({ headers: {} }, { message: "z", position: "q9" }, ok);
    await done;
    assert.deepEqual(log.slice(-3), [{ gap: undefined }, { message: "z" }, "closed"]);
  });

  test("makes the call anew where there are no positions", async (t) => {
    const { client, sockets } = setup();
    const { log, done } = follow(client);
    (await nth(sockets, 0)).say({ message: "a" });
    await settled();
    sockets[0].drop();
    await settled();
    t.mock.timers.tick(100);
    const second = await nth(sockets, 1);
    assert.deepEqual(second.sent, [{ start: {} }, { message: { id: 1 } }]);
    second.say({ message: "a" }, ok);
    await done;
    assert.deepEqual(log.filter((each) => each.message), [{ message: "a" }, { message: "a" }]);
  });

  test("waits longer each time nothing came, and the first time again after a message", async (t) => {
    const { client, sockets } = setup();
    const { log } = follow(client);
    for (const [index, wait] of [100, 200, 400].entries()) {
      (await nth(sockets, index)).drop();
      await settled();
      assert.equal(log.at(-1), `waiting ${wait}`);
      t.mock.timers.tick(wait);
    }
    (await nth(sockets, 3)).say({ message: 1 });
    await settled();
    sockets[3].drop();
    await settled();
    assert.equal(log.at(-1), "waiting 100");
  });

  const verdicts = [
    ["UNAVAILABLE is tried again", { code: "UNAVAILABLE" }, "waiting 100"],
    ["UNAVAILABLE is tried again when the server says", { code: "UNAVAILABLE", details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "5s" }] }, "waiting 5000"],
    ["INVALID_ARGUMENT is the end", { code: "INVALID_ARGUMENT", reason: "bad" }, { error: "invalid_argument", reason: "bad" }],
    ["RESOURCE_EXHAUSTED is the end", { code: "RESOURCE_EXHAUSTED", reason: "slow_consumer" }, { error: "resource_exhausted", reason: "slow_consumer" }],
    ["OK is the end", { code: "OK" }, "closed"],
  ];
  for (const [name, status, last] of verdicts)
    test(name, async () => {
      const { client, sockets } = setup();
      const { log } = follow(client);
      (await nth(sockets, 0)).say({ status });
      await settled();
      assert.deepEqual(log.at(-1), last);
    });

  test("ends with the last error when the tries are used up", async (t) => {
    const { client, sockets } = setup();
    const { log, done } = follow(client, { reconnect: { ...steady, attempts: 2 } });
    (await nth(sockets, 0)).drop();
    await settled();
    t.mock.timers.tick(100);
    (await nth(sockets, 1)).drop();
    await done;
    assert.deepEqual(log.slice(-2), ["closed", { error: "unavailable", reason: "connection_lost" }]);
  });

  test("stops waiting at the deadline of the whole call", async (t) => {
    const { client, sockets } = setup();
    const { log, done } = follow(client, { timeout: 5000, reconnect: { first: 10_000, jitter: 0 } });
    (await nth(sockets, 0)).drop();
    await settled();
    t.mock.timers.tick(5000);
    await done;
    assert.deepEqual(log.at(-1), { error: "deadline_exceeded", reason: "deadline_exceeded" });
    assert.equal(sockets.length, 1);
  });

  test("cancel() ends the wait", async () => {
    const { client, sockets } = setup();
    const { stream, log, done } = follow(client);
    (await nth(sockets, 0)).drop();
    await settled();
    stream.cancel();
    await done;
    assert.equal(log.at(-1), "closed");
    await settled();
    assert.equal(sockets.length, 1);
  });

  test("the browser's word that it is online ends the wait", async (t) => {
    const target = new EventTarget();
    for (const name of ["addEventListener", "removeEventListener"]) globalThis[name] = target[name].bind(target);
    t.after(() => ["addEventListener", "removeEventListener"].forEach((name) => delete globalThis[name]));
    const { client, sockets } = setup();
    follow(client, { reconnect: { first: 60_000, jitter: 0 } });
    (await nth(sockets, 0)).drop();
    await settled();
    target.dispatchEvent(new Event("online"));
    await nth(sockets, 1);
  });

  test("without being asked to, it does not", async () => {
    const { client, sockets } = setup();
    const { log, done } = follow(client, { reconnect: false });
    (await nth(sockets, 0)).drop();
    await done;
    assert.deepEqual(log.slice(-2), ["closed", { error: "unavailable", reason: "connection_lost" }]);
  });
});

describe("a unary call that reconnects", () => {
  test("tries again when no socket opened", async (t) => {
    const { client, sockets } = setup({ reconnect: steady }, { open: false });
    const reply = client.unary("a.B/C", { id: 7 });
    (await nth(sockets, 0)).drop();
    await settled();
    t.mock.timers.tick(100);
    const second = await nth(sockets, 1);
    second.accept();
    await settled();
    assert.deepEqual(second.sent, [{ start: {} }, { message: { id: 7 } }]);
    second.say({ message: "yes" }, ok);
    assert.equal(await reply, "yes");
  });

  for (const [name, options, sockets] of [["once it was sent, only if it may be carried out twice", { idempotent: true }, 2], ["not once it was sent", {}, 1]])
    test(name, async (t) => {
      const made = setup({ reconnect: steady });
      const result = made.client.unary("a.B/C", {}, options).catch(({ code }) => code);
      (await nth(made.sockets, 0)).drop();
      await settled();
      t.mock.timers.tick(100);
      await settled();
      assert.equal(made.sockets.length, sockets);
      made.sockets[1]?.say({ message: "yes" }, ok);
      assert.equal(await result, sockets === 2 ? "yes" : "unavailable");
    });
});

describe("a socket that does not open", () => {
  const answers = [
    ["the node knows no such rpc", 404, { code: "NOT_FOUND", reason: "no_such_rpc", detail: "no rpc a.B/C" }, ["not_found", "no_such_rpc"]],
    ["the page's origin is not allowed", 403, { code: "PERMISSION_DENIED", reason: "origin", title: "Forbidden" }, ["permission_denied", "origin"]],
    ["the node is there, and something between does not let sockets through", 426, { code: "INVALID_ARGUMENT" }, ["unavailable", "connect_failed"]],
    ["somebody else answers", 404, "<html>", ["unavailable", "connect_failed"]],
  ];
  for (const [name, status, problem, want] of answers)
    test(name, async () => {
      const asked = [];
      globalThis.fetch = async (url) => {
        asked.push(String(url));
        return new Response(typeof problem === "string" ? problem : JSON.stringify(problem), { status });
      };
      const { client, sockets } = setup({}, { open: false });
      const failed = client.unary("a.B/C", {}).catch(({ code, reason, safeToRetry }) => [code, reason, safeToRetry]);
      (await nth(sockets, 0)).drop();
      assert.deepEqual(await failed, [...want, true]);
      assert.deepEqual(asked, ["http://node.test/ws/a.B/C"]);
    });

  test("in time", async (t) => {
    const { client, sockets } = setup({ connectTimeout: 3000 }, { open: false });
    const failed = client.unary("a.B/C", {}).catch(({ code, reason }) => [code, reason]);
    await nth(sockets, 0);
    t.mock.timers.tick(3000);
    assert.deepEqual(await failed, ["unavailable", "connect_timeout"]);
    assert.equal(sockets[0].closedBy, "client");
  });
});

describe("a silent connection", () => {
  const liveness = { every: 1000, timeout: 300 };
  const pings = (socket) => socket.sent.filter((frame) => "ping" in frame).length;

  test("is asked, and lives while it answers anything", async (t) => {
    const { client, sockets } = setup({ liveness });
    client.bidi("a.B/C");
    const socket = await nth(sockets, 0);
    for (let i = 1; i <= 3; ++i) {
      t.mock.timers.tick(1000);
      assert.equal(pings(socket), i);
      socket.say(i === 1 ? { pong: {} } : { message: i });
      t.mock.timers.tick(300);
    }
    assert.equal(socket.closedBy, undefined);
  });

  test("is not asked while it speaks", async (t) => {
    const { client, sockets } = setup({ liveness });
    client.bidi("a.B/C");
    const socket = await nth(sockets, 0);
    for (let i = 0; i < 20; ++i) {
      t.mock.timers.tick(500);
      socket.say({ message: i });
    }
    assert.equal(pings(socket), 0);
  });

  test("is lost when it does not answer", async (t) => {
    const { client, sockets } = setup({ liveness });
    const { log } = follow(client);
    const socket = await nth(sockets, 0);
    t.mock.timers.tick(1000);
    t.mock.timers.tick(300);
    await settled();
    assert.equal(socket.closedBy, "client");
    assert.equal(log.at(-1), "waiting 100");
  });

  test("gets another chance when it was this side that slept", async (t) => {
    const { client, sockets } = setup({ liveness });
    client.bidi("a.B/C");
    const socket = await nth(sockets, 0);
    t.mock.timers.tick(1000);
    const now = Date.now;
    t.mock.method(Date, "now", () => now() + 3_600_000); // the lid was closed for an hour
    t.mock.timers.tick(300);
    assert.equal(socket.closedBy, undefined);
    assert.equal(pings(socket), 2);
    t.mock.timers.tick(300);
    assert.equal(socket.closedBy, "client");
  });
});
