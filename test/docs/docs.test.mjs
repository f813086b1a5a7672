// The reference page as people use it. Each page of a test watches for errors, and for requests to anybody but Parley.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {chromium} from "playwright-core";

const url = process.env.DOCS_URL;
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
let browser;

before(async () => {
  browser = await chromium.launch({executablePath: process.env.DOCS_BROWSER, args: quiet, timeout: 120_000});
});
after(() => browser?.close());

async function withPage(options, use) {
  const context = await browser.newContext({viewport: {width: 1280, height: 800}, ...options});
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error}`));
  // A call that is answered with an error is one to the browser too.
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && wrong.push(`console: ${message.text()}`));
  const isLocal = (target) => target.origin === new URL(url).origin || ["data:", "blob:"].includes(target.protocol);
  page.on("request", (request) => isLocal(new URL(request.url())) || wrong.push(`asks ${request.url()}`));
  await use(page);
  await context.close();
  assert.deepEqual(wrong, []);
}

async function open(page, operation) {
  await page.goto(`${url}#${operation}`);
  const card = page.locator(`[id="${operation}"]`);
  await card.locator(".body").waitFor();
  return card;
}

test("every operation of the document has a card under its service", () => withPage({}, async (page) => {
  await page.goto(url);
  await page.locator(".op").first().waitFor();
  const document = await (await fetch(new URL("/openapi.json", url))).json();
  const want = Object.values(document.paths).flatMap((item) => Object.values(item)).map((operation) => operation.operationId);
  const got = await page.locator(".op").evaluateAll((cards) => cards.map((card) => card.id));
  assert.deepEqual(got.sort(), want.sort());
  assert.equal(await page.locator("nav a").count(), want.length);
  assert.deepEqual(await page.locator("section > h2").allTextContents(), document.tags.map((tag) => tag.name));
}));

test("the search finds by words of path, verb and comment", () => withPage({}, async (page) => {
  await page.goto(url);
  await page.locator(".op").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("get :stat");
  assert.deepEqual(await page.locator(".op:visible .path").allTextContents(), ["/v1/files/{name}:stat"]);
  await page.locator("#search").fill("nothing has these words");
  assert.equal(await page.locator("#nothing").isVisible(), true);
}));

test("a unary call is tried with a path and a query", () => withPage({}, async (page) => {
  const card = await open(page, "Awkward_Get");
  await card.getByLabel("name", {exact: false}).first().fill("a b/c");
  await card.getByLabel("i32", {exact: true}).fill("7");
  await card.getByRole("button", {name: "Send"}).click();
  await card.locator(".answer pre").waitFor();
  assert.match(await card.locator(".answer .status").textContent(), /^200/);
  const answer = JSON.parse(await card.locator(".answer pre").textContent());
  assert.equal(answer.request.name, "a b/c");
  assert.equal(answer.request.i32, 7);
}));

test("a body is filled in with an example that the service takes", () => withPage({}, async (page) => {
  const card = await open(page, "Awkward_PostInner");
  await card.getByLabel("name", {exact: false}).first().fill("x");
  const body = card.getByLabel("Body");
  const example = JSON.parse(await body.inputValue());
  assert.equal(example.label, "");
  await body.fill(JSON.stringify({...example, label: "hello"}));
  await card.getByRole("button", {name: "Send"}).click();
  await card.locator(".answer pre").waitFor();
  assert.match(await card.locator(".answer .status").textContent(), /^200/);
  assert.equal(JSON.parse(await card.locator(".answer pre").textContent()).request.inner.label, "hello");
}));

test("an error is shown with its status", () => withPage({}, async (page) => {
  const card = await open(page, "Awkward_PostInner");
  await card.getByLabel("name", {exact: false}).first().fill("x");
  await card.getByLabel("Body").fill("{");
  await card.getByRole("button", {name: "Send"}).click();
  await card.locator(".answer pre").waitFor();
  assert.match(await card.locator(".answer .status").textContent(), /^400/);
}));

test("a file goes up, and bytes come down as a file", () => withPage({}, async (page) => {
  const document = await (await fetch(new URL("/openapi.json", url))).json();
  const upload = await open(page, document.paths["/v1/upload/{name}"].post.operationId);
  await upload.getByLabel("name", {exact: false}).first().fill("note.txt");
  await upload.getByLabel("Body").setInputFiles({name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("hello")});
  await upload.getByRole("button", {name: "Send"}).click();
  await upload.locator(".answer .status").waitFor();
  assert.match(await upload.locator(".answer .status").textContent(), /^200/);
  const download = await open(page, document.paths["/v1/download/{size}"].get.operationId);
  await download.getByLabel("size", {exact: false}).first().fill("1234");
  await download.getByRole("button", {name: "Send"}).click();
  assert.equal(await download.locator(".answer a").textContent(), "Save 1,234 bytes");
}));

test("a stream comes in line by line, as NDJSON and as events", () => withPage({}, async (page) => {
  const document = await (await fetch(new URL("/openapi.json", url))).json();
  const card = await open(page, document.paths["/v1/ticks"].get.operationId);
  await card.getByLabel("count", {exact: true}).fill("3");
  await card.getByRole("button", {name: "Send"}).click();
  await page.waitForFunction((id) => document.getElementById(id).querySelector(".answer pre")?.textContent.trim().split("\n").length === 3, document.paths["/v1/ticks"].get.operationId);
  await card.getByLabel("Accept").selectOption("text/event-stream");
  await card.getByRole("button", {name: "Send"}).click();
  await page.waitForFunction((id) => /data:/.test(document.getElementById(id).querySelector(".answer pre")?.textContent ?? ""), document.paths["/v1/ticks"].get.operationId);
}));

test("curl says the same call", () => withPage({}, async (page) => {
  const card = await open(page, "Awkward_PostInner");
  await card.getByLabel("name", {exact: false}).first().fill("it's");
  await card.getByLabel("Body").fill("{}");
  await card.getByRole("button", {name: "curl"}).click();
  const text = await card.locator(".answer pre").textContent();
  assert.ok(text.startsWith(`curl -X POST \\\n  '${new URL("/v1/post/it", url).href}`), text);
  assert.ok(text.endsWith("-H 'content-type: application/json' \\\n  -d '{}'"), text);
}));

test("it fits a phone, in light and dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    await withPage({viewport: {width: 360, height: 740}, isMobile: true, hasTouch: true, colorScheme}, async (page) => {
      await open(page, "Awkward_Get");
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
    });
  }
});
