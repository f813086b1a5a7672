"use strict";

const verbs = ["get", "put", "post", "patch", "delete", "head", "options", "trace"];
const byId = (id) => document.getElementById(id);

function operationsOf(document) {
  const all = [];
  for (const [path, item] of Object.entries(document.paths)) {
    for (const verb of verbs) {
      const operation = item[verb];
      if (!operation) continue;
      const content = operation.requestBody?.content ?? {};
      const bodyType = Object.keys(content)[0];
      all.push({...operation, path, verb, parameters: operation.parameters ?? [], tag: operation.tags?.[0] ?? "", bodyType, bodyMedia: content[bodyType],
                text: [path, verb, operation.operationId, operation.summary, operation.description, operation["x-grpc-method"]].join(" ").toLowerCase()});
    }
  }
  return all;
}

const verbBadge = (verb) => h("span", {class: `verb ${verb}`}, verb.toUpperCase());
const pathText = (path) => path.split(/(\{[^}]+\})/).map((part) => (part.startsWith("{") ? h("i", {}, part) : part));

function operationCard(operation) {
  const card = h("details", {class: operation.deprecated ? "op deprecated" : "op", id: operation.operationId},
    h("summary", {}, verbBadge(operation.verb), h("span", {class: "mono path"}, pathText(operation.path)), h("span", {class: "name"}, operation.summary)));
  card.addEventListener("toggle", () => card.open && history.replaceState(null, "", `#${operation.operationId}`));
  return lazily(card, () => card.append(operationBody(operation)));
}

function operationBody(operation) {
  const left = h("div", {}, operation.description ? prose(operation.description) : "", h("p", {class: "meta"}, "rpc ", h("code", {}, operation["x-grpc-method"])));
  if (operation.parameters.length) {
    left.append(h("h3", {}, "Parameters"), h("div", {class: "rows"}, operation.parameters.map((p) =>
      fieldRow(p.name, p.schema ?? p.content?.["application/json"]?.schema ?? {}, p.required, `${p.description ?? ""}`))));
  }
  const media = operation.bodyMedia;
  if (media) {
    const types = Object.keys(operation.requestBody.content).join(", ");
    left.append(h("h3", {}, "Request body"), h("p", {class: "meta"}, types), streamNote(media), schemaView(media["x-itemSchema"] ?? media.schema));
  }
  left.append(h("h3", {}, "Answers"), answersView(operation.responses));
  return h("div", {class: "body"}, left, h("div", {class: "side"}, h("div", {}, h("h3", {}, "Try it"), tryForm(operation), exampleView(operation))));
}

const streamNote = (media) => (media["x-itemSchema"] ? h("p", {class: "meta"}, media.schema.description) : "");

function answersView(responses) {
  const box = h("div", {});
  for (const [status, reference] of Object.entries(responses)) {
    if (status === "4XX") continue;  // the same as the default
    const response = resolve(reference);
    const [[type, media] = ["", undefined]] = Object.entries(response.content ?? {});
    const good = status.startsWith("2");
    const types = Object.keys(response.content ?? {}).join(", ");
    const details = h("details", {class: "fold"}, h("summary", {}, h("span", {class: good ? "status ok" : "status no"}, good ? status : "Problem"), ` ${types || type}`));
    lazily(details, () => {
      details.append(prose(response.description));
      if (media) details.append(streamNote(media), schemaView(media["x-itemSchema"] ?? media.schema));
    });
    details.open = good;
    box.append(details);
  }
  return box;
}

function exampleView(operation) {
  const content = operation.responses["200"]?.content ?? {};
  const media = content["application/json"] ?? content["application/x-ndjson"];
  if (!media) return "";
  return h("details", {class: "fold"}, h("summary", {}, "Example of an answer"), jsonBlock(sample(media["x-itemSchema"] ?? media.schema, "writeOnly")));
}

function render(operations) {
  const main = byId("main");
  const nav = byId("nav");
  main.replaceChildren(h("div", {class: "lead"}, h("h1", {}, api.info.title), api.info.description ? prose(api.info.description) : "",
    h("p", {class: "quiet"}, `Version ${api.info.version} · ${operations.length} operations · `, h("a", {href: documentUrl}, "openapi.json"))));
  for (const tag of api.tags ?? []) {
    const own = operations.filter((operation) => operation.tag === tag.name);
    if (!own.length) continue;
    main.append(h("section", {"data-tag": tag.name}, h("h2", {}, tag.name), h("div", {class: "about"}, prose(tag.description)), own.map(operationCard)));
    nav.append(h("h2", {}, tag.name), ...own.map((o) => h("a", {href: `#${o.operationId}`, title: o.summary}, verbBadge(o.verb), h("span", {}, o["x-grpc-method"].split("/").pop()))));
  }
  main.append(h("p", {class: "quiet", id: "nothing", hidden: true}, "Nothing found."));
}

// Shows what holds all words of the search.
function filter(operations, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = new Set(operations.filter((o) => words.every((word) => o.text.includes(word))).map((o) => o.operationId));
  for (const card of document.querySelectorAll(".op")) card.hidden = !fits.has(card.id);
  for (const section of document.querySelectorAll("section")) section.hidden = !section.querySelector(".op:not([hidden])");
  for (const link of document.querySelectorAll("nav a")) link.hidden = !fits.has(decodeURIComponent(link.hash.slice(1)));
  for (const title of document.querySelectorAll("nav h2")) {
    let next = title.nextElementSibling;
    while (next?.tagName === "A" && next.hidden) next = next.nextElementSibling;
    title.hidden = next?.tagName !== "A";
  }
  byId("nothing").hidden = fits.size > 0;
}

function openFromHash() {
  const id = decodeURIComponent(location.hash.slice(1));
  for (const link of document.querySelectorAll("nav a")) link.toggleAttribute("aria-current", decodeURIComponent(link.hash.slice(1)) === id);
  const card = id && byId(id);
  if (!card?.matches?.(".op")) return;
  card.open = true;
  card.scrollIntoView({block: "start"});
}

function theme(choice) {
  const dark = choice === "dark" || (!choice && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
}

function remembered(key, value) {
  try {
    if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return value ?? null;  // storage may be closed
  }
}

const documentUrl = new URL("openapi.json", location.href.replace(/\/docs\/?([?#].*)?$/, "/")).href;

async function start() {
  theme(remembered("parley-docs-theme"));
  byId("theme").addEventListener("click", () => theme(remembered("parley-docs-theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark")));
  try {
    const response = await fetch(documentUrl);
    if (!response.ok) throw new Error(`${documentUrl}: ${response.status}`);
    api = await response.json();
  } catch (error) {
    byId("main").replaceChildren(h("p", {class: "status no"}, `The document cannot be read. ${error.message}`));
    return;
  }
  document.title = `${api.info.title} · API reference`;
  byId("title").textContent = api.info.title;
  const operations = operationsOf(api);
  render(operations);
  const search = byId("search");
  search.addEventListener("input", () => filter(operations, search.value));
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches?.("input, textarea, select")) return;
    event.preventDefault();
    search.focus();
  });
  addEventListener("hashchange", openFromHash);
  openFromHash();
}

start();
