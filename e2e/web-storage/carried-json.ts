/** Data on its way between a page and a test where nothing but JSON is carried: with bytes, dates, and what is undefined. */

type Marked =
  | { readonly "~": "undefined" }
  | { readonly "~": "date"; readonly time: number }
  | { readonly "~": "bytes"; readonly bytes: readonly number[] };

/** Writes data as JSON. */
export function toJson(data: unknown): string {
  return JSON.stringify(data, function (this: Record<string, unknown>, key, plain: unknown): unknown {
    // A date has become a string by now, but not in what holds it.
    const value = this[key];
    if (value === undefined) return { "~": "undefined" } satisfies Marked;
    if (value instanceof Date) return { "~": "date", time: value.getTime() } satisfies Marked;
    if (value instanceof Uint8Array) return { "~": "bytes", bytes: [...value] } satisfies Marked;
    return plain;
  });
}

/** Reads what {@link toJson} has written. */
export function fromJson(json: string): unknown {
  return revived(JSON.parse(json));
}

function revived(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(revived);
  if ("~" in value) {
    const marked = value as Marked;
    switch (marked["~"]) {
      case "undefined":
        return undefined;
      case "date":
        return new Date(marked.time);
      case "bytes":
        return Uint8Array.from(marked.bytes);
    }
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revived(inner)]));
}
