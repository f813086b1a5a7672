// server.mjs PORT RATE BYTES  a WebSocket server with `ws`: at /echo every message comes back, at /watch all get RATE lines of BYTES a second
// (bench/load/lines.h says what a line is). What it is too slow for it leaves out, and so it does for a socket that does not read.
import { WebSocketServer } from "ws";

const [port, rate, bytes] = process.argv.slice(2).map(Number);
const server = new WebSocketServer({ host: "127.0.0.1", port, perMessageDeflate: false });
const watchers = new Set();

server.on("connection", (socket, request) => {
  if (request.url === "/watch") {
    watchers.add(socket);
    socket.on("close", () => watchers.delete(socket));
  } else {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  }
});

function publish() {
  const nanoseconds = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  const line = Buffer.from(JSON.stringify({ text: `line ${nanoseconds}`.padEnd(bytes, ".") }));
  for (const socket of watchers) {
    if (socket.bufferedAmount < 1 << 20) socket.send(line, { binary: false });
  }
}

const began = performance.now();
let seen = 0;
setInterval(() => {
  const due = Math.floor(((performance.now() - began) * rate) / 1000);
  for (let left = Math.min(due - seen, 4); left > 0; --left) publish();
  seen = due;
}, 1);
