import { svg } from "./dom.ts";

const seconds = 60;
const width = 600;
const height = 160;

/** Orders a second over the last minute, the newest at the right edge. */
export class Chart {
  readonly element: SVGElement;
  private readonly area = svg("path", { class: "area" });
  private readonly line = svg("path", { class: "line" });
  private readonly dot = svg("circle", { class: "dot", r: 4 });
  private readonly values: number[] = Array<number>(seconds).fill(0);

  constructor() {
    const grid = [0.25, 0.5, 0.75].map((at) => svg("line", { class: "grid", x1: 0, x2: width, y1: height * at, y2: height * at }));
    this.element = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": "Orders a second, the last minute" }, ...grid, this.area, this.line, this.dot);
    this.draw();
  }

  add(value: number): void {
    this.values.push(value);
    this.values.splice(0, this.values.length - seconds);
    this.draw();
  }

  private draw(): void {
    const top = Math.max(4, ...this.values) * 1.15;
    const points = this.values.map((value, index) => [(index * width) / (seconds - 1), height - 2 - (value / top) * (height - 8)] as const);
    const line = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
    this.line.setAttribute("d", `M${line}`);
    this.area.setAttribute("d", `M0 ${height}L${line}L${width} ${height}Z`);
    const [x, y] = points[points.length - 1]!;
    this.dot.setAttribute("cx", String(x));
    this.dot.setAttribute("cy", String(y));
  }
}
