#!/usr/bin/env node
// The shop's catalog, as an ordinary HTTP/JSON server on Node's own modules. It follows the google.api.http rules of the contract and
// knows nothing of Protobuf or of Parley.

import http from 'node:http';
import { parseArgs } from 'node:util';

import { StatusError, invalid, notFound } from './errors.mjs';
import * as shelf from './shelf.mjs';

const maxBody = 1 << 20;

// HTTP method, path, handler
const routes = [
  ['GET', /^\/v1\/products:batchGet$/, ({ query }) => shelf.batchGetProducts(query)],
  ['GET', /^\/v1\/products:search$/, ({ query }) => shelf.searchProducts(query)],
  ['POST', /^\/v1\/products:search$/, ({ body }) => shelf.searchProducts(body)],
  ['GET', /^\/v1\/products$/, ({ query }) => shelf.listProducts(query)],
  ['POST', /^\/v1\/products$/, ({ query, body }) => shelf.createProduct({ ...query, product: body })],
  ['GET', /^\/v1\/(products\/[^/:]+)$/, ({ path: [name] }) => shelf.getProduct({ name })],
  ['DELETE', /^\/v1\/(products\/[^/:]+)$/, ({ path: [name] }) => shelf.deleteProduct({ name })],
  ['PUT', /^\/v1\/(products\/[^/:]+)\/stock$/, ({ path: [product], body }) => shelf.updateStock({ stock: { ...body, product } })],
  ['POST', /^\/v1\/stock:changed$/, ({ body }) => shelf.stockChanged(body)],
  ['POST', /^\/v1\/stock:changed$/, ({ body }) => shelf.stockChanged(body)],
  ['GET', /^\/v1\/skus\/([^/:]+)$/, ({ path: [sku] }) => shelf.getProduct({ sku })],
  ['GET', /^\/v1\/categories$/, () => shelf.listCategories()],
];

// `?page_size=2&maxPrice.minorUnits=900&names=a&names=b` is { pageSize: '2', maxPrice: { minorUnits: '900' }, names: ['a', 'b'] }.
function fieldsOf(query) {
  const fields = {};
  for (const [key, value] of query) {
    const path = key.split('.').map((part) => part.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()));
    const last = path.pop();
    let at = fields;
    for (const part of path) {
      if (!Object.hasOwn(at, part)) at[part] = Object.create(null);
      at = at[part];
      if (typeof at !== 'object') throw invalid({ [key]: 'is given twice, with and without fields' });
    }
    at[last] = Object.hasOwn(at, last) ? [at[last], value].flat() : value;
  }
  return fields;
}

async function bodyOf(request) {
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > maxBody) throw new StatusError('RESOURCE_EXHAUSTED', `a body has at most ${maxBody} bytes`);
    pieces.push(piece);
  }
  if (size === 0) return {};
  try {
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8'));
    if (body !== null && typeof body === 'object' && !Array.isArray(body)) return body;
  } catch {
    // said below
  }
  throw invalid({ body: 'must be a JSON object' });
}

function send(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

const watchers = new Set(); // of responses that are streams

// WatchStock: one JSON object a line, until the caller goes away. A caller that reads too slowly loses the stream, not our memory.
function watchStock(request, response, query) {
  const { now, matches, follow } = shelf.watchStock(query);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  for (const stock of now) response.write(`${JSON.stringify(stock)}\n`);
  if (!follow) return response.end();
  const tell = (stock) => {
    if (!matches(stock)) return;
    response.write(`${JSON.stringify(stock)}\n`);
    if (response.writableLength > maxBody) {
      endStream(response, new StatusError('RESOURCE_EXHAUSTED', 'the stream is read too slowly'));
    }
  };
  shelf.changes.on('stock', tell);
  watchers.add(response);
  response.on('close', () => {
    shelf.changes.off('stock', tell);
    watchers.delete(response);
  });
}

// The status line is long gone: the last line of a stream says how it went wrong.
function endStream(response, error) {
  response.end(`${JSON.stringify({ error })}\n`);
}

async function answer(request, response) {
  const url = new URL(request.url, 'http://catalog');
  const path = decodeURI(url.pathname);
  const query = fieldsOf(url.searchParams);
  if (path === '/v1/stock:watch' && request.method === 'GET') return watchStock(request, response, query);
  const here = routes.filter(([, pattern]) => pattern.test(path));
  if (here.length === 0) throw notFound('resource', path);
  const route = here.find(([method]) => method === request.method);
  if (!route) {
    response.setHeader('allow', here.map(([method]) => method).join(', '));
    return send(response, 405, new StatusError('UNIMPLEMENTED', `${request.method} is not for ${path}`));
  }
  const [, pattern, handler] = route;
  send(response, 200, handler({ path: pattern.exec(path).slice(1), query, body: await bodyOf(request) }));
}

// Connections that are not used stay open for longer than their other end, Parley, keeps them (limits.idle_timeout): a request that met the end of one would fail.
const server = http.createServer({ keepAliveTimeout: 150_000 }, (request, response) => {
  answer(request, response).catch((error) => {
    if (response.headersSent) return response.destroy(error);
    if (error instanceof URIError || error.code === 'ERR_INVALID_URL') error = invalid({ path: 'is not a valid path' });
    if (!(error instanceof StatusError)) {
      console.error(error);
      error = new StatusError('INTERNAL', 'something went wrong in the catalog');
    }
    send(response, error.http, error);
  });
});

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
server.on('error', (error) => {
  console.error(`cannot listen on 127.0.0.1:${values.port}: ${error.message}`);
  process.exit(1);
});
server.listen(Number(values.port), '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`));

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    console.log('stopping');
    server.close();
    for (const response of watchers) endStream(response, new StatusError('UNAVAILABLE', 'the service is stopping'));
    setTimeout(() => server.closeIdleConnections(), 100).unref(); // those whose last answer has just gone out
    setTimeout(() => server.closeAllConnections(), 5000).unref();
  });
}
