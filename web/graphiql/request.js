"use strict";

const endpoint = location.pathname;

// Asks for one answer: {status, body}.
async function ask(request, headers = {}) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {...headers, "content-type": "application/json", accept: "application/graphql-response+json, application/json;q=0.9"},
    body: JSON.stringify(request),
  });
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = {errors: [{message: text || response.statusText}]};
  }
  return {status: response.status, body, bytes: text.length};
}

// Follows a subscription: `next(body)` for each event. Returns when it has ended; `signal` ends it.
async function follow(request, headers, signal, next) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {...headers, "content-type": "application/json", accept: "text/event-stream"},
    body: JSON.stringify(request),
    signal,
  });
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) throw new Error(await response.text());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const lines = text.slice(0, end).split("\n");
      const of = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, "")).join("\n");
      if (of("event") === "next") next(JSON.parse(of("data")));
      if (of("event") === "complete") return;
    }
  }
}

// The operations of a document: [{kind, name}].
function operationsOf(text) {
  const bare = text.replace(/#[^\n]*|"""[^]*?"""|"(?:\\.|[^"\\\n])*"/g, " ");
  const found = [];
  let depth = 0;
  for (const match of bare.matchAll(/[{}()]|\b(query|mutation|subscription)\b\s*(\w*)|\bfragment\b[^{]*/g)) {
    if (match[0] === "{" || match[0] === "(") {
      if (depth === 0 && match[0] === "{" && !found.open && !found.fragment) found.push({kind: "query", name: ""});
      found.open = found.fragment = false;
      ++depth;
      if (match[0] === "(") found.open = true;
    } else if (match[0] === "}" || match[0] === ")") {
      --depth;
    } else if (depth === 0 && match[1]) {
      found.push({kind: match[1], name: match[2]});
      found.open = true;
    } else if (depth === 0) {
      found.fragment = true;
    }
  }
  return found;
}
