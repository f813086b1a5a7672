// A JSON service of every rpc of the contract: POST /package.Service/Method. The seed of its data comes with the request.
import {createServer} from 'node:http';
import {loadContract, Replies} from './replies.mjs';

const root = loadContract();

createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const asked = text ? JSON.parse(text) : {};
  const rpc = request.url.slice(1);
  const replies = new Replies(root, request.headers['x-seed']);
  const send = (status, body, type = 'application/json') => {
    response.writeHead(status, {'content-type': type});
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const error = replies.error(rpc);
  if (error) return send(404, error);
  if (rpc === 'awkward.v1.Awkward/BatchGetThings') return send(200, {things: (asked.ids ?? []).map((id) => replies.thing(id)).filter(Boolean).reverse()});
  if (rpc === 'awkward.v1.Awkward/ListPartsOfThings') return send(200, {parts: (asked.thingIds ?? []).flatMap((id) => replies.parts(id))});
  if (rpc === 'awkward.v1.Awkward/Page') return send(200, 'a page', 'text/plain');
  if (rpc === 'awkward.v1.Another/GetThing') return send(200, replies.thing(asked.id) ?? {});
  return send(200, replies.reply(rpc));
}).listen(Number(process.argv[2]), '127.0.0.1');
