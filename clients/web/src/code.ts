/** The canonical codes of google.rpc.Code, spelled as Parley's JSON protocols spell them. */
export const codes = [
  "ok",
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

export type Code = (typeof codes)[number];

/** Either spelling (`NOT_FOUND`, `not_found`), Connect's `canceled`, or gRPC's number. What is none of them is `unknown`. */
export function codeOf(value: unknown): Code {
  if (typeof value === "number") return codes[value] ?? "unknown";
  const lower = String(value).toLowerCase();
  if (lower === "canceled") return "cancelled";
  return codes.find((code) => code === lower) ?? "unknown";
}
