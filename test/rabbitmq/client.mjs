// A plain AMQP client: client.mjs URL publish EXCHANGE KEY OPTIONS BODY | get QUEUE | bind EXCHANGE KEY (prints what comes first)
import amqp from 'amqplib';

const [url, command, ...rest] = process.argv.slice(2);
const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();

function print(message) {
  const {content, fields, properties} = message;
  console.log(JSON.stringify({body: content.toString('latin1'), routingKey: fields.routingKey, ...properties}));
}

if (command === 'publish') {
  const [exchange, key, options, body] = rest;
  channel.publish(exchange, key, Buffer.from(body, 'latin1'), {persistent: true, mandatory: true, ...JSON.parse(options)});
  await channel.waitForConfirms();
} else if (command === 'get') {
  const message = await channel.get(rest[0]);
  if (message) {
    print(message);
    channel.ack(message);
  }
} else if (command === 'bind') {
  const {queue} = await channel.assertQueue('', {exclusive: true});
  await channel.bindQueue(queue, rest[0], rest[1]);
  console.log('bound');
  await new Promise(done => channel.consume(queue, message => { print(message); done(); }, {noAck: true}));
}
await channel.close();
await connection.close();
