// The shop's contract, as this page calls it over WebSocket. contract.ts is what `parley typescript examples/shop` prints.
import { createClient } from "@parley/web";
import type { Contract } from "./contract.ts";

/** The node that this page came from. */
export const node = new URL(".", document.baseURI);

export const shop = createClient<Contract>(node, { reconnect: { first: 250, max: 5000 }, liveness: { every: 8000, timeout: 4000 } });
