"use strict";

// One operation with the values of its form, as something that fetch and curl can send.
// values: parameter name to text or a list of texts; body: text or a File.
function buildRequest(operation, values, body, accept) {
  let path = operation.path;
  const query = new URLSearchParams();
  for (const parameter of operation.parameters) {
    const value = values[parameter.name];
    if (parameter.in === "path") {
      const encoded = encodeURIComponent(value ?? "");
      const slashes = parameter.description?.includes("May hold slashes.");
      path = path.replace(`{${parameter.name}}`, slashes ? encoded.replaceAll("%2F", "/") : encoded);
    } else if (parameter.style === "deepObject") {
      for (const line of (value ?? "").split("\n").filter(Boolean)) {
        const [key, ...rest] = line.split("=");
        query.append(`${parameter.name}[${key.trim()}]`, rest.join("=").trim());
      }
    } else {
      for (const one of [value ?? []].flat()) if (one !== "") query.append(parameter.name, one);
    }
  }
  const base = (api.servers?.[0]?.url ?? "/").replace(/\/$/, "");
  const text = query.toString();
  const headers = {};
  if (accept) headers.accept = accept;
  if (body !== undefined) headers["content-type"] = body instanceof File ? body.type || "application/octet-stream" : operation.bodyType;
  return {method: operation.verb.toUpperCase(), url: base + path + (text ? `?${text}` : ""), headers, body};
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function curlText(request) {
  const origin = new URL(request.url, location.href).href;
  const parts = [request.method === "GET" ? "curl" : `curl -X ${request.method}`, quoted(origin)];
  for (const [name, value] of Object.entries(request.headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (request.body instanceof File) parts.push(`--data-binary ${quoted(`@${request.body.name}`)}`);
  else if (request.body !== undefined) parts.push(`-d ${quoted(request.body)}`);
  return parts.join(" \\\n  ");
}

// Calls `show` with each piece of text of a stream, as it comes.
async function readText(response, show) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    show(value);
  }
}
