import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./", // wherever the node serves it
  resolve: { alias: { "@parley/web": fileURLToPath(new URL("../../../clients/web/src/index.ts", import.meta.url)) } },
  build: { target: "es2022", assetsDir: "assets", modulePreload: { polyfill: false } },
  // `npm run dev` beside a running node: ./dev up
  server: { proxy: { "/graphql": { target: "http://127.0.0.1:8080", ws: true }, "/ws": { target: "http://127.0.0.1:8080", ws: true } } },
});
