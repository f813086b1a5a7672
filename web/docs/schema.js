"use strict";

let api = null;  // the document

// Follows a reference; what stands beside it (a description) stays.
function resolve(thing) {
  if (!thing?.$ref) return thing ?? {};
  const target = thing.$ref.slice(2).split("/").reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], api);
  const {$ref, ...beside} = thing;
  return {...resolve(target), ...beside};
}

const refName = (schema) => schema?.$ref?.split("/").pop();
const plainType = (schema) => [schema.type].flat().filter((type) => type !== "null" || schema.type === "null").join(" or ");

function typeName(schema) {
  const name = refName(schema);
  if (name) return name;
  if (schema.type === "array") return `list of ${typeName(schema.items ?? {})}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object") return `map to ${typeName(schema.additionalProperties)}`;
  const type = plainType(schema) || "any value";
  const detail = schema.format ?? (schema.contentEncoding || undefined);
  return (detail ? `${type} · ${detail}` : type) + ([schema.type].flat().length > 1 ? ", or null" : "");
}

// The schema whose fields are worth unfolding: through lists and maps.
function inner(schema) {
  const full = resolve(schema);
  if (full.type === "array") return inner(full.items ?? {});
  if (typeof full.additionalProperties === "object") return inner(full.additionalProperties);
  return full;
}

function tags(schema, required) {
  const marks = [[required, "required", "tag must"], [schema.readOnly, "read only", "tag"], [schema.writeOnly, "write only", "tag"], [schema.deprecated, "deprecated", "tag"]];
  return marks.filter(([is]) => is).map(([, text, style]) => h("span", {class: style}, text));
}

// One field or parameter, with what lies in it folded up.
function fieldRow(name, schema, required, description) {
  const full = resolve(schema);
  const within = inner(schema);
  const row = h("div", {class: "row"},
    h("div", {class: "head"}, h("span", {class: "mono key"}, name), h("span", {class: "type"}, typeName(schema)), tags(full, required)));
  const words = description ?? schema.description ?? (within.enum ? "" : full.description);
  if (words) row.append(prose(words));
  if (within.enum) row.append(h("div", {class: "values"}, within.enum.map((value) => h("code", {}, value))));
  if (within.properties) {
    const fold = h("details", {class: "fold"}, h("summary", {}, `${refName(schema) ?? "fields"}`));
    const item = full.type === "array" ? full.items : full.additionalProperties;
    fold.firstChild.textContent = refName(schema) ?? refName(item) ?? "fields";
    row.append(lazily(fold, () => fold.append(fieldRows(within))));
  }
  return row;
}

function fieldRows(schema) {
  const rows = h("div", {class: "rows"});
  for (const [name, field] of Object.entries(schema.properties ?? {})) rows.append(fieldRow(name, field, schema.required?.includes(name)));
  return rows;
}

// A schema as a whole: its fields if it has any, else its type.
function schemaView(schema) {
  const full = resolve(schema);
  const within = inner(schema);
  const box = h("div", {}, h("span", {class: "type"}, typeName(schema)));
  if (within.properties) box.append(fieldRows(within));
  return box;
}

const samples = {"date-time": "2026-01-31T12:00:00Z", int64: "0", uint64: "0"};

// A value that fits. `skip`: "readOnly" for requests, "writeOnly" for answers. Of a oneof there is one member.
function sample(schema, skip, depth = 0) {
  const full = resolve(schema);
  if (full.enum) return full.enum.find((value) => !value.endsWith("_UNSPECIFIED")) ?? full.enum[0];
  const type = [full.type].flat()[0];
  if (type === "array") return depth > 4 ? [] : [sample(full.items, skip, depth + 1)];
  if (type === "object") return sampleObject(full, skip, depth);
  if (type === "string") return samples[full.format] ?? (full.pattern?.endsWith("s$") ? "3s" : "");
  if (type === "boolean") return false;
  return type === "integer" || type === "number" ? 0 : null;
}

function sampleObject(schema, skip, depth) {
  const value = {};
  if (depth > 5) return value;
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const full = resolve(field);
    const excluded = Object.keys(value).some((other) => schema.dependentSchemas?.[other]?.properties?.[name] === false);
    if (full[skip] || full.deprecated || excluded) continue;
    value[name] = sample(field, skip, depth + 1);
  }
  if (typeof schema.additionalProperties === "object") value.key = sample(schema.additionalProperties, skip, depth + 1);
  return value;
}
