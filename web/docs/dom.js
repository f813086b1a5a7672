"use strict";

// h("p", {class: "quiet", onclick: f}, "text", element, …). Text is never read as HTML.
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ""));
  return element;
}

// Comments of a contract: paragraphs, lists with dashes, `code`.
function prose(text) {
  const box = h("div", {class: "words"});
  for (const block of (text ?? "").split(/\n\s*\n|\n(?=- )/)) {
    if (!block.trim()) continue;
    if (!block.startsWith("- ")) {
      box.append(h("p", {}, inline(block)));
    } else {
      if (box.lastChild?.tagName !== "UL") box.append(h("ul"));
      box.lastChild.append(h("li", {}, inline(block.slice(2))));
    }
  }
  return box;
}

function inline(text) {
  return text.split(/(`[^`]+`)/).map((part) => (part.startsWith("`") && part.length > 1 ? h("code", {}, part.slice(1, -1)) : part));
}

// A <pre> with coloured JSON.
function jsonBlock(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const pre = h("pre");
  const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  let at = 0;
  for (const match of text.matchAll(token)) {
    pre.append(text.slice(at, match.index));
    const kind = match[2] !== undefined ? "k" : match[1] !== undefined ? "s" : /[a-z]/.test(match[0][0]) ? "w" : "n";
    pre.append(h("span", {class: kind}, match[1] ?? match[0]), match[2] ?? "");
    at = match.index + match[0].length;
  }
  pre.append(text.slice(at));
  return pre;
}

// Fills `element` the first time it is opened: large contracts open at once.
function lazily(details, fill) {
  details.addEventListener("toggle", () => details.open && fill(), {once: true});
  return details;
}
