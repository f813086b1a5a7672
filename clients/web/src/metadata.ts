/**
 * What travels beside messages: header fields. Names are lower-case; the value of a name that ends in `-bin` is base64. A name that occurs more than
 * once has a list.
 */
export type Metadata = Readonly<Record<string, string | readonly string[]>>;

/** Later fields replace earlier ones of the same name. */
export function mergeMetadata(...parts: readonly (Metadata | undefined)[]): Metadata {
  const merged: Record<string, string | readonly string[]> = {};
  for (const part of parts) for (const [name, value] of Object.entries(part ?? {})) merged[name.toLowerCase()] = value;
  return merged;
}
