// As few extras as Hive Gateway has: validation stays on, identical requests are not joined.
import { defineConfig } from "@graphql-hive/gateway";

export const gatewayConfig = defineConfig({
  supergraph: process.env.SUPERGRAPH,
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  graphiql: false,
  landingPage: false,
  logging: "error",
});
