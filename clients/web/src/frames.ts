/**
 * The frames of the subprotocol `parley.json.v1` (docs/formats/websocket.md): text, each one JSON object with one member that says what it is.
 * Nothing else in this package knows how they look.
 */
import { codeOf } from "./code.js";
import { ParleyError, type Detail, type Status } from "./error.js";
import { mergeMetadata, type Metadata } from "./metadata.js";

export const subprotocol = "parley.json.v1";

/** What the first frame says of a call. */
export interface Start {
  readonly metadata?: Metadata | undefined;
  /** Milliseconds until the deadline. */
  readonly timeout?: number | undefined;
  /** Go on after this position of a shared stream. */
  readonly resume?: string | undefined;
  /** Begin with up to so many messages that a shared stream still has. */
  readonly history?: number | undefined;
  /** So many messages may come until there is credit. */
  readonly window?: number | undefined;
}

/** The frame that begins a call; undefined when there is nothing to say, for then the first message begins it. */
export function startFrame({ metadata = {}, timeout, resume, history, window }: Start): string | undefined {
  const fields = Object.entries(metadata).map(([name, value]) => [name, typeof value === "string" ? value : value.join(", ")] as const);
  const start = {
    ...(fields.length > 0 && { metadata: Object.fromEntries(fields) }),
    ...(timeout !== undefined && { timeout: `${Math.max(0, Math.ceil(timeout)) / 1000}s` }),
    ...(resume !== undefined && { resume }),
    ...(history !== undefined && { history }),
    ...(window !== undefined && { window }),
  };
  return Object.keys(start).length > 0 ? JSON.stringify({ start }) : undefined;
}

export const emptyStartFrame = '{"start":{}}';
export const endFrame = '{"end":{}}';
export const pingFrame = '{"ping":{}}';

/** So many more messages may come. */
export const creditFrame = (messages: number): string => JSON.stringify({ credit: messages });

/** `undefined` is no ProtoJSON: a message without fields is `{}`. */
export function messageFrame(message: unknown): string {
  return JSON.stringify({ message: message ?? {} });
}

export type ServerFrame =
  | { readonly kind: "headers"; readonly metadata: Metadata; readonly resumed: boolean }
  | { readonly kind: "message"; readonly message: unknown; readonly position: string | undefined }
  | { readonly kind: "skipped"; readonly messages: number }
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "pong" }
  | { readonly kind: "unknown" };

type Json = Record<string, any>;

/** Frames and members that are not known are skipped. Throws ParleyError (`internal`) where it is no frame at all. */
export function parseFrame(data: unknown): ServerFrame {
  const frame = objectOf(data);
  if ("message" in frame) return { kind: "message", message: frame["message"], position: frame["position"] };
  if ("headers" in frame)
    return { kind: "headers", metadata: mergeMetadata(frame["headers"].metadata), resumed: frame["headers"].resumed === true };
  if ("skipped" in frame) return { kind: "skipped", messages: Number(frame["skipped"].messages ?? 0) };
  if ("status" in frame) return { kind: "status", status: statusOf(frame["status"]) };
  return { kind: "pong" in frame ? "pong" : "unknown" };
}

function objectOf(data: unknown): Json {
  try {
    const frame: unknown = typeof data === "string" ? JSON.parse(data) : undefined;
    if (typeof frame === "object" && frame !== null) return frame as Json;
  } catch {
    // said below
  }
  throw new ParleyError("internal", "the server sent what is no frame of parley.json.v1", { reason: "bad_frame" });
}

function statusOf(status: Json): Status {
  const code = codeOf(status["code"]);
  return {
    code,
    message: status["message"] ?? "",
    reason: status["reason"] || code,
    details: (status["details"] as Detail[] | undefined) ?? [],
    metadata: mergeMetadata(status["trailers"] as Metadata | undefined),
  };
}
