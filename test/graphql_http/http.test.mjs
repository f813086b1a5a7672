// GraphQL over HTTP beyond the audits: methods, bodies, limits, hashes in place of documents.
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {test} from 'node:test';
import {gzipSync} from 'node:zlib';
import {ask, onlyUrl, post, strictUrl, url} from './nodes.mjs';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const hashed = (text) => ({persistedQuery: {version: 1, sha256Hash: sha256(text)}});
const code = (answer) => answer.body.errors[0].extensions?.code;
const reason = (answer) => answer.body.errors[0].extensions?.reason;

test('a mutation over GET is refused, and says how it is asked', async () => {
  const response = await fetch(`${url}?query=mutation{createPost(input:{title:"x"}){id}}`);
  assert.equal(response.status, 405);
  assert.equal(response.headers.get('allow'), 'POST');
});

test('a query over GET', async () => {
  const query = new URLSearchParams({query: 'query A($i: Int!) { post(id: $i) { title } } query B { __typename }', variables: '{"i":2}', operationName: 'A'});
  assert.deepEqual(await (await fetch(`${url}?${query}`)).json(), {data: {post: {title: 'post 2'}}});
});

test('other methods are refused, and OPTIONS names those that are there', async () => {
  for (const method of ['DELETE', 'PATCH']) {
    const response = await fetch(url, {method});
    assert.equal(response.status, 405);
    assert.equal(response.headers.get('allow'), 'GET, POST');
  }
  assert.equal((await fetch(url, {method: 'OPTIONS'})).headers.get('allow'), 'GET, POST');
});

test('pages of an allowed origin may ask', async () => {
  const headers = {origin: 'https://a.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type'};
  const preflight = await fetch(url, {method: 'OPTIONS', headers});
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://a.example');
  const answer = await post({query: '{__typename}'}, {headers: {origin: 'https://a.example'}});
  assert.equal(answer.headers.get('access-control-allow-origin'), 'https://a.example');
});

for (const [name, headers, body, status] of [
  ['no JSON', {'content-type': 'text/plain'}, 'x', 415],
  ['another charset', {'content-type': 'application/json; charset=latin1'}, '{}', 415],
  ['a coding nobody knows', {'content-encoding': 'lzma'}, '{}', 415],
  ['a type nobody writes', {accept: 'image/png'}, '{"query":"{__typename}"}', 406],
  ['a body above the limit', {}, JSON.stringify({query: `{__typename #${'x'.repeat(5 << 20)}\n}`}), 413],
  ['a malformed deadline', {'grpc-timeout': 'soon'}, '{"query":"{__typename}"}', 400],
]) {
  test(`${name} is refused with ${status}`, async () => {
    const answer = await post(body, {headers});
    assert.equal(answer.status, status);
    assert.equal(typeof answer.body.errors[0].message, 'string');
  });
}

test('several operations in one request are refused clearly', async () => {
  const answer = await post([{query: '{__typename}'}]);
  assert.equal(reason(answer), 'batching');
});

test('compressed both ways', async () => {
  const response = await fetch(url, {
    method: 'POST',
    headers: {'content-type': 'application/json', 'content-encoding': 'gzip', 'accept-encoding': 'gzip'},
    body: gzipSync(JSON.stringify({query: '{ __schema { types { name description } } }'})),
  });
  assert.equal(response.headers.get('content-encoding'), 'gzip');
  assert.ok((await response.json()).data.__schema.types.length > 10);
});

test('a document that was sent once is known by its hash', async () => {
  const query = `{ post(id: 5) { title } } # ${Math.random()}`;
  const unknown = await post({extensions: hashed(query)});
  assert.equal(unknown.body.errors[0].message, 'PersistedQueryNotFound');
  assert.equal(code(unknown), 'PERSISTED_QUERY_NOT_FOUND');
  assert.deepEqual((await post({query, extensions: hashed(query)})).body, {data: {post: {title: 'post 5'}}});
  // A shard learns by itself: another one may not know it yet.
  const answers = await Promise.all(Array.from({length: 24}, () => post({extensions: hashed(query)})));
  assert.ok(answers.some((answer) => answer.body.data?.post.title === 'post 5'));
  assert.equal(reason(await post({query: '{__typename}', extensions: hashed(query + 'x')})), 'hash_mismatch');
});

test('documents of the folder', async () => {
  const stored = 'query Stored { post(id: 1) { title } }\n';
  const data = {data: {post: {title: 'post 1'}}};
  for (const to of [url, strictUrl, onlyUrl]) assert.deepEqual((await post({extensions: hashed(stored)}, {to})).body, data);
  assert.deepEqual((await post({query: stored}, {to: onlyUrl})).body, data);
  assert.equal(reason(await post({query: '{__typename}'}, {to: onlyUrl})), 'not_persisted');
  assert.equal(code(await post({extensions: hashed('{__typename}')}, {to: onlyUrl})), 'PERSISTED_QUERY_NOT_FOUND');
});

for (const [name, query, want] of [
  ['depth', '{a: listPosts { posts { user { id } } } }', null],
  ['too deep', '{ __schema { types { fields { type { name } } } } }', 'too_deep'],
  ['aliases', '{ a: __typename b: __typename c: __typename }', 'too_many_aliases'],
  ['complexity', '{ listPosts(pageSize: 100) { posts { id title } } }', 'too_complex'],
  ['upstream calls', '{ post(id: 1) { id } listPosts { posts { id } } echo { tenant } a: post(id: 2) { id } }', 'too_many_upstream_calls'],
  ['introspection', '{ __schema { queryType { name } } }', 'introspection_closed'],
]) {
  test(`limits: ${name}`, async () => {
    const answer = await post({query}, {to: strictUrl, headers: {accept: 'application/graphql-response+json'}});
    if (want === null) {
      assert.equal(answer.body.errors, undefined);
    } else {
      assert.equal(answer.status, 400);
      assert.equal(reason(answer), want);
      assert.equal('data' in answer.body, false);
    }
  });
}

test('limits: calls that only joins need', async () => {
  const body = await ask('{ listPosts(pageSize: 4) { posts { user { id } } } post(id: 1) { id } }', {}, {to: strictUrl});
  assert.equal(body.data.listPosts.posts.length, 4);
  assert.equal(body.errors[0].extensions.reason, 'too_many_upstream_calls');
});

test('limits: a large response', async () => {
  const body = await ask('{ listPosts(pageSize: 60) { posts { title } } }', {}, {to: strictUrl});
  assert.equal(body.data, null);
  assert.equal(body.errors[0].extensions.reason, 'response_too_large');
});
