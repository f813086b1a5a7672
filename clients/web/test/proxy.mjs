// A TCP proxy that does what networks do: cut(), stall() and flow(), refuse() and accept(). It is at `here`, one of PROXY_PORTS (test/web_client/run.py): while it refuses, nobody else may
// take the place, least of all a client that tries to connect to it, as the kernel lets it where that is a port of its own choice.
import net from "node:net";

export const places = JSON.parse(process.env.PROXY_PORTS ?? "[]");

export async function proxy(port, here) {
  const pairs = new Set();
  let stalled = false;
  const server = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    const pair = [near, far];
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near]]) {
      if (!stalled) from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  const listen = (at) => new Promise((resolve) => server.listen(at, "127.0.0.1", resolve));
  const self = {
    connections: () => pairs.size,
    /** Every connection ends at once, with a reset where the system lets us. */
    cut() {
      for (const pair of pairs) for (const side of pair) side.resetAndDestroy();
    },
    /** Nothing goes through any more, and nobody is told: a network that is gone. */
    stall() {
      stalled = true;
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
    },
    flow() {
      stalled = false;
      for (const [near, far] of pairs) {
        near.pipe(far);
        far.pipe(near);
      }
    },
    async refuse() {
      self.cut();
      await new Promise((resolve) => server.close(resolve));
    },
    accept: async () => server.listening || listen(here),
    async stop() {
      self.cut();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
  await listen(here);
  self.port = here;
  return self;
}
