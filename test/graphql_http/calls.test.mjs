// What reaches the services: joins in batches, metadata, deadlines; and what comes back of errors.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {ask, backend, post} from './nodes.mjs';

test('joins come in chunks, once a key, and find their items by key', async () => {
  await backend();
  const body = await ask('{ listPosts(pageSize: 8) { posts { id user { name } } } }');
  const names = ['user 1', 'user 2', undefined, 'user 4', 'user 1', 'user 2', undefined, 'user 4'];
  assert.deepEqual(body.data.listPosts.posts.map((p) => p.user?.name), names);
  assert.deepEqual((await backend()).calls.map((call) => call.replace(/\?.*/, '')), ['GET /posts', 'GET /users', 'GET /users']);
});

test('metadata goes to every call', async () => {
  const {body, headers} = await post({query: '{ a: echo { authorization tenant } b: echo { tenant } }'}, {headers: {authorization: 'Bearer t', 'x-tenant': 'acme'}});
  assert.deepEqual(body.data, {a: {authorization: 'Bearer t', tenant: 'acme'}, b: {tenant: 'acme'}});
  assert.equal(headers.get('x-served-by'), 'blog');
});

test('a deadline that passes is an error of the fields that wait', async () => {
  const {body} = await post({query: '{ slow: echo(sleepMs: 120000) { tenant } post(id: 1) { id } }'}, {headers: {'grpc-timeout': '2S'}});
  assert.equal(body.data.slow, null);
  const late = body.errors.map(({path}) => path.join('.')).sort();
  assert.ok(body.errors.every(({extensions}) => extensions.code === 'DEADLINE_EXCEEDED'), JSON.stringify(body));
  // On a machine that stands still for two seconds the other one comes too late as well.
  if (late.length === 2) assert.deepEqual([late, body.data.post], [['post', 'slow'], null]);
  else assert.deepEqual([late, body.data.post], [['slow'], {id: 1}]);
});

test('an error has its code, reason and details', async () => {
  const {status, body} = await post({query: '{ post(id: 404) { id } }'});
  assert.equal(status, 200);
  assert.deepEqual(body, {
    errors: [{
      message: 'no post 404',
      locations: [{line: 1, column: 3}],
      path: ['post'],
      extensions: {code: 'NOT_FOUND', reason: body.errors[0].extensions.reason,
        details: [{'@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'GONE', domain: 'blog'}]},
    }],
    data: {post: null},
  });
});

test('mutations run one after another', async () => {
  await backend();
  const body = await ask('mutation { a: createPost(input: {title: "x"}) { title user { name } } b: createPost(input: {title: "y"}) { title } }');
  assert.deepEqual(body.data, {a: {title: 'x', user: {name: 'user 4'}}, b: {title: 'y'}});
  const calls = (await backend()).calls.map((call) => call.replace(/\?.*/, '')).filter((call) => call !== 'GET /echo'); // what another test did not wait for
  assert.deepEqual(calls, ['POST /posts', 'GET /users', 'POST /posts']);
});
