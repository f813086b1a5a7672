import http from 'node:http';

http.createServer((request, response) => {
  console.log(request.method, request.url);
  const name = decodeURIComponent(request.url.split('/').pop());
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ text: `Hello, ${name}!` }));
}).listen(7101, '127.0.0.1');
