type Child = Node | string | false | undefined;
type Properties = Record<string, string | number | boolean | ((event: any) => void) | undefined>;

function fill(element: Element, properties: Properties, children: Child[]): void {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== false && child !== undefined));
}

/** An element: attributes, listeners by the event's name, children. Text is text, never markup. */
export function h<Name extends keyof HTMLElementTagNameMap>(name: Name, properties: Properties = {}, ...children: Child[]): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  fill(element, properties, children);
  return element;
}

export function svg(name: string, properties: Properties = {}, ...children: Child[]): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  fill(element, properties, children);
  return element;
}

export function find<Found extends Element = HTMLElement>(selector: string): Found {
  const found = document.querySelector<Found>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

export function toast(text: string): void {
  const note = h("p", { class: "toast" }, text);
  find("#toasts").append(note);
  setTimeout(() => note.remove(), 4000);
}

/** What a part of the page says instead of showing nothing. */
export function notice(title: string, text: string): HTMLElement {
  return h("div", { class: "notice" }, h("strong", {}, title), h("p", {}, text));
}
