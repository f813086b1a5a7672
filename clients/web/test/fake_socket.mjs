// A WebSocket without a network: the test is the server. `fake()` gives the class to hand to a client, and the sockets it made.
import { setImmediate } from "node:timers";

/** Lets everything that is ready run, also while node:test mocks the timers. */
export const settled = async () => {
  for (let i = 0; i < 5; ++i) await new Promise((resolve) => setImmediate(resolve));
};

export function fake({ open = true } = {}) {
  const sockets = [];
  class Socket {
    readyState = 0;
    bufferedAmount = 0;
    protocol = "";
    sent = []; // frames, parsed
    closedBy = undefined; // "client" or "server"

    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
      sockets.push(this);
      if (open) setImmediate(() => this.accept());
    }

    accept(protocol = "parley.json.v1") {
      if (this.readyState !== 0) return;
      Object.assign(this, { protocol, readyState: 1 });
      this.onopen?.({});
    }

    send(data) {
      this.sent.push(JSON.parse(data));
    }

    close(code) {
      this.#close("client", code ?? 1005, "");
    }

    /** The server's frames. */
    say(...frames) {
      for (const frame of frames) this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
    }

    /** The server closes, or the network breaks: 1006. */
    drop(code = 1006, reason = "") {
      this.#close("server", code, reason);
    }

    #close(by, code, reason) {
      if (this.closedBy) return;
      Object.assign(this, { closedBy: by, closeCode: code, readyState: 3 });
      setImmediate(() => this.onclose?.({ code, reason }));
    }
  }
  return { Socket, sockets };
}

/** The sockets' number `index`, when the client has made it and what is ready has run. */
export async function nth(sockets, index) {
  await settled();
  if (!sockets[index]) throw new Error(`the client has opened ${sockets.length} sockets`);
  return sockets[index];
}

export const ok = { status: { code: "OK" } };
