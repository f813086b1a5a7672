// @connectrpc/connect-node (all three protocols over both HTTP versions, two codecs) and @connectrpc/connect-web (over fetch).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import * as node from '@connectrpc/connect-node';
import * as web from '@connectrpc/connect-web';
import { Awkward, ca, message, port, registry, tlsPort, waitUntil } from './awkward.mjs';

const baseUrl = `http://127.0.0.1:${port}`;
const tlsUrl = `https://127.0.0.1:${tlsPort}`;
const jsonOptions = { registry };
// `duplex`: requests can still be written while replies are read. Browsers' fetch sends no request streams.
const transports = [];
for (const useBinaryFormat of [true, false]) {
  const codec = useBinaryFormat ? 'proto' : 'json';
  const common = { useBinaryFormat, jsonOptions };
  transports.push(
    [`connect-node Connect HTTP/1.1 ${codec}`, node.createConnectTransport({ baseUrl, httpVersion: '1.1', ...common }), {}],
    [`connect-node Connect HTTP/2 ${codec}`, node.createConnectTransport({ baseUrl, httpVersion: '2', ...common }), { duplex: true }],
    [`connect-node Connect HTTP/1.1 ${codec} with GET`,
      node.createConnectTransport({ baseUrl, httpVersion: '1.1', useHttpGet: true, ...common }), {}],
    [`connect-node Connect HTTP/2 ${codec} gzip`,
      node.createConnectTransport({ baseUrl, httpVersion: '2', sendCompression: node.compressionGzip, compressMinBytes: 0, ...common }),
      { duplex: true }],
    [`connect-node Connect HTTP/2 ${codec} brotli, TLS`,
      node.createConnectTransport({ baseUrl: tlsUrl, httpVersion: '2', nodeOptions: { ca }, sendCompression: node.compressionBrotli,
        compressMinBytes: 0, ...common }), { duplex: true }],
    [`connect-node gRPC ${codec}`, node.createGrpcTransport({ baseUrl, ...common }), { duplex: true }],
    [`connect-node gRPC ${codec} TLS`, node.createGrpcTransport({ baseUrl: tlsUrl, nodeOptions: { ca }, ...common }), { duplex: true }],
    [`connect-node gRPC-Web HTTP/1.1 ${codec}`, node.createGrpcWebTransport({ baseUrl, httpVersion: '1.1', ...common }), {}],
    [`connect-node gRPC-Web HTTP/2 ${codec}`, node.createGrpcWebTransport({ baseUrl, httpVersion: '2', ...common }), { duplex: true }],
    [`connect-web Connect ${codec}`, web.createConnectTransport({ baseUrl, ...common }), { web: true }],
    [`connect-web Connect ${codec} with GET`, web.createConnectTransport({ baseUrl, useHttpGet: true, ...common }), { web: true }],
    [`connect-web gRPC-Web ${codec}`, web.createGrpcWebTransport({ baseUrl, ...common }), { web: true }],
    [`connect-web Connect ${codec} TLS`, web.createConnectTransport({ baseUrl: tlsUrl, ...common }), { web: true }]);
}

async function all(stream) {
  const got = [];
  for await (const one of stream) got.push(one);
  return got;
}

for (const [name, transport, can] of transports) {
  describe(name, () => {
    const client = createClient(Awkward, transport);

    test('unary', async () => {
      const { request } = await client.get({ name: 'n', i64: -1n, tags: ['a', ''], blob: new Uint8Array([0, 255]), pick: { case: 'left', value: 'ü' } });
      assert.equal(request.name, 'n');
      assert.equal(request.i64, -1n);
      assert.deepEqual(request.tags, ['a', '']);
      assert.deepEqual([...request.blob], [0, 255]);
      assert.deepEqual(request.pick, { case: 'left', value: 'ü' });
    });

    test('a large message', async () => {
      assert.equal((await client.post({ text: 'x'.repeat(1_000_000) })).request.text.length, 1_000_000);
    });

    test('metadata both ways', async () => {
      let headers, trailers;
      const reply = await client.get({}, {
        headers: { 'x-answer-with': 'v', 'x-blob-bin': 'AAH/' }, onHeader: (got) => (headers = got), onTrailer: (got) => (trailers = got) });
      assert.equal(reply.metadata['x-blob-bin'], '0001ff');
      assert.equal(headers.get('x-answer'), 'v');
      assert.equal(trailers.get('x-trailer'), 'v');
    });

    test('server stream', async () => {
      assert.deepEqual((await all(client.ticks({ count: 50, size: 100 }))).map((tick) => tick.index), [...Array(50).keys()]);
      assert.equal((await all(client.ticks({ count: 0 }))).length, 0);
    });

    test('an error after messages', async () => {
      const got = [];
      await assert.rejects(async () => { for await (const tick of client.ticks({ count: 2, code: 10, message: 'later' })) got.push(tick); },
        (error) => error instanceof ConnectError && error.code === Code.Aborted && error.rawMessage === 'later');
      assert.equal(got.length, 2);
    });

    test('codes and messages', async () => {
      for (let code = 1; code <= 16; code++) {
        await assert.rejects(client.fail({ code, message: '100% ü\n"' }),
          (error) => error instanceof ConnectError && error.code === code && error.rawMessage === '100% ü\n"');
      }
    });

    test('details', async () => {
      await assert.rejects(client.fail({ code: 9, withDetails: true }), (error) => {
        assert.equal(error.details.length, 2);
        assert.equal(error.details[0].type, 'google.rpc.ErrorInfo');
        return true;
      });
    });

    test('a deadline', async () => {
      await assert.rejects(client.sleep({ ms: 120_000n }, { timeoutMs: 300 }), (error) => error.code === Code.DeadlineExceeded);
      const { remainingMs } = await client.get({}, { timeoutMs: 600_000 });
      assert.ok(remainingMs > 10_000n && remainingMs <= 600_100n, `${remainingMs}`);
    });

    test('cancellation arrives at the backend', async () => {
      const { cancelled } = await client.census({});
      const leave = new AbortController();
      await assert.rejects(async () => {
        for await (const _ of client.ticks({ count: 100_000, delayMs: 20n, size: 10 }, { signal: leave.signal })) leave.abort();
      });
      await waitUntil(async () => (await client.census({})).cancelled > cancelled, 'the backend was not told');
    });

    test('unknown method', async () => {
      const strange = createClient({ ...Awkward, typeName: 'no.Such' }, transport);
      assert.ok(strange);
      const method = { ...Awkward.method.get, name: 'NoSuch', parent: Awkward };
      await assert.rejects(transport.unary(method, undefined, undefined, undefined, {}), (error) => error.code === Code.Unimplemented);
    });

    if (!can.web) {
      test('client stream', async () => {
        async function* numbers() {
          for (let value = 0n; value < 100n; value++) yield { value };
        }
        assert.equal((await client.sum(numbers())).sum, 4950n);
      });
    }

    if (can.duplex) {
      test('bidi, full duplex', async () => {
        let answered = () => {};
        async function* lines() {
          for (const text of ['one', 'two', 'three']) {
            const reply = new Promise((resolve) => (answered = resolve));
            yield { text };
            await reply;
          }
        }
        const got = [];
        for await (const line of client.chat(lines())) {
          got.push(line.text);
          answered();
        }
        assert.deepEqual(got, ['ONE', 'TWO', 'THREE']);
      });
    }
  });
}

test('the messages of the contract are known', () => assert.ok(message('awkward.v1.Everything')));
