// Google's grpc-web client, binary and text. It wants a browser's XMLHttpRequest, and generated code only for (de)serializers.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { message, port } from './awkward.mjs';

const require = createRequire(import.meta.url);
globalThis.XMLHttpRequest = require('xhr2');
const web = require('grpc-web');

const host = `http://127.0.0.1:${port}`;
const descriptor = (name, type, request, reply) =>
  new web.MethodDescriptor(`/awkward.v1.Awkward/${name}`, type, Object, Object,
    (value) => toBinary(message(request), create(message(request), value)), (bytes) => fromBinary(message(reply), new Uint8Array(bytes)));
const get = descriptor('Get', 'unary', 'awkward.v1.Everything', 'awkward.v1.Echoed');
const fail = descriptor('Fail', 'unary', 'awkward.v1.FailRequest', 'awkward.v1.Echoed');
const ticks = descriptor('Ticks', 'server_streaming', 'awkward.v1.TicksRequest', 'awkward.v1.Tick');

for (const format of ['text', 'binary']) {
  describe(`grpc-web, ${format}`, () => {
    const client = new web.GrpcWebClientBase({ format });
    const call = (method, request, metadata = {}) => new Promise((resolve, reject) => {
      const seen = {};
      const one = client.rpcCall(host + method.name, request, metadata, method, (error, reply) => (error ? reject(error) : (seen.reply = reply)));
      one.on('metadata', (headers) => (seen.headers = headers));
      one.on('status', (status) => (seen.status = status));
      one.on('end', () => resolve(seen));
    });

    test('unary', async () => {
      const { reply, headers } = await call(get, { name: 'n', blob: new Uint8Array([0, 255]) }, { 'x-answer-with': 'v' });
      assert.equal(reply.request.name, 'n');
      assert.deepEqual([...reply.request.blob], [0, 255]);
      assert.equal(headers['x-answer'], 'v');
    });

    test('every length of padding', async () => {
      for (let length = 0; length < 12; length++) {
        assert.equal((await call(get, { name: 'x'.repeat(length) })).reply.request.name.length, length);
      }
    });

    test('an error', async () => {
      await assert.rejects(call(fail, { code: 5, message: '100% ü' }), (error) => error.code === 5 && error.message.includes('ü'));
    });

    // In binary form the client takes unary replies only.
    if (format === 'text') {
      test('server stream', async () => {
        const got = [];
        const status = await new Promise((resolve, reject) => {
          const stream = client.serverStreaming(host + ticks.name, { count: 20, size: 7 }, {}, ticks);
          stream.on('data', (tick) => got.push(tick.index));
          stream.on('status', resolve);
          stream.on('error', reject);
        });
        assert.equal(status.code, 0);
        assert.deepEqual(got, [...Array(20).keys()]);
      });
    }
  });
}
