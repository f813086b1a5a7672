"use strict";

const root = document.documentElement;
root.dataset.theme = memory.get("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
byId("theme").addEventListener("click", () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  memory.set("theme", root.dataset.theme);
});

const hello = `# Write an operation, or take one from the schema on the left.
# Ctrl+Enter runs it, Ctrl+Space says what may stand here.
{
  __typename
}
`;

const keep = (key) => (editor) => memory.set(key, editor.text);
const query = new Editor(byId("query"), {grammar: "graphql", label: "Operation", text: memory.get("query") ?? hello, onInput: (editor) => (keep("query")(editor), listOperations(editor.text))});
const variables = new Editor(byId("variables"), {grammar: "json", label: "Variables", text: memory.get("variables") ?? "{}\n", onInput: keep("variables")});
const headers = new Editor(byId("headers"), {grammar: "json", label: "Headers", text: memory.get("headers") ?? "{}\n", onInput: keep("headers")});

function listOperations(text) {
  const box = byId("operation");
  const names = operationsOf(text).map((operation) => operation.name).filter(Boolean);
  const chosen = box.value;
  box.replaceChildren(...names.map((name) => h("option", {selected: name === chosen}, name)));
  box.hidden = names.length < 2;
}

const status = (text, bad) => {
  byId("status").textContent = text;
  byId("status").className = bad ? "bad" : "quiet";
};

function parsed(editor, name) {
  try {
    return JSON.parse(editor.text.trim() || "{}");
  } catch (error) {
    throw new Error(`${name}: ${error.message}`);
  }
}

let running;

async function run() {
  if (running) return running.abort();
  const answer = byId("answer");
  const began = performance.now();
  const time = () => `${(performance.now() - began).toFixed(0)} ms`;
  running = new AbortController();
  byId("run").textContent = "Stop";
  try {
    const operations = operationsOf(query.text);
    const name = operations.length > 1 ? byId("operation").value : operations[0]?.name;
    const request = {query: query.text, variables: parsed(variables, "Variables"), operationName: name || undefined};
    const extra = parsed(headers, "Headers");
    if (operations.find((each) => !name || each.name === name)?.kind === "subscription") {
      await stream(request, extra, answer, time);
    } else {
      status("…");
      const {status: code, body, bytes} = await ask(request, extra);
      answer.replaceChildren(jsonBlock(body));
      status(`${code} · ${time()} · ${bytes.toLocaleString()} bytes`, Boolean(body.errors));
    }
  } catch (error) {
    status(error.name === "AbortError" ? "Stopped" : error.message, error.name !== "AbortError");
  } finally {
    running = undefined;
    byId("run").textContent = "Run";
  }
}

async function stream(request, extra, answer, time) {
  const most = 200; // events that stay on the page
  let count = 0;
  answer.replaceChildren();
  status("Listening …");
  await follow(request, extra, running.signal, (body) => {
    answer.prepend(jsonBlock(body, {class: "event"}));
    if (answer.children.length > most) answer.lastChild.remove();
    status(`${++count} events · ${time()}`, Boolean(body.errors));
  });
  status(`${count} events · ended after ${time()}`);
}

byId("run").addEventListener("click", run);
byId("tidy").addEventListener("click", () => (query.text = tidy(query.text)));
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});

async function start() {
  const {body} = await ask({query: introspection});
  if (!body.data) {
    byId("explorer").replaceChildren(h("p", {class: "quiet"}, body.errors?.[0]?.message ?? "There is no schema."));
    return;
  }
  const explorer = new Explorer(body.data.__schema, {
    insert({text, variables: values}) {
      query.text = text;
      variables.text = `${JSON.stringify(values, null, 2)}\n`;
      query.area.focus();
    },
  });
  new Choices(query, new Completion(explorer.types));
}

start().catch((error) => byId("explorer").replaceChildren(h("p", {class: "bad"}, String(error))));
