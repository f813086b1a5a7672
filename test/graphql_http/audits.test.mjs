// The audits of GraphQL over HTTP: every one that says MUST or SHOULD, and those that say MAY.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {serverAudits} from 'graphql-http';
import {url} from './nodes.mjs';

for (const audit of serverAudits({url})) {
  test(`${audit.id}: ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, 'ok', result.reason);
  });
}
