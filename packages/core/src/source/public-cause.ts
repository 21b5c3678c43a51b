/** A cause that may be shown: name, message and code of the original error, without queries and passwords. */
export function publicCause(error: unknown): Error {
  // The message of fetch only says that it failed. Its cause says why.
  const inner = ((error as Error)?.cause ?? error) as { name?: string; message?: unknown; code?: unknown };
  const text = String(inner?.message ?? inner).replace(/\?\S*|\/\/[^/\s@]*@/g, "");
  const shown = new Error(typeof inner?.code === "string" ? `${text} (${inner.code})` : text);
  shown.name = inner?.name ?? "Error";
  return shown;
}
