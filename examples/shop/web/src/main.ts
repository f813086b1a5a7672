import type { StateChange } from "@parley/web";
import "./style.css";
import { Chat } from "./chat.ts";
import { find } from "./dom.ts";
import { showLobby } from "./lobby.ts";
import { Orders } from "./orders.ts";
import { showProducts } from "./products.ts";
import { showTill } from "./till.ts";

const orders = new Orders();
const light = find("#light");
const texts = { connecting: "connecting", open: "live", waiting: "reconnecting", closed: "offline" } as const;
let wasLost = false;

function shine({ state, error }: StateChange): void {
  light.dataset["state"] = state;
  light.textContent = texts[state];
  light.title = error?.message ?? "";
  // Somebody may have ordered while the node was away.
  if (state === "open" && wasLost) void orders.refresh();
  wasLost = state === "waiting" || (wasLost && state !== "open");
}

new Chat();
void showProducts((name) => void orders.refresh(name));
void orders.refresh();
void showTill(shine, () => void orders.refresh());
void showLobby();
