// The shop's contract, as far as this page calls it over WebSocket.
import { createClient, type BidiStream, type ClientStream, type ServerStream } from "@parley/web";
import type { Money } from "./format.ts";

export interface NewOrder {
  customer: string;
  items: { product: string; quantity: number; unitPrice: Money }[];
  labels?: Record<string, string>;
}

export interface Sales {
  time?: string;
  orders?: number;
  revenue?: Money;
  totalOrders?: string;
  openOrders?: string;
}

export interface ImportSummary {
  imported?: number;
  rejected?: { index?: number; reason?: string }[];
  totals?: Record<string, string>;
}

export interface Line {
  author?: string;
  text?: string;
  time?: string;
}

interface Shop {
  "shop.Orders/WatchSales": ServerStream<Record<string, never>, Sales>;
  "shop.Orders/ImportOrders": ClientStream<NewOrder, ImportSummary>;
  "shop.Support/Chat": BidiStream<Line, Line>;
}

/** The node that this page came from. */
export const node = new URL(".", document.baseURI);

export const shop = createClient<Shop>(node, { reconnect: { first: 250, max: 5000 }, liveness: { every: 8000, timeout: 4000 } });
