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
