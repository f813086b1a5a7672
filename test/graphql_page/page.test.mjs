// The page at /graphql as people use it. Each page of a test watches for errors, and for requests to anybody but Parley.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {chromium} from "playwright-core";

const url = process.env.PAGE_URL;
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
let browser;

before(async () => {
  browser = await chromium.launch({executablePath: process.env.PAGE_BROWSER, args: quiet, timeout: 120_000});
});
after(() => browser?.close());

async function withPage(options, use) {
  const context = await browser.newContext({viewport: {width: 1280, height: 800}, ...options});
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error}`));
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && wrong.push(`console: ${message.text()}`));
  const isLocal = (target) => target.origin === new URL(url).origin || ["data:", "blob:"].includes(target.protocol);
  page.on("request", (request) => isLocal(new URL(request.url())) || wrong.push(`asks ${request.url()}`));
  await page.goto(url);
  await page.locator("#explorer li").first().waitFor();
  await use(page);
  await context.close();
  assert.deepEqual(wrong, []);
}

const answer = async (page) => JSON.parse(await page.locator("#answer pre").first().textContent());

test("an operation with variables and headers runs", () => withPage({}, async (page) => {
  await page.getByLabel("Operation", {exact: true}).fill("query A($i: Int!) { post(id: $i) { title } echo { tenant } }");
  await page.getByLabel("Variables", {exact: true}).fill('{"i": 7}');
  await page.getByText("Headers", {exact: true}).click();
  await page.getByLabel("Headers", {exact: true}).fill('{"x-tenant": "acme"}');
  await page.keyboard.press("Control+Enter");
  await page.locator("#answer pre").waitFor();
  assert.deepEqual(await answer(page), {data: {post: {title: "post 7"}, echo: {tenant: "acme"}}});
  assert.match(await page.locator("#status").textContent(), /^200 · /);
}));

test("one of several operations is chosen", () => withPage({}, async (page) => {
  await page.getByLabel("Operation", {exact: true}).fill("query A { __typename }\nmutation B { __typename }");
  await page.locator("#operation").selectOption("B");
  await page.locator("#run").click();
  await page.locator("#answer pre").waitFor();
  assert.deepEqual(await answer(page), {data: {__typename: "Mutation"}});
}));

test("an error is shown", () => withPage({}, async (page) => {
  await page.getByLabel("Operation", {exact: true}).fill("{ nothing }");
  await page.locator("#run").click();
  await page.locator("#answer pre").waitFor();
  assert.match((await answer(page)).errors[0].message, /Cannot query field "nothing"/);
  assert.match(await page.locator("#status").textContent(), /^400 · /);
}));

test("the schema is read type by type, and found by words", () => withPage({}, async (page) => {
  assert.deepEqual(await page.locator("#explorer h3").allTextContents(), ["Query", "Mutation", "Subscription"]);
  await page.locator("#explorer").getByRole("button", {name: "Post!", exact: true}).or(page.locator("#explorer").getByRole("button", {name: "Post", exact: true})).first().click();
  assert.equal(await page.locator("#explorer h2").textContent(), "Post");
  await page.locator("#search").fill("userId");
  await page.locator("#explorer").getByRole("button", {name: "Post.userId"}).click();
  assert.equal(await page.locator("#explorer h2").textContent(), "Post");
  await page.locator("#search").fill("nothing has these words");
  assert.equal(await page.locator("#nothing").isVisible(), true);
}));

test("every root field can be written, and what is written is valid", () => withPage({}, async (page) => {
  const count = await page.locator("#explorer .plus").count();
  assert.ok(count >= 5);
  for (let i = 0; i < count; ++i) {
    await page.locator("#explorer .plus").nth(i).click();
    const text = await page.getByLabel("Operation", {exact: true}).inputValue();
    if (text.startsWith("subscription")) continue;
    await page.locator("#run").click();
    await page.waitForFunction(() => document.getElementById("run").textContent === "Run" && /^200/.test(document.getElementById("status").textContent))
      .catch(async () => assert.fail(`${text}\n${await page.locator("#answer").textContent()}`));
  }
}));

test("fields are offered while a word is written", () => withPage({}, async (page) => {
  const area = page.getByLabel("Operation", {exact: true});
  await area.fill("");
  await area.pressSequentially("{\nlistPo");
  await page.locator(".choices li").first().waitFor();
  assert.match(await page.locator(".choices li").first().textContent(), /^listPosts/);
  await page.keyboard.press("Tab");
  await area.pressSequentially(" { posts { us");
  await page.keyboard.press("Enter");
  assert.match(await area.inputValue(), /listPosts \{ posts \{ user/);
}));

test("a subscription's events come in, and Stop ends it", () => withPage({}, async (page) => {
  await page.getByLabel("Operation", {exact: true}).fill("subscription { watchPosts(count: 3, stay: true) { id } }");
  await page.locator("#run").click();
  await page.locator("#answer .event").nth(2).waitFor();
  assert.deepEqual(await answer(page), {data: {watchPosts: {id: 3}}});
  assert.equal(await page.locator("#run").textContent(), "Stop");
  await page.locator("#run").click();
  await page.waitForFunction(() => document.getElementById("run").textContent === "Run");
}));

test("Tidy indents", () => withPage({}, async (page) => {
  await page.getByLabel("Operation", {exact: true}).fill('query A($i:Int!){a:post(id:$i)@include(if:true){id ...F}} fragment F on Post{title user{name}}');
  await page.locator("#tidy").click();
  assert.equal(await page.getByLabel("Operation", {exact: true}).inputValue(), `query A($i: Int!) {
  a: post(id: $i) @include(if: true) {
    id
    ...F
  }
}

fragment F on Post {
  title
  user {
    name
  }
}
`);
}));

test("what was written is there after a reload", () => withPage({}, async (page) => {
  await page.getByLabel("Operation", {exact: true}).fill("{ kept: __typename }");
  await page.reload();
  assert.equal(await page.getByLabel("Operation", {exact: true}).inputValue(), "{ kept: __typename }");
}));

test("it fits a phone, in light and dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    await withPage({viewport: {width: 360, height: 740}, isMobile: true, hasTouch: true, colorScheme}, async (page) => {
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
      if (process.env.PAGE_SHOTS) await page.screenshot({path: `${process.env.PAGE_SHOTS}/phone-${colorScheme}.png`});
    });
  }
});

test("a picture, where one is wanted", {skip: !process.env.PAGE_SHOTS}, () => withPage({}, async (page) => {
  await page.locator("#explorer .plus").nth(1).click();
  await page.locator("#run").click();
  await page.locator("#answer pre").waitFor();
  await page.screenshot({path: `${process.env.PAGE_SHOTS}/page.png`});
}));
