// The shop's page as its visitors use it. Each page watches for errors, and for requests to anybody but Parley.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import * as node from "./node.mjs";

const url = process.env.SHOP_URL;
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const desktop = { viewport: { width: 1280, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
let browser;

before(async () => {
  await node.start();
  browser = await chromium.launch({ executablePath: process.env.BROWSER, args: quiet, timeout: 120_000 });
});
after(async () => {
  await browser?.close();
  await node.stop();
});

/** `away`: the node goes away in this test, so that the browser's complaints about that are as expected. */
async function withPage(use, { options = desktop, away = false, before = async () => {} } = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.stack}`));
  page.on("console", (message) => !away && message.type() === "error" && wrong.push(`console: ${message.text()}`));
  const isOurs = (target) => target.host === new URL(url).host || ["data:", "blob:"].includes(target.protocol);
  page.on("request", (request) => isOurs(new URL(request.url())) || wrong.push(`asks ${request.url()}`));
  page.on("websocket", (socket) => isOurs(new URL(socket.url())) || wrong.push(`opens ${socket.url()}`));
  try {
    await page.addInitScript(keepToasts);
    await before(page);
    await page.goto(url);
    await use(page);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
}

/** For a page: keeps what its toasts said, which are gone after four seconds, be anybody as slow as he likes. */
function keepToasts() {
  window.toasts = [];
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const added of addedNodes) if (added.matches?.(".toast")) window.toasts.push(added.textContent);
  }).observe(document, { childList: true, subtree: true });
}

/** Waits for a toast with these words, after the first `known` of the page, and gives its text. */
const toast = async (page, words, known = 0) =>
  (await page.waitForFunction(([words, known]) => window.toasts.slice(known).find((text) => text.includes(words)), [words, known])).jsonValue();

const light = (page, state) => page.locator(`#light[data-state=${state}]`).waitFor();
const picture = (page, name) => process.env.SCREENSHOTS && page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });

async function everything(page) {
  await page.locator("#products .product:not(.skeleton)").nth(11).waitFor();
  await page.locator(".order-row").nth(7).waitFor();
  await light(page, "open");
}

describe("what the page shows", () => {
  test("products, with prices and pictures", () => withPage(async (page) => {
    await everything(page);
    const lamp = page.locator(".product", { hasText: "Oslo desk lamp" });
    assert.match(await lamp.textContent(), /€89\.00/);
    assert.equal(await lamp.locator(".art path").count(), 1);
    assert.equal(await page.locator("#who option").count(), 6);
  }));

  test("orders, with who bought and what: a join over three services", () => withPage(async (page) => {
    await everything(page);
    const order = page.locator('.order-row[data-order="orders/9"]');
    assert.match(await order.textContent(), /Chloé Laurent, Lyon/);
    assert.match(await order.textContent(), /1 × Lofoten wool throw, 3 × Tromsø beeswax candle/);
    assert.match(await order.textContent(), /€185\.70/);
  }));

  test("the till, second by second", () => withPage(async (page) => {
    const total = page.locator(".figure", { hasText: "orders in all" }).locator("strong");
    await page.waitForFunction((element) => Number(element.textContent) >= 12, await total.elementHandle());
  }));
});

/** For a page: keeps the states that each order's row shows, also those that are over before anybody looks. */
function keepStates() {
  window.states = {};
  const keep = (row, state) => (window.states[row.dataset.order] ??= new Set()).add(state);
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      if (target.matches(".state")) addedNodes.forEach(({ textContent }) => keep(target.closest(".order-row"), textContent));
      for (const added of addedNodes) if (added.matches?.(".order-row")) keep(added, added.querySelector(".state").textContent);
    }
  }).observe(document.querySelector("#orders"), { childList: true, subtree: true });
}

/** Orders a lamp for Bjørn, and sees its order come, step by step. */
async function orderLamp(page) {
  const before = await page.locator(".order-row").first().getAttribute("data-order");
  await page.evaluate(keepStates);
  const known = await page.evaluate(() => window.toasts.length);
  await page.locator("#who").selectOption({ label: "Bjørn Aas, Bergen" });
  await page.locator(".product", { hasText: "Oslo desk lamp" }).getByRole("button", { name: "Order" }).click();
  await toast(page, "Oslo desk lamp: order", known);
  const row = page.locator(".order-row").first();
  await page.locator(`.order-row:first-of-type:not([data-order="${before}"])`).waitFor();
  assert.match(await row.textContent(), /Bjørn Aas, Bergen/);
  await row.locator(".state", { hasText: "Delivered" }).waitFor();
  const seen = await page.evaluate((order) => [...window.states[order]], await row.getAttribute("data-order"));
  // The first and the last. Those between may be over before the next message goes out: who is slow is told the newest state, never a backlog.
  assert.ok(["Placed", "Delivered"].every((step) => seen.includes(step)), seen.join());
  assert.ok(seen.every((step) => ["Placed", "Paid", "Packed", "On its way", "Delivered"].includes(step)), seen.join());
  await page.locator(".order-row.live").waitFor({ state: "detached" }); // the subscription is over
}

describe("what a visitor does", () => {
  test("orders a lamp, and sees it come, step by step, over one socket", () => withPage(async (page) => {
    const sockets = [];
    page.on("websocket", (socket) => sockets.push(new URL(socket.url()).pathname));
    await everything(page);
    await orderLamp(page);
    await orderLamp(page);
    assert.equal(sockets.filter((path) => path === "/graphql").length, 1);
  }));

  test("makes a rush, and the till shows it", () => withPage(async (page) => {
    await everything(page);
    const rate = page.locator(".figure", { hasText: "orders a second" }).locator("strong");
    await rate.evaluate((element) => {
      window.most = 0; // it shows each second for a second only
      new MutationObserver(() => (window.most = Math.max(window.most, Number(element.textContent) || 0))).observe(element, { childList: true });
    });
    await page.getByRole("button", { name: "Rush hour" }).click();
    await page.waitForFunction(() => window.most > 3);
    await picture(page, "desktop");
    assert.ok(Number.parseInt(await toast(page, "orders in 10 seconds, worth €"), 10) > 20);
    await page.getByRole("button", { name: "Rush hour" }).waitFor();
  }));

  test("talks to support", () => withPage(async (page) => {
    await page.getByRole("button", { name: "Support" }).click();
    const lines = page.locator(".window .lines");
    await lines.locator(".theirs", { hasText: "How can I help?" }).waitFor();
    await page.getByLabel("Your message").fill("Where is my parcel?");
    await page.keyboard.press("Enter");
    await lines.locator(".theirs", { hasText: "with the carrier" }).waitFor();
    await picture(page, "chat");
    await page.keyboard.press("Escape");
    await lines.locator(".theirs", { hasText: /I have noted your [01] lines?\./ }).waitFor({ state: "attached" });
    assert.equal(await page.locator(".window").isVisible(), false);
  }));

  test("talks to another visitor in the lobby; a reload finds what was said", () => withPage((ada) => withPage(async (bjorn) => {
    for (const page of [ada, bjorn]) await everything(page);
    await bjorn.locator("#who").selectOption({ label: "Bjørn Aas, Bergen" });
    const greeting = `Is anybody here? ${Date.now()}`;
    await say(ada, greeting);
    await ada.locator("#lobby .ours", { hasText: greeting }).waitFor();
    await bjorn.locator("#lobby .theirs", { hasText: greeting }).waitFor();
    await say(bjorn, `I am. ${greeting}`);
    await ada.locator("#lobby .theirs", { hasText: `I am. ${greeting}` }).waitFor();
    await picture(ada, "lobby");
    await ada.reload();
    await ada.locator("#lobby p", { hasText: `I am. ${greeting}` }).waitFor();
    assert.equal(await ada.locator("#lobby p", { hasText: greeting }).count(), 2);
  })));
});

async function say(page, text) {
  await page.getByLabel("Your line").fill(text);
  await page.keyboard.press("Enter");
}

/** For a page: sockets to this path fail, as a page sees a handshake that is answered with 404. */
function noSocket(path) {
  const Native = window.WebSocket;
  class Refused {
    readyState = 3;
    constructor() {
      setTimeout(() => this.onclose?.({ code: 1006, reason: "" }));
    }
    close() {}
  }
  window.WebSocket = new Proxy(Native, { construct: (_, [url, protocols]) => (new URL(url).pathname.startsWith(path) ? new Refused() : new Native(url, protocols)) });
}

describe("when something is wrong", () => {
  test("a reload finds everything again, and asks for no script twice", () => withPage(async (page) => {
    await everything(page);
    const asked = [];
    page.on("response", async (response) => asked.push([new URL(response.url()).pathname, response.request().timing().requestStart >= 0 && (await response.request().sizes().catch(() => ({}))).responseBodySize]));
    await page.reload();
    await everything(page);
    assert.deepEqual(asked.filter(([path, bytes]) => path.includes("/assets/") && bytes > 0), []);
  }));

  test("a node that restarts: the page waits, and goes on", () => withPage(async (page) => {
    await everything(page);
    await page.getByRole("button", { name: "Support" }).click();
    await page.locator(".window .theirs").waitFor();
    await node.stop();
    await light(page, "waiting");
    await page.getByLabel("Your message").fill("I want a refund");
    await page.keyboard.press("Enter");
    await node.start();
    await light(page, "open");
    await page.locator(".window .theirs", { hasText: "Money goes back the way it came" }).waitFor();
    assert.equal(await page.locator(".window .theirs", { hasText: "How can I help?" }).count(), 1);
    await page.keyboard.press("Escape");
    await page.locator(".order-row").nth(7).waitFor();
    await page.locator(".product", { hasText: "Fjord" }).getByRole("button", { name: "Order" }).click();
    await toast(page, "is placed");
    await say(page, "And here we are again");
    await page.locator("#lobby .ours", { hasText: "And here we are again" }).waitFor();
  }, { away: true }));

  test("a page that comes before the node's services are back", async () => {
    await withPage(async (page) => {
      await everything(page);
      await node.stop();
      await light(page, "waiting");
      await node.start();
      await page.reload();
      await everything(page);
    }, { away: true });
  });

  test("a slow network: the page says that it is waiting, and works", () => {
    let looked; // an answer that takes until somebody has looked is one of a slow network, too
    const seen = new Promise((resolve) => (looked = resolve));
    const slow = async (page) => {
      await page.route("**/graphql", (route) => seen.then(() => route.continue()));
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Network.enable");
      await devtools.send("Network.emulateNetworkConditions", { offline: false, latency: 600, downloadThroughput: 20_000, uploadThroughput: 10_000 });
    };
    return withPage(async (page) => {
      await page.locator(".skeleton").first().waitFor();
      looked();
      await picture(page, "slow");
      await everything(page);
      await page.locator(".product", { hasText: "Voss" }).getByRole("button", { name: "Order" }).click();
      await toast(page, "is placed");
    }, { before: slow });
  });

  test("a node without GraphQL: the page says so, and the rest of it works", () => withPage(async (page) => {
    for (const part of ["#products", "#orders"]) await page.locator(`${part} .notice`, { hasText: "GraphQL is not served here" }).waitFor();
    await light(page, "open");
    await page.locator(".figure strong", { hasText: /^\d/ }).first().waitFor();
    await picture(page, "without_graphql");
  }, { away: true, before: (page) => page.route("**/graphql", (route) => route.fulfill({ status: 404, contentType: "application/problem+json", body: '{"code":"UNIMPLEMENTED"}' })) }));

  test("a node that takes no sockets for GraphQL: subscriptions come as events", () => withPage(async (page) => {
    await everything(page);
    await orderLamp(page);
  }, { before: (page) => page.addInitScript(noSocket, "/graphql") }));

  test("a node without WebSocket: the page says so, and the rest of it works", () => withPage(async (page) => {
    await page.locator("#till .notice", { hasText: "The till is not there" }).waitFor();
    await page.locator("#lobby .notice", { hasText: "The lobby is not there" }).waitFor();
    await page.locator(".order-row").nth(7).waitFor();
    await page.getByRole("button", { name: "Support" }).click();
    await page.locator(".note", { hasText: "needs WebSocket" }).waitFor();
  }, {
    away: true,
    before: async (page) => {
      await page.addInitScript(noSocket, "/ws/");
      await page.route("**/ws/**", (route) => route.fulfill({ status: 404, contentType: "application/problem+json", body: '{"code":"UNIMPLEMENTED","detail":"no such address"}' }));
    },
  }));
});

describe("it fits", () => {
  for (const [name, options] of [["a phone", phone], ["a small phone", { ...phone, viewport: { width: 360, height: 640 } }], ["a tablet", { viewport: { width: 820, height: 1180 } }]])
    for (const colorScheme of ["light", "dark"])
      test(`${name}, ${colorScheme}`, () => withPage(async (page) => {
        await everything(page);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), options.viewport.width);
        const small = await page.locator("button:visible, select:visible").evaluateAll((all) => all.filter((each) => each.getBoundingClientRect().height < 36).map((each) => each.textContent));
        assert.deepEqual(small, []); // a finger finds them
        await picture(page, `${name.replaceAll(" ", "_")}_${colorScheme}`);
        await page.getByRole("button", { name: "Support" }).click();
        await page.locator(".window .theirs").waitFor();
        const box = await page.locator(".window").boundingBox();
        assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= options.viewport.width && box.y + box.height <= options.viewport.height, JSON.stringify(box));
      }, { options: { ...options, colorScheme } }));
});
