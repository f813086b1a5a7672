import { codeOf } from "./code.js";
import { ParleyError } from "./error.js";

const patience = 3000; // milliseconds

/**
 * Why a socket did not open. Browsers keep the server's answer to a handshake from the page, so the address is asked once more, as plain HTTP: a node that knows no
 * such rpc says so in a problem document (RFC 9457). Without an answer it is `unavailable`. Nothing of the call was sent in either case.
 */
export async function explainRefusal(url: string): Promise<ParleyError> {
  const unavailable = new ParleyError("unavailable", `no connection to ${new URL(url).host}`, { reason: "connect_failed", safeToRetry: true });
  if (typeof fetch !== "function") return unavailable;
  try {
    const answer = await fetch(url.replace(/^ws/, "http"), { signal: AbortSignal.timeout(patience), headers: { accept: "application/problem+json" } });
    const problem = (await answer.json()) as Record<string, any>;
    if (![403, 404].includes(answer.status) || !("code" in problem)) return unavailable;
    const { code, reason, detail, title, details } = problem;
    return new ParleyError(codeOf(code), String(detail ?? title), { reason, details, safeToRetry: true });
  } catch {
    return unavailable;
  }
}
