// Subscriptions as event streams, by npm's graphql-sse.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createClient} from 'graphql-sse';
import {backend, until, url} from './nodes.mjs';

const all = async (client, query) => {
  const results = [];
  for await (const result of client.iterate({query})) results.push(result);
  return results;
};

test('distinct connections: every event, joined, then the end', async () => {
  const results = await all(createClient({url}), 'subscription { watchPosts(count: 3) { id user { name } } }');
  assert.deepEqual(results, [1, 2, 3].map((id) => ({data: {watchPosts: {id, user: id === 3 ? null : {name: `user ${id}`}}}})));
});

test('distinct connections: a query is one event', async () => {
  assert.deepEqual(await all(createClient({url}), '{ post(id: 1) { id } }'), [{data: {post: {id: 1}}}]);
});

test('distinct connections: what is wrong with the request is an event', async () => {
  const [result] = await all(createClient({url}), 'subscription { nothing }');
  assert.match(result.errors[0].message, /Cannot query field "nothing" on type "Subscription"/);
});

test('distinct connections: a stream that breaks says so', async () => {
  const results = await all(createClient({url}), 'subscription { watchPosts(count: 3, failAfter: 1) { id } }');
  assert.deepEqual(results[0], {data: {watchPosts: {id: 1}}});
  assert.equal(results[1].errors[0].message, 'the stream broke');
  assert.equal(results[1].errors[0].extensions.code, 'UNAVAILABLE');
});

test('distinct connections: who leaves ends the stream behind', async () => {
  await until(async () => (await backend()).open === 0, 'streams of other tests');
  const stream = createClient({url}).iterate({query: 'subscription { watchPosts(count: 1, stay: true) { id } }'});
  assert.deepEqual((await stream.next()).value, {data: {watchPosts: {id: 1}}});
  assert.equal((await backend()).open, 1);
  await stream.return();
  await until(async () => (await backend()).open === 0, 'the stream behind is still open');
});

test('a subscription without an event stream is told what it needs', async () => {
  const response = await fetch(url, {method: 'POST', headers: {'content-type': 'application/json'}, body: '{"query":"subscription { watchPosts { id } }"}'});
  assert.match((await response.json()).errors[0].message, /event-stream/);
});

test('single connection: many operations over one stream', async () => {
  const client = createClient({url, singleConnection: true});
  const one = async (id) => (await all(client, `{ post(id: ${id}) { id } }`))[0].data.post.id;
  const ids = Array.from({length: 20}, (_, i) => i + 1);
  assert.deepEqual(await Promise.all(ids.map(one)), ids);
  const events = await all(client, 'subscription { watchPosts(count: 3) { id } }');
  assert.deepEqual(events, [1, 2, 3].map((id) => ({data: {watchPosts: {id}}})));
  client.dispose();
});

test('single connection: who completes ends the stream behind', async () => {
  await until(async () => (await backend()).open === 0, 'streams of other tests');
  const client = createClient({url, singleConnection: true});
  const stream = client.iterate({query: 'subscription { watchPosts(count: 1, stay: true) { id } }'});
  assert.deepEqual((await stream.next()).value, {data: {watchPosts: {id: 1}}});
  assert.equal((await backend()).open, 1);
  await stream.return();
  await until(async () => (await backend()).open === 0, 'the stream behind is still open');
  client.dispose();
});

test('single connection: a token is good for one stream', async () => {
  const reserved = await fetch(url, {method: 'PUT'});
  assert.equal(reserved.status, 201);
  const token = await reserved.text();
  const headers = {'x-graphql-event-stream-token': token, accept: 'text/event-stream'};
  const feed = (body, to = token) => fetch(url, {method: 'POST', headers: {'x-graphql-event-stream-token': to, 'content-type': 'application/json'}, body: JSON.stringify(body)});
  assert.equal((await feed({query: '{__typename}', extensions: {operationId: '1'}})).status, 404);
  const abort = new AbortController();
  assert.equal((await fetch(url, {headers, signal: abort.signal})).status, 200);
  assert.equal((await fetch(url, {headers})).status, 409);
  assert.equal((await fetch(url, {headers: {...headers, 'x-graphql-event-stream-token': 'nothing'}})).status, 404);
  assert.equal((await feed({query: '{__typename}'})).status, 400);
  assert.equal((await feed({query: '{nothing}', extensions: {operationId: '1'}})).status, 400);
  assert.equal((await feed({query: 'subscription{watchPosts(stay:true){id}}', extensions: {operationId: '1'}})).status, 202);
  assert.equal((await feed({query: '{__typename}', extensions: {operationId: '1'}})).status, 409);
  assert.equal((await fetch(`${url}?operationId=1`, {method: 'DELETE', headers})).status, 200);
  abort.abort();
  await until(async () => (await feed({query: '{__typename}', extensions: {operationId: '2'}})).status === 404, 'the stream is forgotten');
});
