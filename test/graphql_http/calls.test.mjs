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
  const {body} = await post({query: '{ slow: echo(sleepMs: 60000) { tenant } post(id: 1) { id } }'}, {headers: {'grpc-timeout': '200m'}});
  assert.deepEqual(body.data, {slow: null, post: {id: 1}});
  assert.equal(body.errors[0].extensions.code, 'DEADLINE_EXCEEDED');
  assert.deepEqual(body.errors[0].path, ['slow']);
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
  assert.deepEqual((await backend()).calls.map((call) => call.replace(/\?.*/, '')), ['POST /posts', 'GET /users', 'POST /posts']);
});
