// npm's ws against Parley: a client that nobody here wrote.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import WebSocket from 'ws';

const plain = `ws://127.0.0.1:${process.env.PARLEY_PORT}/ws/awkward.v1.Awkward/`;
const tls = `wss://localhost:${process.env.PARLEY_TLS_PORT}/ws/awkward.v1.Awkward/`;

// All frames of a call, and how it was closed.
function call(url, frames, options = {}) {
  return new Promise((resolve, reject) => {
    const got = [];
    const socket = new WebSocket(url, 'parley.json.v1', options);
    socket.on('open', () => frames.forEach((frame) => socket.send(JSON.stringify(frame))));
    socket.on('message', (data, binary) => {
      assert.equal(binary, false);
      got.push(JSON.parse(data));
    });
    socket.on('close', (code, reason) => resolve({got, code, reason: reason.toString(), extensions: socket.extensions}));
    socket.on('error', reject);
  });
}

for (const [name, base] of [['plain text', plain], ['TLS, compressed with context', tls]]) {
  test(`${name}: unary`, async () => {
    const {got, code} = await call(base + 'Get', [{message: {name: 'a'}}]);
    assert.deepEqual(Object.keys(got[0]), ['headers']);
    assert.equal(got[1].message.request.name, 'a');
    assert.deepEqual(got[2], {status: {code: 'OK'}});
    assert.equal(code, 1000);
  });

  test(`${name}: large messages, many of them`, async () => {
    const frames = Array.from({length: 50}, (_, i) => ({message: {text: `${i} `.repeat(1000 * (i % 10))}}));
    const {got, code, extensions} = await call(base + 'Chat', [...frames, {end: {}}]);
    assert.equal(extensions, 'permessage-deflate');
    assert.deepEqual(got.slice(1, -1).map((f) => f.message.text ?? ''), frames.map((f) => f.message.text.toUpperCase()));
    assert.equal(code, 1000);
  });

  test(`${name}: error with its code in the close frame`, async () => {
    const {got, code, reason} = await call(base + 'Fail', [{message: {code: 7, message: 'not you'}}]);
    assert.equal(got.length, 1);
    assert.equal(got[0].status.code, 'PERMISSION_DENIED');
    assert.deepEqual([code, reason], [4007, 'PERMISSION_DENIED: not you']);
  });
}

test('without compression', async () => {
  const {got, extensions} = await call(plain + 'Ticks', [{message: {count: 1000, size: 500}}], {perMessageDeflate: false});
  assert.equal(extensions, '');
  assert.equal(got.length, 1002);
});

test('a refused handshake', async () => {
  await assert.rejects(call(plain + 'Nothing', []), /404/);
});

test('a thousand messages there and back, as they come', async () => {
  const socket = new WebSocket(plain + 'Chat', 'parley.json.v1');
  const answers = [];
  await new Promise((resolve, reject) => {
    socket.on('open', () => socket.send('{"message":{"text":"n0"}}'));
    socket.on('message', (data) => {
      const frame = JSON.parse(data);
      if (!frame.message) return;
      answers.push(frame.message.text);
      if (answers.length === 1000) return socket.close();
      socket.send(JSON.stringify({message: {text: `n${answers.length}`}}));
    });
    socket.on('close', resolve);
    socket.on('error', reject);
  });
  assert.deepEqual(answers, Array.from({length: 1000}, (_, i) => `N${i}`));
});
