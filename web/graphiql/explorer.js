"use strict";

const introspection = `{ __schema {
  queryType { name } mutationType { name } subscriptionType { name }
  types { kind name description isOneOf specifiedByURL
    fields(includeDeprecated: true) { name description isDeprecated deprecationReason args { ...Input } type { ...Type } }
    inputFields(includeDeprecated: true) { ...Input }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    possibleTypes { name } } } }
fragment Input on __InputValue { name description defaultValue type { ...Type } }
fragment Type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

function typeText(type) {
  if (type.kind === "NON_NULL") return `${typeText(type.ofType)}!`;
  return type.kind === "LIST" ? `[${typeText(type.ofType)}]` : type.name;
}

function namedType(type) {
  while (type.ofType) type = type.ofType;
  return type.name;
}

// Shows one type at a time; `insert(operation)` puts a field into the editor.
class Explorer {
  constructor(schema, {insert}) {
    this.schema = schema;
    this.types = new Map(schema.types.map((type) => [type.name, type]));
    this.insert = insert;
    this.trail = [];
    byId("search").addEventListener("input", (event) => this.search(event.target.value.trim()));
    this.show();
  }

  roots() {
    return ["queryType", "mutationType", "subscriptionType"].map((root) => this.types.get(this.schema[root]?.name)).filter(Boolean);
  }

  open(name) {
    const at = this.trail.indexOf(name);
    this.trail = at >= 0 ? this.trail.slice(0, at + 1) : [...this.trail, name];
    byId("search").value = "";
    this.show();
  }

  link(type) {
    const name = namedType(type);
    return h("button", {type: "button", class: "link", onclick: () => this.open(name)}, typeText(type));
  }

  show() {
    const steps = [h("button", {type: "button", class: "link", onclick: () => ((this.trail = []), this.show())}, "Schema")];
    for (const name of this.trail.slice(-3)) steps.push(" › ", h("button", {type: "button", class: "link", onclick: () => this.open(name)}, name));
    byId("trail").replaceChildren(...steps);
    const type = this.types.get(this.trail.at(-1));
    byId("explorer").replaceChildren(...(type ? this.page(type) : this.roots().flatMap((root) => this.fields(root, root.name))));
  }

  page(type) {
    const parts = [h("h2", {}, type.name), type.description && h("p", {}, type.description)];
    if (type.isOneOf) parts.push(h("p", {}, "Exactly one of these is given."));
    if (type.fields) parts.push(...this.fields(type, "Fields"));
    if (type.inputFields) parts.push(h("h3", {}, "Fields"), h("ul", {}, type.inputFields.map((field) => h("li", {}, this.input(field), field.description && h("p", {}, field.description)))));
    if (type.enumValues) parts.push(h("h3", {}, "Values"), h("ul", {}, type.enumValues.map((value) => h("li", {}, h("code", {class: value.isDeprecated ? "deprecated" : ""}, value.name), value.description && h("p", {}, value.description)))));
    if (type.kind === "UNION") parts.push(h("h3", {}, "One of"), h("ul", {}, type.possibleTypes.map((each) => h("li", {}, this.link({kind: "OBJECT", name: each.name})))));
    return parts.filter(Boolean);
  }

  input(input) {
    return h("span", {}, h("span", {class: "k"}, input.name), ": ", this.link(input.type), input.defaultValue ? ` = ${input.defaultValue}` : "");
  }

  fields(type, title) {
    const isRoot = this.roots().includes(type);
    return [h("h3", {}, title), h("ul", {}, type.fields.map((field) => this.field(type, field, isRoot)))];
  }

  field(type, field, isRoot) {
    const args = field.args.flatMap((arg, i) => [i ? ", " : "(", this.input(arg)]);
    if (args.length) args.push(")");
    return h("li", {},
      isRoot && h("button", {type: "button", class: "plus", title: "Write this operation", onclick: () => this.insert(this.operation(type, field))}, "write"),
      h("span", {class: `k ${field.isDeprecated ? "deprecated" : ""}`}, field.name), args, ": ", this.link(field.type),
      field.description && h("p", {}, field.description), field.isDeprecated && h("p", {}, `Deprecated: ${field.deprecationReason}`));
  }

  search(words) {
    if (!words) return this.show();
    const small = words.toLowerCase();
    const found = [];
    for (const type of this.types.values()) {
      if (type.name.startsWith("__")) continue;
      if (type.name.toLowerCase().includes(small)) found.push([type.name, type.description, type.name]);
      for (const field of [...(type.fields ?? []), ...(type.inputFields ?? [])]) {
        if (field.name.toLowerCase().includes(small)) found.push([`${type.name}.${field.name}`, field.description, type.name]);
      }
    }
    const items = found.slice(0, 100).map(([name, words, type]) => h("li", {}, h("button", {type: "button", class: "link", onclick: () => this.open(type)}, name), words && h("p", {}, words)));
    byId("explorer").replaceChildren(items.length ? h("ul", {}, items) : h("p", {class: "quiet", id: "nothing"}, "Nothing has these words."));
  }

  // An operation that asks a root field: its required arguments as variables, and the leaves two levels down.
  operation(type, field) {
    const kind = {[this.schema.queryType.name]: "query", [this.schema.mutationType?.name]: "mutation", [this.schema.subscriptionType?.name]: "subscription"}[type.name];
    const needed = field.args.filter((arg) => arg.type.kind === "NON_NULL" && arg.defaultValue === null);
    const name = field.name[0].toUpperCase() + field.name.slice(1);
    const heads = needed.map((arg) => `$${arg.name}: ${typeText(arg.type)}`);
    const gives = needed.map((arg) => `${arg.name}: $${arg.name}`);
    const round = (parts) => (parts.length ? `(${parts.join(", ")})` : "");
    const variables = Object.fromEntries(needed.map((arg) => [arg.name, this.example(arg.type, 0)]));
    return {text: tidy(`${kind} ${name}${round(heads)} { ${field.name}${round(gives)} ${this.leaves(field.type, 3)} }`), variables};
  }

  leaves(type, depth) {
    const named = this.types.get(namedType(type));
    if (named.kind === "UNION") return "{ __typename }";
    if (!named.fields) return "";
    const parts = [];
    for (const field of named.fields) {
      if (field.args.some((arg) => arg.type.kind === "NON_NULL")) continue;
      const below = this.types.get(namedType(field.type));
      if (!below.fields && below.kind !== "UNION") parts.push(field.name);
      else if (depth > 1) parts.push(`${field.name} ${this.leaves(field.type, depth - 1)}`);
    }
    return `{ ${parts.join(" ") || "__typename"} }`;
  }

  example(type, depth) {
    if (type.kind === "NON_NULL") return this.example(type.ofType, depth);
    if (type.kind === "LIST") return [];
    const named = this.types.get(type.name);
    if (named.kind === "ENUM") return named.enumValues[0]?.name;
    if (named.kind === "INPUT_OBJECT") {
      if (depth > 4) return {};
      const fields = named.isOneOf ? named.inputFields.slice(0, 1) : named.inputFields.filter((field) => field.type.kind === "NON_NULL");
      return Object.fromEntries(fields.map((field) => [field.name, this.example(field.type, depth + 1)]));
    }
    return {Int: 0, Float: 0, Boolean: false}[named.name] ?? "";
  }
}
