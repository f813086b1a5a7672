/** What this package uses of a WebSocket: the browser's, Node's own (from Node 22) and that of the npm package `ws` all have it. */
export interface SocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly protocol: string;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  /** Only `ws` has these two: stops and goes on reading from the network. */
  pause?(): void;
  resume?(): void;
}

/** `readyState` of a socket that takes frames. */
export const socketOpen = 1;

export type SocketClass = new (url: string, protocols: string[]) => SocketLike;

/** The runtime's own class. */
export function nativeSocket(): SocketClass {
  const found = (globalThis as { WebSocket?: SocketClass }).WebSocket;
  if (!found) throw new TypeError("this runtime has no WebSocket: give one, as in createClient(url, { WebSocket }) with that of the package `ws`");
  return found;
}

/** The address of an rpc: `base` is a page's or a node's URL, with http or ws, and may have a path in front of `/ws`. */
export function socketUrl(base: string | URL, method: string): string {
  const here = (globalThis as { location?: { href: string } }).location?.href;
  const url = new URL(base, here);
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.pathname = `${url.pathname.replace(/\/$/, "")}/ws/${method}`;
  url.search = "";
  url.hash = "";
  return url.href;
}
