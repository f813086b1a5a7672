"use strict";

// What may stand at a place of an operation: reads the text up to there, and follows fields and fragments through the schema.
class Completion {
  constructor(types) {
    this.types = types;
  }

  named(type) {
    while (type?.ofType) type = type.ofType;
    return this.types.get(type?.name);
  }

  // The type whose fields are selected at the end of `text`, and the field whose arguments are being written, if any.
  context(text) {
    const roots = {query: "Query", mutation: "Mutation", subscription: "Subscription"};
    const stack = [];
    let next = this.types.get(roots.query);
    let field;
    let round = null;
    let tokens = text.match(/#[^\n]*|"""[^]*?"""|"(?:\\.|[^"\\\n])*"?|\.\.\.|[$@]?\w+|[^\s,]/g) ?? [];
    tokens = tokens.filter((token) => !token.startsWith("#"));
    for (const [i, token] of tokens.entries()) {
      const top = stack.at(-1);
      if (round) {
        if (token === "(" ) ++round.depth;
        if (token === ")" && --round.depth === 0) round = null;
      } else if (token === "{") {
        stack.push(next);
        field = undefined;
      } else if (token === "}") {
        stack.pop();
        field = undefined;
      } else if (token === "(") {
        round = {depth: 1, field};
      } else if (stack.length === 0) {
        if (roots[token]) next = this.types.get(roots[token]);
        if (tokens[i - 1] === "on") next = this.types.get(token);
      } else if (tokens[i - 1] === "on" && tokens[i - 2] === "...") {
        next = this.types.get(token);
      } else if (token === "...") {
        next = top;
      } else if (/^\w+$/.test(token)) {
        field = top?.fields?.find((each) => each.name === token);
        if (field) next = this.named(field.type);
      }
    }
    return {parent: stack.at(-1), inRound: round?.field};
  }

  // Words that may stand where `word` has begun.
  at(text, word) {
    const {parent, inRound} = this.context(text);
    let all = [];
    if (inRound) {
      all = inRound.args.map((arg) => ({text: `${arg.name}: `, name: arg.name, type: typeText(arg.type)}));
    } else if (/\.\.\.\s*on\s+$/.test(text)) {
      all = (parent?.possibleTypes ?? [...this.types.values()].filter((type) => type.fields)).map((type) => ({text: type.name, name: type.name, type: ""}));
    } else if (parent) {
      all = (parent.fields ?? []).map((each) => ({text: each.name, name: each.name, type: typeText(each.type)}));
      if (parent.possibleTypes) all.push(...parent.possibleTypes.map((type) => ({text: `... on ${type.name} { }`, name: `... on ${type.name}`, type: ""})));
      all.push({text: "__typename", name: "__typename", type: "String!"});
    } else {
      all = ["query", "mutation", "subscription", "fragment"].map((name) => ({text: `${name} `, name, type: ""}));
    }
    const small = word.toLowerCase();
    return all.filter((each) => each.name.toLowerCase().includes(small)).sort((a, b) => b.name.toLowerCase().startsWith(small) - a.name.toLowerCase().startsWith(small));
  }
}

// The list below the caret: while a word is written, or on Ctrl+Space.
class Choices {
  constructor(editor, completion) {
    this.editor = editor;
    this.completion = completion;
    this.list = h("ul", {class: "choices", role: "listbox", hidden: true});
    editor.box.append(this.list);
    editor.area.addEventListener("keydown", (event) => this.key(event), true);
    editor.area.addEventListener("input", (event) => (event.inputType?.startsWith("insert") && /\w$/.test(this.before()) ? this.open() : this.close()));
    editor.area.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  before() {
    return this.editor.text.slice(0, this.editor.area.selectionStart);
  }

  open() {
    const before = this.before();
    this.word = /[\w]*$/.exec(before)[0];
    this.found = this.completion.at(before.slice(0, before.length - this.word.length), this.word).slice(0, 50);
    if (this.found.length === 0 || (this.found.length === 1 && this.found[0].name === this.word)) return this.close();
    this.chosen = 0;
    const {left, top} = this.editor.place(before.length - this.word.length);
    Object.assign(this.list.style, {left: `${left}px`, top: `${top + 4}px`});
    this.list.hidden = false;
    this.show();
  }

  show() {
    this.list.replaceChildren(...this.found.map((each, i) =>
      h("li", {role: "option", "aria-selected": String(i === this.chosen), onmousedown: (event) => (event.preventDefault(), (this.chosen = i), this.take())}, each.name, h("span", {}, each.type))));
    this.list.children[this.chosen].scrollIntoView({block: "nearest"});
  }

  close() {
    this.list.hidden = true;
  }

  take() {
    const at = this.editor.area.selectionStart;
    this.close();
    this.editor.replace(at - this.word.length, at, this.found[this.chosen].text);
    this.close();
  }

  key(event) {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      return this.open();
    }
    if (this.list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.chosen = (this.chosen + (event.key === "ArrowDown" ? 1 : this.found.length - 1)) % this.found.length;
      this.show();
    } else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.take();
    } else if (event.key === "Escape") {
      this.close();
    }
  }
}
