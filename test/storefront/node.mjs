// The node under test, which a test may stop and start again.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";

const log = "parley.log";
let child;

async function ready() {
  for (let i = 0; i < 1200; ++i) {
    if (child.exitCode !== null) throw new Error(`parley ended with ${child.exitCode}:\n${readFileSync(log)}`);
    const answer = await fetch(`${process.env.SHOP_ADMIN}readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`parley is not ready:\n${readFileSync(log)}`);
}

export async function start() {
  child = spawn(process.env.PARLEY_BINARY, ["up", "--config", "parley.yaml"], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => appendFileSync(log, data));
  process.once("exit", () => child.kill("SIGKILL"));
  await ready();
}

/** Asks it to stop, as an operator does, and waits until it has. */
export async function stop() {
  if (!child || child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const [code] = await ended;
  if (code !== 0) throw new Error(`parley ended with ${code}:\n${readFileSync(log)}`);
}
