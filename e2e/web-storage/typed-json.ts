/** JSON with bytes, dates and `undefined`, for pages that WebDriver controls. */

type Tagged =
  | { readonly "~": "undefined" }
  | { readonly "~": "date"; readonly time: number }
  | { readonly "~": "bytes"; readonly bytes: readonly number[] };

/** Writes data as JSON. */
export function toJson(data: unknown): string {
  return JSON.stringify(data, function (this: Record<string, unknown>, key, plain: unknown): unknown {
    // JSON.stringify has already converted a date, but not in its holder.
    const value = this[key];
    if (value === undefined) return { "~": "undefined" } satisfies Tagged;
    if (value instanceof Date) return { "~": "date", time: value.getTime() } satisfies Tagged;
    if (value instanceof Uint8Array) return { "~": "bytes", bytes: [...value] } satisfies Tagged;
    return plain;
  });
}

/** Parses the result of {@link toJson}. */
export function fromJson(json: string): unknown {
  return restore(JSON.parse(json));
}

function restore(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(restore);
  if ("~" in value) {
    const tagged = value as Tagged;
    switch (tagged["~"]) {
      case "undefined":
        return undefined;
      case "date":
        return new Date(tagged.time);
      case "bytes":
        return Uint8Array.from(tagged.bytes);
    }
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, restore(inner)]));
}
