"use strict";

// h("p", {class: "quiet", onclick: f}, "text", element, …). Text is never read as HTML.
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false && child !== ""));
  return element;
}

const byId = (id) => document.getElementById(id);

const grammars = {
  // A comment, a text, a variable or directive, a number, a word.
  graphql: /(#[^\n]*)|("""[^]*?"""|"(?:\\.|[^"\\\n])*")|([$@][A-Za-z_]\w*)|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(query|mutation|subscription|fragment|on|true|false|null)\b/g,
  json: /(?!)()|("(?:\\.|[^"\\])*")(?!\s*:)|("(?:\\.|[^"\\])*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g,
};
const kinds = ["c", "s", "k", "n", "w"];

// The text in pieces, coloured.
function coloured(text, grammar) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(grammars[grammar])) {
    parts.push(text.slice(at, match.index));
    const kind = kinds[match.slice(1).findIndex((group) => group !== undefined)];
    parts.push(h("span", {class: kind}, match[0]));
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}

const jsonBlock = (value, attributes) => h("pre", attributes, coloured(JSON.stringify(value, null, 2), "json"));

// What is kept between visits; a browser that keeps nothing is fine too.
const memory = {
  get(key) {
    try {
      return localStorage.getItem(`parley.graphql.${key}`);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`parley.graphql.${key}`, value);
    } catch {
      // private browsing
    }
  },
};
