// The lobby: visitors write to each other. Each page watches the room and says its lines by a call of their own; Parley asks the service for one stream, whatever the number of pages.
import { ParleyError, type Gap } from "@parley/web";
import type { Line } from "./contract.ts";
import { find, h, notice, toast } from "./dom.ts";
import { idOf } from "./format.ts";
import { shop } from "./shop.ts";

const room = "rooms/lobby";
const kept = 100; // lines that the page shows

/** The customer whom the visitor has chosen above. */
const me = () => document.querySelector<HTMLSelectElement>("#who")?.value ?? "customers/somebody";

async function say(field: HTMLInputElement): Promise<void> {
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  try {
    await shop.unary("shop.Support/Say", { room, author: me(), text }, { timeout: 30_000 });
  } catch (error) {
    if (!field.value) field.value = text;
    toast(`Not said: ${(error as Error).message}`);
  }
}

function bubble({ author = "", text = "", time }: Line): HTMLElement {
  const at = time ? new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";
  return h("p", { class: author === me() ? "ours" : "theirs" }, h("span", { class: "by" }, `${idOf(author)} ${at}`), text);
}

/** Shows the room for as long as the page is open. */
export async function showLobby(): Promise<void> {
  const body = find("#lobby .body");
  const lines = h("div", { class: "lines", role: "log", "aria-label": "What was said" });
  const field = h("input", { type: "text", maxlength: 500, placeholder: "Say something to everybody here", "aria-label": "Your line", autocomplete: "off", enterkeyhint: "send" });
  const form = h("form", {}, field, h("button", { type: "submit", "aria-label": "Say it" }, "↑"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void say(field);
  });
  body.replaceChildren(h("div", { class: "room" }, lines, form));
  try {
    // A reconnection goes on where the page was. Where nobody knows that place any more, as after a restart, what the room still has comes again.
    const onGap = ({ messages }: Gap) => messages === undefined && lines.replaceChildren();
    for await (const line of shop.stream("shop.Support/WatchRoom", { name: room }, { history: kept, onGap })) {
      lines.append(bubble(line));
      while (lines.childElementCount > kept) lines.firstElementChild?.remove();
      lines.scrollTop = lines.scrollHeight;
    }
  } catch (error) {
    const missing = error instanceof ParleyError && ["not_found", "unimplemented"].includes(error.code);
    const text = missing ? "It is a stream over WebSocket, at /ws/shop.Support/WatchRoom, and this node does not serve it." : (error as Error).message;
    body.replaceChildren(notice("The lobby is not there", text));
  }
}
