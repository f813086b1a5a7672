// Support: one bidirectional call over WebSocket for as long as the window is open. When it breaks, another is begun, and what was not answered is sent again.
import { Backoff, ParleyError } from "@parley/web";
import type { Line } from "./contract.ts";
import { find, h } from "./dom.ts";
import { shop } from "./shop.ts";

export class Chat {
  private readonly lines = h("div", { class: "lines", role: "log", "aria-label": "Conversation" });
  private readonly field = h("input", { type: "text", placeholder: "Ask us anything", "aria-label": "Your message", autocomplete: "off", enterkeyhint: "send" });
  private readonly form = h("form", { submit: (event: Event) => this.said(event) }, this.field, h("button", { type: "submit", "aria-label": "Send" }, "↑"));
  private readonly window = h(
    "section",
    { class: "window", "aria-label": "Support", hidden: true },
    h("header", {}, h("strong", {}, "Support"), h("span", { class: "how" }, "bidirectional stream"), h("button", { class: "close", "aria-label": "Close", click: () => this.close() }, "×")),
    this.lines,
    this.form,
  );
  private readonly button = h("button", { class: "bubble", "aria-label": "Support", click: () => this.open() }, "Support");
  private call: ReturnType<typeof shop.bidi<"shop.Support/Chat">> | undefined;
  private unanswered: string[] = [];
  private greeted = false;
  private isOpen = false;

  constructor() {
    find("#chat").append(this.window, this.button);
    this.window.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  open(): void {
    this.window.hidden = false;
    this.button.hidden = true;
    this.isOpen = true;
    this.field.focus();
    if (!this.call) void this.talk();
  }

  close(): void {
    this.window.hidden = true;
    this.button.hidden = false;
    this.isOpen = false;
    this.call?.end(); // support says goodbye
    this.button.focus();
  }

  private async talk(): Promise<void> {
    const backoff = new Backoff({ first: 300, max: 5000 });
    while (this.isOpen) {
      try {
        this.call = shop.bidi("shop.Support/Chat");
        let first = true;
        const again = [...this.unanswered];
        for (const text of again) void this.call.send({ author: "you", text });
        for await (const line of this.call) {
          backoff.reset();
          this.window.classList.remove("lost");
          if (!first && this.isOpen) this.unanswered.shift();
          if (!first || !this.greeted) this.show(line);
          first = false;
          this.greeted = true;
        }
        break; // both have hung up
      } catch (error) {
        if (!(error instanceof ParleyError) || error.code !== "unavailable") {
          const missing = error instanceof ParleyError && ["not_found", "unimplemented"].includes(error.code);
          this.note(missing ? "The chat needs WebSocket, which this node does not serve." : (error as Error).message);
          this.field.disabled = true;
          break;
        }
        this.window.classList.add("lost");
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      }
    }
    this.call = undefined;
    this.greeted = false;
    this.unanswered = [];
    if (this.isOpen && !this.field.disabled) void this.talk();
  }

  private said(event: Event): void {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.show({ author: "you", text });
    this.unanswered.push(text);
    void this.call?.send({ author: "you", text });
  }

  private show({ author, text = "" }: Line): void {
    this.lines.append(h("p", { class: author === "support" ? "theirs" : "ours" }, text));
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  private note(text: string): void {
    this.lines.append(h("p", { class: "note" }, text));
  }
}
