// A JSON service of every rpc of the contract: POST /package.Service/Method. The seed of its data comes with the request.
import {createServer} from 'node:http';
import {loadContract, Replies} from './replies.mjs';
import {worlds} from './worlds.mjs';

const root = loadContract();
const world = worlds[process.env.WORLD];

// The proxy keeps connections for two minutes: a request that met a connection's end would be lost.
createServer({keepAliveTimeout: 0}, async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const asked = text ? JSON.parse(text) : {};
  const rpc = request.url.slice(1);
  const replies = new Replies(root, world, request.headers['x-seed']);
  const send = (status, body, type = 'application/json') => {
    response.writeHead(status, {'content-type': type});
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  if (replies.method(rpc).responseStream) {
    const {messages, error} = replies.stream(rpc);
    if (error && !messages.length) return send(404, error);
    const lines = error ? [...messages, {error}] : messages;
    return send(200, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), 'application/x-ndjson');
  }
  const error = replies.error(rpc);
  if (error) return send(404, error);
  if (replies.isDocument(rpc)) return send(200, 'a page', 'text/plain');
  if (world.loaders[rpc]) return send(200, replies.loaded(rpc, asked));
  return send(200, replies.reply(rpc));
}).listen(Number(process.argv[2]), '127.0.0.1');
