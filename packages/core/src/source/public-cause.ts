/** A cause fit to be shown: name, message and code of the error behind it, without queries and passwords. */
export function publicCause(error: unknown): Error {
  // fetch says no more than that it failed; its cause tells why.
  const inner = ((error as Error)?.cause ?? error) as { name?: string; message?: unknown; code?: unknown };
  const text = String(inner?.message ?? inner).replace(/\?\S*|\/\/[^/\s@]*@/g, "");
  const shown = new Error(typeof inner?.code === "string" ? `${text} (${inner.code})` : text);
  shown.name = inner?.name ?? "Error";
  return shown;
}
