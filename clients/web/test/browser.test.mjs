// The client in Chromium, from a page of another origin, against Parley with a real gRPC service behind it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { places, proxy } from "./proxy.mjs";

const port = Number(process.env.PARLEY_PORT);
const pagePort = Number(process.env.PAGE_PORT); // what cors.origins has
const dist = path.dirname(fileURLToPath(import.meta.resolve("@parley/web")));
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const rpc = (name) => `awkward.v1.Awkward/${name}`;
let browser;
let files;
let network;
let page;

before(async () => {
  files = http.createServer(async (request, response) => {
    const script = /^\/dist\/(\w+\.js)$/.exec(request.url);
    response.setHeader("content-type", script ? "text/javascript" : "text/html");
    response.end(request.url === "/favicon.ico" ? "" : await readFile(script ? path.join(dist, script[1]) : new URL("page.html", import.meta.url)));
  });
  await new Promise((resolve) => files.listen(pagePort, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath: process.env.BROWSER, args: quiet, timeout: 120_000 });
  network = await proxy(port, places[2]);
});
after(async () => {
  await browser?.close();
  await network?.stop();
  files?.close();
});

beforeEach(async (t) => {
  page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  page.wrong = [];
  page.on("pageerror", (error) => page.wrong.push(String(error)));
  await page.goto(`http://localhost:${pagePort}/`);
  await page.waitForFunction(() => window.parley);
});

/** Runs `use(client, argument)` in the page; it must leave no error behind there. */
async function inPage(use, argument, at = port, options = {}) {
  const result = await page.evaluate(
    ([code, argument, url, options]) => (0, eval)(`(${code})`)(window.parley.createClient(url, { connectTimeout: 60_000, liveness: { timeout: 60_000 }, ...options }), argument),
    [use.toString(), argument, `http://127.0.0.1:${at}`, options],
  );
  assert.deepEqual(page.wrong, []);
  await page.close();
  return result;
}

describe("all four kinds", () => {
  test("unary, with metadata that a page cannot set as a header", async () => {
    const reply = await inPage((client, method) => client.unary(method, { name: "ü", i64: "7" }, { metadata: { authorization: "Bearer x" } }), rpc("Get"));
    assert.deepEqual(reply.request, { name: "ü", i64: "7" });
    assert.equal(reply.metadata.authorization, "Bearer x");
  });

  test("server stream", async () => {
    const got = await inPage(async (client, method) => {
      const got = [];
      for await (const { index = 0 } of client.stream(method, { count: 500 })) got.push(index);
      return got;
    }, rpc("Ticks"));
    assert.deepEqual(got, Array.from({ length: 500 }, (_, i) => i));
  });

  test("client stream", async () => {
    const sum = await inPage(async (client, method) => {
      const call = client.clientStream(method);
      for (let i = 1; i <= 100; ++i) await call.send({ value: i });
      return call.end();
    }, rpc("Sum"));
    assert.deepEqual(sum, { sum: "5050", count: 100 });
  });

  test("bidirectional stream", async () => {
    const got = await inPage(async (client, method) => {
      const call = client.bidi(method);
      const got = [];
      for (const text of ["a", "b"]) {
        await call.send({ text });
        got.push((await call.next()).value.text);
      }
      call.end();
      return [...got, (await call.next()).done];
    }, rpc("Chat"));
    assert.deepEqual(got, ["A", "B", true]);
  });
});

describe("what goes wrong", () => {
  const caught = async (client, [method, request, options]) => {
    try {
      return await client.unary(method, request, options);
    } catch ({ name, code, message, details }) {
      return { name, code, message, details };
    }
  };

  test("the service's error, with details", async () => {
    const error = await inPage(caught, [rpc("Fail"), { code: 5, message: "no such thing", withDetails: true }]);
    assert.deepEqual([error.name, error.code, error.message, error.details[0].reason], ["ParleyError", "not_found", "no such thing", "AWKWARD"]);
  });

  test("a deadline", async () => assert.equal((await inPage(caught, [rpc("Sleep"), { ms: "120000" }, { timeout: 200 }])).code, "deadline_exceeded"));

  test("an rpc that is not there: the page learns why, although browsers hide it", async () =>
    assert.equal((await inPage(caught, ["awkward.v1.Awkward/Gett", {}, { reconnect: true }])).code, "unimplemented"));

  test("nobody there", async () => {
    assert.equal((await inPage(caught, [rpc("Get"), {}], places[3])).code, "unavailable"); // nobody's
  });

  test("a page of an origin that is not allowed", async () => {
    await page.goto(`http://127.0.0.1:${pagePort}/`); // cors.origins has localhost
    await page.waitForFunction(() => window.parley);
    const error = await inPage(caught, [rpc("Get"), {}]);
    assert.ok(["unavailable", "permission_denied"].includes(error.code), error.code);
  });

  test("a page that reads slowly makes the service wait, and loses nothing", async () => {
    const { running, got } = await inPage(
      async (client, [ticks, census]) => {
        const stream = client.stream(ticks, { count: 500, size: 50_000 });
        await stream.next();
        await new Promise((resolve) => setTimeout(resolve, 500));
        const { running = 0 } = await client.unary(census, {});
        let got = 1;
        for await (const _ of stream) got += 1;
        return { running, got };
      },
      [rpc("Ticks"), rpc("Census")],
      port,
      { window: 8 },
    );
    assert.ok(running >= 1, "the service has sent 25 MB to a page that asked for eight messages");
    assert.equal(got, 500);
  });

  test("a page that reads nothing keeps its memory", async () => {
    const error = await inPage(
      async (client, method) => {
        const stream = client.stream(method, { count: 1000, size: 50_000 });
        await stream.status.catch(() => {});
        try {
          for await (const _ of stream);
        } catch ({ code, reason }) {
          return { code, reason };
        }
      },
      rpc("Ticks"),
      port,
      { buffer: 1_000_000 },
    );
    assert.deepEqual(error, { code: "resource_exhausted", reason: "slow_consumer" });
  });
});

test("a stream outlives a cut connection and a server that is away", async () => {
  await page.exposeFunction("cut", () => network.cut());
  await page.exposeFunction("refuse", () => network.refuse());
  await page.exposeFunction("accept", () => network.accept());
  const { got, states } = await inPage(
    async (client, method) => {
      const got = [];
      const states = [];
      let calls = 0; // of the service, each of which begins with 0
      let refused = Infinity; // at that many states
      const waits = () => states.slice(refused).filter((state) => state === "waiting").length;
      const onState = ({ state }) => {
        states.push(state);
        if (state === "waiting" && waits() === 3) window.accept();
      };
      // Many more than are taken, so that the service is not done before anything has happened.
      for await (const { index = 0 } of client.stream(method, { count: 10_000, delayMs: "50" }, { onState })) {
        got.push(index);
        if (index === 0) {
          calls += 1;
          if (calls === 1) await window.cut();
          if (calls === 2) {
            refused = states.length;
            await window.refuse();
          }
        }
        if (calls === 3 && index === 5) break;
      }
      return { got, states };
    },
    rpc("Ticks"),
    network.port,
    { reconnect: { first: 20, max: 50, jitter: 0 } },
  );
  assert.deepEqual(got.slice(-6), [0, 1, 2, 3, 4, 5]);
  assert.ok(states.filter((state) => state === "waiting").length >= 4, states.join());
  assert.equal(states.at(-1), "closed");
});
