"use strict";

// The form of one operation: fields for its parameters, its body, and the answer below.
function tryForm(operation) {
  const inputs = new Map();
  const form = h("form", {});
  for (const parameter of operation.parameters) {
    const input = parameterInput(parameter);
    inputs.set(parameter.name, input);
    form.append(h("label", {class: "field"}, h("span", {class: "mono"}, parameter.name, parameter.required ? h("sup", {title: "required"}, "*") : ""), input));
  }
  const body = bodyInput(operation);
  if (body) form.append(body);
  const accept = acceptInput(operation);
  const answer = h("div", {class: "answer", "aria-live": "polite"});
  const stop = h("button", {type: "button", hidden: true}, "Stop");
  const curl = h("button", {type: "button"}, "curl");
  form.append(h("div", {class: "actions"}, h("button", {class: "go"}, "Send"), stop, curl, accept ?? ""));

  const request = () => {
    const values = {};
    for (const [name, input] of inputs) values[name] = valueOf(input);
    const content = body === undefined ? undefined : body.type === "file" ? (body.files[0] ?? undefined) : body.value;
    return buildRequest(operation, values, content, accept?.value);
  };
  curl.addEventListener("click", () => {
    const text = curlText(request());
    navigator.clipboard?.writeText(text).catch(() => {});
    answer.replaceChildren(h("pre", {}, text));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(request(), answer, stop);
  });
  return h("div", {}, form, answer);
}

function parameterInput(parameter) {
  const schema = resolve(parameter.schema ?? parameter.content?.["application/json"]?.schema);
  const item = schema.type === "array" ? resolve(schema.items) : schema;
  const option = (value) => h("option", {value}, value);
  if (parameter.style === "deepObject") return h("textarea", {class: "small", placeholder: "key=value, one a line"});
  if (item.enum && schema.type === "array") return h("select", {multiple: true, size: Math.min(4, item.enum.length)}, item.enum.map(option));
  if (item.enum) return h("select", {}, option(""), item.enum.map(option));
  if (item.type === "boolean") return h("select", {}, ["", "true", "false"].map(option));
  if (schema.type === "array") return h("input", {placeholder: "a, b, c", "data-list": true});
  return h("input", {placeholder: item.format ?? "", required: parameter.in === "path"});
}

function valueOf(input) {
  if (input.multiple) return [...input.selectedOptions].map((option) => option.value);
  if (input.hasAttribute("data-list")) return input.value.split(",").map((part) => part.trim()).filter(Boolean);
  return input.value;
}

function bodyInput(operation) {
  const media = operation.bodyMedia;
  if (!media) return undefined;
  if (operation.bodyType === "*/*") return h("input", {type: "file", "aria-label": "Body"});
  const item = media["x-itemSchema"];
  const text = item ? `${JSON.stringify(sample(item, "readOnly"))}\n` : JSON.stringify(sample(media.schema, "readOnly"), null, 2);
  return h("textarea", {spellcheck: "false", "aria-label": "Body", rows: Math.min(18, text.split("\n").length + 1)}, text);
}

function acceptInput(operation) {
  const types = Object.keys(operation.responses["200"]?.content ?? {});
  if (types.length < 2) return undefined;
  return h("select", {"aria-label": "Accept"}, types.map((type) => h("option", {value: type}, type)));
}

async function send(request, answer, stop) {
  const abort = new AbortController();
  const started = performance.now();
  stop.hidden = false;
  stop.onclick = () => abort.abort();
  answer.replaceChildren(h("p", {class: "quiet"}, "Waiting …"));
  try {
    const options = {method: request.method, headers: request.headers, signal: abort.signal};
    if (request.body !== undefined) options.body = request.body;
    const response = await fetch(request.url, options);
    const line = h("p", {}, h("span", {class: response.ok ? "status ok" : "status no"}, `${response.status} ${response.statusText}`),
      h("span", {class: "quiet"}, `  ${Math.round(performance.now() - started)} ms · ${response.headers.get("content-type") ?? "no body"}`));
    answer.replaceChildren(line);
    await showBody(response, answer);
  } catch (error) {
    if (abort.signal.aborted) answer.append(h("p", {class: "quiet"}, "Stopped."));
    else answer.replaceChildren(h("p", {class: "status no"}, String(error.message ?? error)));
  } finally {
    stop.hidden = true;
  }
}

async function showBody(response, answer) {
  const type = response.headers.get("content-type") ?? "";
  if (/^application\/(problem\+)?json\b/.test(type)) {
    const text = await response.text();
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch { /* shown as it came */ }
    answer.append(jsonBlock(shown));
  } else if (/^text\/|ndjson/.test(type)) {
    const pre = h("pre");
    answer.append(pre);
    await readText(response, (piece) => {
      pre.append(piece);
      pre.scrollTop = pre.scrollHeight;
    });
  } else {
    const blob = await response.blob();
    if (blob.size === 0) return;
    const url = URL.createObjectURL(blob);
    if (type.startsWith("image/")) answer.append(h("img", {src: url, alt: ""}));
    answer.append(h("p", {}, h("a", {href: url, download: ""}, `Save ${blob.size.toLocaleString()} bytes`)));
  }
}
