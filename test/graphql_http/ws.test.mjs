// Subscriptions over WebSockets, by npm's graphql-ws; and what its protocol closes a socket for.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createClient} from 'graphql-ws';
import WebSocket from 'ws';
import {backend, until, url} from './nodes.mjs';

const wsUrl = url.replace('http', 'ws');

async function all(query, options = {}) {
  const client = createClient({webSocketImpl: WebSocket, url: wsUrl, ...options});
  try {
    const results = [];
    for await (const result of client.iterate({query})) results.push(result);
    return results;
  } finally {
    await client.dispose();
  }
}

// Sends `messages` over a bare socket and gives what came back and how it was closed. Once more, where they were sent so late that the node had given up waiting for the first.
async function talk(messages, {protocol = 'graphql-transport-ws', patience = 5000} = {}) {
  const began = Date.now();
  const ended = await new Promise((resolve) => {
    const socket = new WebSocket(wsUrl, protocol);
    const got = [];
    socket.onopen = () => messages.forEach((message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)));
    socket.onmessage = (event) => {
      got.push(JSON.parse(event.data));
      if (got.at(-1).type === 'pong') socket.close();
    };
    socket.onerror = () => {};
    socket.onclose = (event) => resolve({got, code: event.code, reason: event.reason});
  });
  return ended.code === 4408 && messages.length > 0 && Date.now() - began >= patience ? talk(messages, {protocol, patience}) : ended;
}

const init = {type: 'connection_init'};
const subscribe = (id, query) => ({id, type: 'subscribe', payload: {query}});

test('every event, joined, then the end', async () => {
  const results = await all('subscription { watchPosts(count: 3) { id user { name } } }');
  assert.deepEqual(results, [1, 2, 3].map((id) => ({data: {watchPosts: {id, user: id === 3 ? null : {name: `user ${id}`}}}})));
});

test('queries and mutations too', async () => {
  assert.deepEqual(await all('{ post(id: 1) { title } }'), [{data: {post: {title: 'post 1'}}}]);
  assert.deepEqual(await all('mutation { createPost(input: {title: "x"}) { title } }'), [{data: {createPost: {title: 'x'}}}]);
});

test('what the client says first is metadata', async () => {
  const query = '{ echo { authorization tenant } }';
  const data = {echo: {authorization: 'Bearer w', tenant: 'acme'}};
  assert.deepEqual(await all(query, {connectionParams: {authorization: 'Bearer w', headers: {'X-Tenant': 'acme'}}}), [{data}]);
});

test('many at once over one socket', async () => {
  const client = createClient({webSocketImpl: WebSocket, url: wsUrl});
  const one = async (id) => {
    for await (const result of client.iterate({query: `{ post(id: ${id}) { id } }`})) return result.data.post.id;
  };
  const ids = Array.from({length: 50}, (_, i) => i + 1);
  assert.deepEqual(await Promise.all(ids.map(one)), ids);
  await client.dispose();
});

test('an operation that is not valid is an error, and the socket goes on', async () => {
  const client = createClient({webSocketImpl: WebSocket, url: wsUrl, lazy: false});
  await assert.rejects(async () => {
    for await (const result of client.iterate({query: 'subscription { nothing }'})) void result;
  }, (errors) => /Cannot query field "nothing"/.test(errors[0].message));
  for await (const result of client.iterate({query: '{ __typename }'})) assert.deepEqual(result, {data: {__typename: 'Query'}});
  await client.dispose();
});

test('who completes ends the stream behind', async () => {
  await until(async () => (await backend()).open === 0, 'streams of other tests');
  const client = createClient({webSocketImpl: WebSocket, url: wsUrl});
  const stream = client.iterate({query: 'subscription { watchPosts(count: 1, stay: true) { id } }'});
  assert.deepEqual((await stream.next()).value, {data: {watchPosts: {id: 1}}});
  assert.equal((await backend()).open, 1);
  await stream.return();
  await until(async () => (await backend()).open === 0, 'the stream behind is still open');
  await client.dispose();
});

test('a ping is answered with its payload', async () => {
  assert.deepEqual((await talk([{type: 'ping', payload: {a: [1]}}])).got, [{type: 'pong', payload: {a: [1]}}]);
});

for (const [name, messages, code] of [
  ['no JSON', [init, 'x'], 4400],
  ['a type nobody knows', [init, {type: 'hello'}], 4400],
  ['no id', [init, {type: 'subscribe', payload: {query: '{__typename}'}}], 4400],
  ['no query', [init, {id: '1', type: 'subscribe', payload: {}}], 4400],
  ['an operation before connection_init', [subscribe('1', '{__typename}')], 4401],
  ['the same id twice', [init, subscribe('1', 'subscription{watchPosts(stay:true){id}}'), subscribe('1', '{__typename}')], 4409],
  ['connection_init twice', [init, init], 4429],
]) {
  test(`closes for ${name} with ${code}`, async () => assert.equal((await talk(messages)).code, code));
}

test('closes where connection_init does not come', async () => assert.equal((await talk([])).code, 4408));

test('takes no other subprotocol', async () => assert.equal((await talk([], {protocol: 'graphql-ws'})).code, 1006));
