// server.mjs PORT RATE BYTES  as ../ws/server.mjs, with uWebSockets and its own publish and subscribe.
import uWS from "@btc-vision/uwebsockets.js";

const [port, rate, bytes] = process.argv.slice(2).map(Number);
const app = uWS.App();
const options = { compression: uWS.DISABLED, maxBackpressure: 1 << 20, idleTimeout: 120 };

app.ws("/echo", { ...options, message: (socket, data, binary) => socket.send(data, binary) });
app.ws("/watch", { ...options, open: (socket) => socket.subscribe("lines") });
app.listen("127.0.0.1", port, (listening) => {
  if (!listening) process.exit(1);
});

function publish() {
  const nanoseconds = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  app.publish("lines", JSON.stringify({ text: `line ${nanoseconds}`.padEnd(bytes, ".") }), false);
}

const began = performance.now();
let seen = 0;
setInterval(() => {
  const due = Math.floor(((performance.now() - began) * rate) / 1000);
  for (let left = Math.min(due - seen, 4); left > 0; --left) publish();
  seen = due;
}, 1);
