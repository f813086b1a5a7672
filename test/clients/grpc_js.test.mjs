// @grpc/grpc-js, gRPC's own client in JavaScript.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { ca, contractBytes, port, tlsPort, waitUntil } from './awkward.mjs';

const definition = protoLoader.loadFileDescriptorSetFromBuffer(contractBytes, { longs: String, enums: String, keepCase: true, defaults: true });
const Awkward = grpc.loadPackageDefinition(definition).awkward.v1.Awkward;
const client = new Awkward(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
after(() => client.close());

const call = (method, request, metadata = new grpc.Metadata(), options = {}) =>
  new Promise((resolve, reject) => client[method](request, metadata, { deadline: Date.now() + 60_000, ...options },
    (error, reply) => (error ? reject(error) : resolve(reply))));

async function all(stream) {
  const got = [];
  for await (const one of stream) got.push(one);
  return got;
}

test('unary', async () => {
  const { request } = await call('get', { name: 'n', i64: '-1', tags: ['a'], blob: Buffer.from([0, 255]) });
  assert.equal(request.name, 'n');
  assert.equal(request.i64, '-1');
  assert.deepEqual([...request.blob], [0, 255]);
});

test('server stream', async () => {
  assert.deepEqual((await all(client.ticks({ count: 100, size: 1000 }))).map((tick) => tick.index), [...Array(100).keys()]);
});

test('client stream', async () => {
  const total = await new Promise((resolve, reject) => {
    const stream = client.sum((error, reply) => (error ? reject(error) : resolve(reply)));
    for (let value = 0; value < 1000; value++) stream.write({ value });
    stream.end();
  });
  assert.equal(total.sum, '499500');
});

test('bidi', async () => {
  const stream = client.chat();
  const replies = stream[Symbol.asyncIterator]();
  for (const text of ['one', 'two', 'three']) {
    stream.write({ text });
    assert.equal((await replies.next()).value.text, text.toUpperCase());
  }
  stream.end();
  assert.equal((await replies.next()).done, true);
});

test('metadata both ways', async () => {
  const metadata = new grpc.Metadata();
  metadata.set('x-answer-with', 'v');
  metadata.set('x-blob-bin', Buffer.from([0, 1, 255]));
  const seen = {};
  await new Promise((resolve, reject) => {
    const one = client.get({}, metadata, (error, reply) => (error ? reject(error) : (seen.reply = reply)));
    one.on('metadata', (headers) => (seen.headers = headers));
    one.on('status', (status) => { seen.trailers = status.metadata; resolve(); });
  });
  // proto-loader reads maps of a descriptor set as their entries.
  assert.ok(seen.reply.metadata.some(({ key, value }) => key === 'x-blob-bin' && value === '0001ff'));
  assert.deepEqual(seen.headers.get('x-answer'), ['v']);
  assert.deepEqual(seen.trailers.get('x-trailer-bin').map((value) => [...value]), [[1, 254]]);
});

test('codes and messages', async () => {
  for (let code = 1; code <= 16; code++) {
    await assert.rejects(call('fail', { code, message: '100% ü' }), (error) => error.code === code && error.details === '100% ü');
  }
});

test('a deadline', async () => {
  await assert.rejects(call('sleep', { ms: 120_000 }, undefined, { deadline: Date.now() + 300 }),
    (error) => error.code === grpc.status.DEADLINE_EXCEEDED);
});

test('cancellation arrives at the backend', async () => {
  const before = await call('census', {});
  const stream = client.ticks({ count: 100_000, delay_ms: 20 });
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('data', resolve));
  stream.cancel();
  await waitUntil(async () => (await call('census', {})).cancelled > before.cancelled, 'the backend was not told');
});

test('gzip', async () => {
  const packed = new Awkward(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { 'grpc.default_compression_algorithm': 2 });
  const reply = await new Promise((resolve, reject) =>
    packed.post({ text: 'x'.repeat(100_000) }, (error, value) => (error ? reject(error) : resolve(value))));
  assert.equal(reply.request.text.length, 100_000);
  packed.close();
});

test('TLS', async () => {
  const secure = new Awkward(`127.0.0.1:${tlsPort}`, grpc.credentials.createSsl(ca));
  const reply = await new Promise((resolve, reject) =>
    secure.get({ name: 'tls' }, (error, value) => (error ? reject(error) : resolve(value))));
  assert.equal(reply.request.name, 'tls');
  secure.close();
});

test('500 calls at once', async () => {
  const replies = await Promise.all([...Array(500).keys()].map((n) => call('get', { name: `${n}` })));
  assert.deepEqual(replies.map((reply) => reply.request.name), [...Array(500).keys()].map(String));
});
