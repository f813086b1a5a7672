// The service behind the tests: plain JSON over HTTP. GET /calls tells what it was asked since the last time, and how many streams are open.
import {createServer} from 'node:http';

let calls = [];
let open = 0;

const post = (id) => ({id, title: `post ${id}`, userId: ((id - 1) % 4) + 1});
const fail = (response, status, code, message, details) => send(response, status, {code, message, details});

function send(response, status, body) {
  response.writeHead(status, {'content-type': 'application/json', 'x-served-by': 'blog'});
  response.end(JSON.stringify(body));
}

async function watch(url, response) {
  const count = Number(url.searchParams.get('count') ?? url.searchParams.get('count') ?? 0);
  const failAfter = Number(url.searchParams.get('fail_after') ?? url.searchParams.get('failAfter') ?? 0);
  response.writeHead(200, {'content-type': 'application/x-ndjson'});
  response.flushHeaders();
  ++open;
  response.on('close', () => --open);
  for (let id = 1; id <= count; ++id) {
    if (failAfter && id > failAfter) {
      response.end(JSON.stringify({error: {code: 14, message: 'the stream broke'}}) + '\n');
      return;
    }
    response.write(JSON.stringify(post(id)) + '\n');
  }
  if (url.searchParams.get('stay') !== 'true') response.end();
}

// Who is asked by a proxy keeps its connections for longer than that does: a request that meets a connection's end is lost, and may not be sent again.
createServer({keepAliveTimeout: 0}, async (request, response) => {
  const url = new URL(request.url, 'http://backend');
  if (url.pathname === '/calls') {
    send(response, 200, {calls, open});
    calls = [];
    return;
  }
  calls.push(`${request.method} ${url.pathname}${url.search}`);
  if (url.pathname === '/posts' && request.method === 'POST') {
    let text = '';
    for await (const chunk of request) text += chunk;
    send(response, 200, {...post(100), title: JSON.parse(text).title});
  } else if (url.pathname === '/posts') {
    const size = Number(url.searchParams.get('page_size') ?? url.searchParams.get('pageSize') ?? 3);
    send(response, 200, {posts: Array.from({length: size}, (_, i) => post(i + 1))});
  } else if (url.pathname === '/posts:watch') {
    await watch(url, response);
  } else if (url.pathname === '/posts/404') {
    fail(response, 404, 5, 'no post 404', [{'@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'GONE', domain: 'blog'}]);
  } else if (url.pathname.startsWith('/posts/')) {
    send(response, 200, post(Number(url.pathname.slice(7))));
  } else if (url.pathname === '/users') {
    const ids = url.searchParams.getAll('ids').map(Number);
    // The third user is not there, and the answers come in another order than the questions.
    send(response, 200, {users: ids.filter((id) => id !== 3).reverse().map((id) => ({id, name: `user ${id}`}))});
  } else if (url.pathname === '/echo') {
    const wait = Number(url.searchParams.get('sleep_ms') ?? url.searchParams.get('sleepMs') ?? 0);
    setTimeout(() => send(response, 200, {authorization: request.headers.authorization, tenant: request.headers['x-tenant']}), wait);
  } else {
    fail(response, 404, 5, `nothing at ${url.pathname}`);
  }
}).listen(Number(process.argv[2]), '127.0.0.1');
