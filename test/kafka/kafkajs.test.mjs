// kafkajs beside Parley on one Kafka: what a plain consumer sees of what Parley publishes, and what Parley takes from a plain producer.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Kafka, Partitioners, logLevel } from 'kafkajs';

const kafka = new Kafka({ brokers: [`127.0.0.1:${process.env.KAFKA_PORT}`], logLevel: logLevel.ERROR, connectionTimeout: 60_000, requestTimeout: 60_000 });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
const parley = `http://127.0.0.1:${process.env.PARLEY_PORT}`;
const queue = 'shop.Mailer/SendMail';
const queueTopic = 'shop.Mailer.SendMail';

async function post(path, message, headers = {}) {
  const answer = await fetch(parley + path, { method: 'POST', body: JSON.stringify(message), headers: { 'content-type': 'application/json', ...headers } });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

// The next delivery, settled.
async function next(name, group) {
  const more = group ? { group } : {};
  const { deliveries } = await post(`/parley/queues/${name}:lease`, { maxMessages: 1, wait: '120s', json: true, ...more });
  assert.equal(deliveries?.length, 1, `nothing came from ${name}`);
  await post(`/parley/queues/${name}:settle`, { settlements: [{ leaseId: deliveries[0].leaseId, kind: 'DONE' }], ...more });
  return deliveries[0];
}

// The records of a topic until there are `count`, read by a plain consumer with a group of its own.
async function consume(topic, count) {
  const consumer = kafka.consumer({ groupId: `plain-${topic}` });
  const records = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`only ${records.length} records of ${topic}`)), 120_000);
    consumer.run({ eachMessage: async ({ message }) => {
      records.push(message);
      if (records.length === count) { clearTimeout(late); resolve(); }
    } });
  });
  await consumer.disconnect();
  return records;
}

const headersOf = (record) => Object.fromEntries(Object.entries(record.headers).map(([name, value]) => [name, value.toString()]));

before(() => producer.connect());
after(() => producer.disconnect());

test('a plain consumer reads CloudEvents with key and Protobuf body', async () => {
  const receipt = await post('/shop.Mailer/SendMail', { customerId: 'c1', text: 'hello' }, { 'x-tenant': 't1' });
  const [record] = await consume(queueTopic, 1);
  const headers = headersOf(record);
  assert.equal(headers.ce_specversion, '1.0');
  assert.equal(headers.ce_id, receipt.messageId);
  assert.equal(headers.ce_type, 'shop.Mail');
  assert.ok(headers.ce_source);
  assert.ok(!Number.isNaN(Date.parse(headers.ce_time)));
  assert.equal(headers.ce_partitionkey, 'c1');
  assert.equal(headers['content-type'], 'application/protobuf');
  assert.equal(record.key.toString(), 'c1');
  assert.deepEqual(record.value, Buffer.from('\x0a\x02c1\x12\x05hello', 'latin1'));
  const delivery = await next(queue);
  assert.equal(delivery.message.id, receipt.messageId);
});

for (const [name, record, expected] of [
  ['JSON, no headers, null key', { value: '{"customerId":"c2","text":"plain"}' }, { customerId: 'c2', text: 'plain' }],
  ['JSON by its content-type', { key: 'c3', value: '{"text":"typed"}', headers: { 'content-type': 'application/json' } }, { text: 'typed' }],
  ['Protobuf, no headers', { key: 'c4', value: Buffer.from('\x0a\x02c4', 'latin1') }, undefined],
  ['Protobuf by its content-type', { value: Buffer.from('\x12\x01x', 'latin1'), headers: { 'content-type': 'application/protobuf' } }, undefined],
]) {
  test(`a plain producer feeds a queue: ${name}`, async () => {
    await producer.send({ topic: queueTopic, messages: [record] });
    const { message, attempt } = await next(queue);
    assert.equal(attempt, 1);
    // Protobuf whose type nobody said is not shown as JSON, but given as it is.
    if (expected) assert.deepEqual(message.json, expected);
    else assert.deepEqual(Buffer.from(message.payload, 'base64'), record.value);
    assert.ok(message.id);
    assert.equal(message.key ?? '', record.key ?? '');
  });
}

const structured = { specversion: '1.0', id: 's-1', source: '/js', type: 'shop.Mail', subject: 'mails', data: { customerId: 'c5', text: 'whole' } };

test('a plain producer feeds a queue: a CloudEvent in structured mode', async () => {
  await producer.send({ topic: queueTopic, messages: [{ key: 'c5', value: JSON.stringify(structured), headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8', 'x-own': 'kept' } }] });
  const { message } = await next(queue);
  assert.deepEqual([message.id, message.source, message.type, message.key], ['s-1', '/js', 'shop.Mail', 'c5']);
  assert.deepEqual(message.json, structured.data);
  assert.deepEqual(message.metadata, { 'ce-subject': 'mails', 'x-own': 'kept' });
});

test('a plain producer feeds a subscription, and Parley and kafkajs part keys alike', async () => {
  const keys = [...Array(8).keys()].map((n) => `order-${n}`);
  for (const key of keys) {
    await producer.send({ topic: 'orders', messages: [{ key, value: JSON.stringify({ orderId: key }), headers: { ce_type: 'shop.Placed', ce_id: `k-${key}` } }] });
    await fetch(`${parley}/topics/orders`, { method: 'POST', body: JSON.stringify({ orderId: key }), headers: {
      'content-type': 'application/json', 'ce-specversion': '1.0', 'ce-id': `p-${key}`, 'ce-type': 'shop.Placed', 'ce-source': '/test', 'ce-partitionkey': key } })
      .then(async (answer) => assert.ok(answer.ok, await answer.text()));
  }
  const seen = new Map();
  for (let n = 0; n < 2 * keys.length; n++) {
    const delivery = await next('orders', 'mailer');
    seen.set(delivery.message.id, delivery.position.split(':')[0]);
  }
  for (const key of keys) assert.equal(seen.get(`k-${key}`), seen.get(`p-${key}`), key);
  assert.equal(new Set(seen.values()).size, 2, 'both partitions');
});

test('a dead letter is readable with its reason', async () => {
  await producer.send({ topic: queueTopic, messages: [{ key: 'c9', value: '{"text":"poison"}', headers: { 'x-own': 'kept' } }] });
  const { deliveries } = await post(`/parley/queues/${queue}:lease`, { maxMessages: 1, wait: '120s' });
  await post(`/parley/queues/${queue}:settle`, { settlements: [{ leaseId: deliveries[0].leaseId, kind: 'KILL', reason: 'INVALID_ARGUMENT: poison' }] });
  const [record] = await consume(`${queueTopic}.dead`, 1);
  const headers = headersOf(record);
  assert.equal(headers['parley-dead-reason'], 'INVALID_ARGUMENT: poison');
  assert.equal(headers['parley-dead-attempts'], '1');
  assert.equal(headers['parley-dead-topic'], queueTopic);
  assert.equal(headers['x-own'], 'kept');
  assert.equal(record.key.toString(), 'c9');
  assert.equal(record.value.toString(), '{"text":"poison"}');
});
