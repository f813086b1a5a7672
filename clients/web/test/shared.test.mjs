// Streams that many callers share, against Parley with a real service: one call of the service, and a way back to where one was.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { createClient } from "@parley/web";
import WebSocket from "ws";
import { places, proxy } from "./proxy.mjs";

const port = Number(process.env.ROOMS_PORT); // a node of one shard: a position is known on the shard that gave it
/** For a machine that runs six suites on two cores. */
const patient = { connectTimeout: 60_000, liveness: { timeout: 60_000 } };
const direct = createClient(`http://127.0.0.1:${port}`, { WebSocket, ...patient });
const network = await proxy(port, places[1]);
const through = createClient(`http://127.0.0.1:${network.port}`, { WebSocket, ...patient, reconnect: { first: 50, max: 500, jitter: 0 } });
after(async () => {
  direct.close();
  through.close();
  await network.stop();
});

const post = (room, ...texts) => direct.unary("rooms.v1.Rooms/Post", { room, texts });
const postLong = (room, ...texts) => direct.unary("rooms.v1.Rooms/Post", { room, texts, size: 100_000 }); // padded with dots
const census = async () => ({ running: 0, ever: 0, ...(await direct.unary("rooms.v1.Rooms/Census", {})) });

/** A reader of a room: its lines, gaps and states, as they come. */
async function watch(client, room, options = {}) {
  const log = [];
  const states = [];
  const stream = client.stream("rooms.v1.Rooms/Watch", { room }, { onGap: ({ messages }) => log.push(`gap ${messages}`), onState: ({ state }) => states.push(state), ...options });
  const done = (async () => {
    for await (const { text } of stream) log.push(text.replace(/\.+$/, ""));
  })();
  done.catch(() => {});
  await stream.headers; // has joined
  return { log, states, stream, done };
}

async function until(condition) {
  for (let i = 0; i < 6000 && !(await condition()); ++i) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(await condition(), String(condition));
}

describe("a shared stream", () => {
  test("is one call of the service, however many read it", async () => {
    const before = await census();
    const readers = [await watch(direct, "many"), await watch(direct, "many"), await watch(direct, "many")];
    assert.equal((await census()).ever, before.ever + 1);
    await post("many", "a", "b", "end");
    await Promise.all(readers.map(({ done }) => done));
    for (const { log } of readers) assert.deepEqual(log, ["a", "b"]);
  });

  test("begins with what is still held, for who asks for it", async () => {
    const first = await watch(direct, "history");
    await post("history", "a", "b", "c");
    await until(() => first.log.length === 3);
    const late = await watch(direct, "history", { history: 2 });
    const later = await watch(direct, "history");
    await post("history", "d", "end");
    await Promise.all([first.done, late.done, later.done]);
    assert.deepEqual([first.log, late.log, later.log], [["a", "b", "c", "d"], ["b", "c", "d"], ["d"]]);
  });

  test("goes on without a gap after a lost connection: what was said meanwhile comes first", async () => {
    const reader = await watch(through, "resume");
    await post("resume", "a", "b");
    await until(() => reader.log.length === 2);
    await network.refuse();
    await until(() => reader.states.includes("waiting"));
    await post("resume", "c", "d"); // the service's stream stays open for those who come back
    await network.accept();
    await until(() => reader.log.length === 4);
    await post("resume", "e", "end");
    await reader.done;
    assert.deepEqual(reader.log, ["a", "b", "c", "d", "e"]);
  });

  test("says that there is a gap where too much was said meanwhile", async () => {
    const reader = await watch(through, "gap");
    const other = await watch(direct, "gap"); // for whom the stream goes on
    await post("gap", "a");
    await until(() => reader.log.length === 1);
    await network.refuse();
    await until(() => reader.states.includes("waiting"));
    await postLong("gap", "b", "c", "d", "e", "f", "g"); // more than is held
    await until(() => other.log.length === 7);
    await network.accept();
    await until(() => reader.states.filter((state) => state === "open").length >= 2);
    await reader.stream.headers;
    await post("gap", "h", "end");
    await reader.done;
    assert.deepEqual(reader.log, ["a", "gap undefined", "h"]);
  });

  test("can be taken up by another client that was told the position", async () => {
    const first = await watch(direct, "handover");
    await post("handover", "a", "b");
    await until(() => first.log.length === 2);
    const position = first.stream.position;
    first.stream.cancel();
    await post("handover", "c");
    const second = await watch(direct, "handover", { resume: position });
    await post("handover", "end");
    await second.done;
    assert.deepEqual(second.log, ["c"]);
  });
});
