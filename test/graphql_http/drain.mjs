// Holds an event stream and a socket open, says "ready", and tells how each of them ended.
import WebSocket from 'ws';

const url = process.argv[2];
const query = 'subscription { watchPosts(count: 1, stay: true) { id } }';

const response = await fetch(url, {method: 'POST', headers: {'content-type': 'application/json', accept: 'text/event-stream'}, body: JSON.stringify({query})});
const stream = response.text().then((text) => (text.includes('event: complete') ? 'complete' : 'cut off'), (error) => `broken: ${error}`);

const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
const closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
await new Promise((resolve) => {
  socket.on('open', () => socket.send('{"type":"connection_init"}'));
  socket.on('message', (data) => {
    const {type} = JSON.parse(data);
    if (type === 'connection_ack') socket.send(JSON.stringify({id: '1', type: 'subscribe', payload: {query}}));
    if (type === 'next') resolve();
  });
});
console.log('ready');
console.log(JSON.stringify({stream: await stream, socket: await closed}));
