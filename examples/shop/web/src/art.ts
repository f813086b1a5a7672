// What the products look like: a few strokes each, drawn in the colour of the text over a tint of the category.
import { svg } from "./dom.ts";

const strokes: Record<string, string> = {
  "oslo-lamp": "M22 82h34M39 82V58L60 36M52 28l22 14-6 12-24-14z",
  "tromso-candle": "M38 82V46h24v36zM50 46v-6M50 38c-7-7 0-12 0-18 0 6 7 11 0 18z",
  "fjord-mug": "M28 34h36v40c0 5-4 8-9 8H37c-5 0-9-3-9-8zM64 44h8c10 0 10 22 0 22h-8M40 26c0-5 4-5 4-10M52 26c0-5 4-5 4-10",
  "bergen-kettle": "M30 78h40c4-14 2-34-20-34S26 64 30 78zM50 44v-6M46 38h8M70 60l14-10M34 46c2-22 30-22 32 0",
  "alta-board": "M30 26h40v52H30zM50 26V14h-8v12M38 38v28",
  "voss-carafe": "M42 20h16M44 20v18c0 6-12 12-12 26 0 12 6 18 18 18s18-6 18-18c0-14-12-20-12-26V20M34 62h32",
  "lofoten-throw": "M24 28h52v38H24zM24 40h52M24 52h52M28 66v10M38 66v10M48 66v10M58 66v10M68 66v10",
  "narvik-clock": "M50 20a30 30 0 1 0 .1 0zM50 32v18l12 8M50 24v2M50 74v2M24 50h2M74 50h2",
  "stavanger-stool": "M26 40h48v8H26zM34 48l-6 34M66 48l6 34M32 64h36",
  "bodo-basket": "M24 48h52l-6 32H30zM34 48c0-30 32-30 32 0M28 58h44M29 68h42M42 48l2 32M58 48l-2 32",
  "hamar-notebook": "M30 20h40v60H30zM38 20v60M46 36h16M46 46h16",
  "roros-pen": "M30 74l6-18 30-30 12 12-30 30zM36 56l12 12M60 32l12 12",
};
const parcel = "M26 40l24-12 24 12v28L50 80 26 68zM26 40l24 12 24-12M50 52v28";

export function art(product: string): SVGElement {
  const id = product.slice(product.lastIndexOf("/") + 1);
  return svg("svg", { viewBox: "0 0 100 100", class: "art", "aria-hidden": "true" }, svg("path", { d: strokes[id] ?? parcel }));
}
