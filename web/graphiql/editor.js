"use strict";

// A text area over its own coloured copy. `onInput` hears of every change.
class Editor {
  constructor(box, {grammar, label, text, onInput = () => {}}) {
    this.grammar = grammar;
    this.box = box;
    this.onInput = onInput;
    this.copy = h("pre", {"aria-hidden": "true"});
    this.area = h("textarea", {"aria-label": label, spellcheck: "false", autocomplete: "off", autocapitalize: "off", wrap: "off"});
    box.append(this.copy, this.area);
    this.area.addEventListener("input", () => this.changed());
    this.area.addEventListener("keydown", (event) => this.key(event));
    this.text = text;
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.changed();
  }

  changed() {
    this.copy.replaceChildren(...coloured(this.text + "\n", this.grammar));
    this.area.style.height = "auto";
    this.area.style.height = `${Math.max(this.copy.scrollHeight, this.box.clientHeight)}px`;
    this.area.style.width = `${Math.max(this.copy.scrollWidth, this.box.clientWidth)}px`;
    this.onInput(this);
  }

  // Replaces what is between two places, so that undo still knows it.
  replace(from, to, text) {
    this.area.focus();
    this.area.setSelectionRange(from, to);
    if (!document.execCommand("insertText", false, text)) this.area.setRangeText(text, from, to, "end");
    this.changed();
  }

  key(event) {
    if (event.defaultPrevented) return;
    const {selectionStart: from, selectionEnd: to} = this.area;
    if (event.key === "Tab" && !event.shiftKey && !event.altKey && !event.ctrlKey) {
      event.preventDefault();
      this.replace(from, to, "  ");
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      const line = this.text.slice(this.text.lastIndexOf("\n", from - 1) + 1, from);
      const indent = /^\s*/.exec(line)[0];
      const opens = /[{([]\s*$/.test(line);
      const closes = /^[})\]]/.test(this.text.slice(to));
      this.replace(from, to, `\n${indent}${opens ? "  " : ""}${opens && closes ? `\n${indent}` : ""}`);
      if (opens && closes) this.area.setSelectionRange(from + indent.length + 3, from + indent.length + 3);
    }
  }

  // Where a place of the text is, in pixels from the box's corner.
  place(at) {
    const before = this.text.slice(0, at);
    const lines = before.split("\n");
    const style = getComputedStyle(this.copy);
    const canvas = (this.canvas ??= document.createElement("canvas").getContext("2d"));
    canvas.font = `${style.fontSize} ${style.fontFamily}`;
    return {
      left: parseFloat(style.paddingLeft) + canvas.measureText(lines.at(-1)).width,
      top: parseFloat(style.paddingTop) + lines.length * parseFloat(style.lineHeight),
    };
  }
}

// An operation with one field a line and two spaces a level.
function tidy(text) {
  const tokens = text.match(/#[^\n]*|"""[^]*?"""|"(?:\\.|[^"\\\n])*"|\.\.\.|[$@]?[\w.+-]+|[^\s,]/g) ?? [];
  let out = "";
  let depth = 0;
  let round = 0;
  const fresh = () => (out = out.replace(/[ \n]+$/, "") + (out ? "\n" : "") + "  ".repeat(depth));
  for (const [i, token] of tokens.entries()) {
    const before = tokens[i - 1];
    if (token.startsWith("#")) {
      fresh();
      out += token;
    } else if (token === "{" && !round) {
      out = `${out.replace(/[ \n]+$/, "")}${out ? " " : ""}{`;
      ++depth;
    } else if (token === "}" && !round) {
      depth = Math.max(0, depth - 1);
      fresh();
      out += "}";
      if (depth === 0 && i + 1 < tokens.length) out += "\n\n";
    } else {
      const starts = depth > 0 && !round && !/^[(:@]/.test(token) && before !== ":" && before !== "..." && before !== "on" && !(before === "@");
      if (starts) fresh();
      else if (out && !/[\s([{@!]$/.test(out) && !/^[)\]:!,]/.test(token) && !(token === "(") && !(before === "...") && token !== "}") out += round && /^[\w$"[{.-]/.test(token) && before !== ":" ? ", " : " ";
      else if (before === "..." && token === "on") out += " ";
      out += token;
      if (/[([{]/.test(token)) ++round;
      if (/[)\]}]/.test(token)) round = Math.max(0, round - 1);
      if (token === ":") out += " ";
    }
  }
  return `${out.trim()}\n`;
}
