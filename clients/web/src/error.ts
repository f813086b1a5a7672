import type { Code } from "./code.js";
import type { Metadata } from "./metadata.js";

/** One google.protobuf.Any in JSON: `@type` ends with the message's full name. */
export interface Detail {
  readonly "@type": string;
  readonly [field: string]: unknown;
}

/** How a call ended. */
export interface Status {
  readonly code: Code;
  /** For a person. */
  readonly message: string;
  /** A stable word for programs; the code when there is no better one. */
  readonly reason: string;
  readonly details: readonly Detail[];
  /** The metadata that came with the status (gRPC's trailers). */
  readonly metadata: Metadata;
}

type ErrorExtras = Partial<Pick<Status, "reason" | "details" | "metadata">> & { readonly cause?: unknown; readonly safeToRetry?: boolean };

/** Why a call failed, be it the service's answer, Parley's, or the connection's end. Every promise and iterator of this package rejects with it. */
export class ParleyError extends Error implements Status {
  override readonly name = "ParleyError";
  readonly code: Code;
  readonly reason: string;
  readonly details: readonly Detail[];
  readonly metadata: Metadata;
  /** Nothing of the call was sent: it can be made again, whatever it does. */
  readonly safeToRetry: boolean;

  constructor(code: Code, message: string, more: ErrorExtras = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.safeToRetry = more.safeToRetry ?? false;
    this.code = code;
    this.reason = more.reason || code;
    this.details = more.details ?? [];
    this.metadata = more.metadata ?? {};
  }

  static of(status: Status): ParleyError {
    return new ParleyError(status.code, status.message, status);
  }

  /** The first detail of a type such as `google.rpc.ErrorInfo`. */
  detail(type: string): Detail | undefined {
    return this.details.find((detail) => detail["@type"] === type || detail["@type"].endsWith(`/${type}`));
  }

  /** What a server asks to wait before another try (google.rpc.RetryInfo), in milliseconds. */
  get retryAfter(): number | undefined {
    const delay = /^(\d+(?:\.\d+)?)s$/.exec(String(this.detail("google.rpc.RetryInfo")?.["retryDelay"] ?? ""));
    return delay ? Math.ceil(Number(delay[1]) * 1000) : undefined;
  }
}

/** Whatever was thrown, as a ParleyError. */
export function asParleyError(thrown: unknown): ParleyError {
  if (thrown instanceof ParleyError) return thrown;
  return new ParleyError("unknown", thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}
