import { type Archive, isPeekpackError, LazyMap, type PathKey } from "@peekpack/core";
import { archiveLocation } from "./archive-location.js";
import { closest } from "./closest.js";
import { pathLabel } from "./key-label.js";

/** Keys that are compared with a mistyped one. */
const MAX_COMPARED_KEYS = 10_000;

/** An error while an archive was read, with the name of the archive and what can be done. */
export class ArchiveError extends Error {
  /** The archive as the argument names it, without the query of a URL. */
  readonly archive: string;
  /** What can be done, as a sentence. */
  readonly advice: string | undefined;

  constructor(archive: string, advice: string | undefined, cause: unknown) {
    super((cause as Error).message, { cause });
    this.name = "ArchiveError";
    this.archive = archive;
    this.advice = advice;
  }
}

/**
 * Adds the name of the archive and advice to an error. Other errors than PeekpackErrors are returned unchanged.
 * @param text the argument that names the archive
 * @param archive the archive, if it is open
 */
export async function archiveError(error: unknown, text: string, archive?: Archive): Promise<unknown> {
  if (!isPeekpackError(error)) return error;
  const location = archiveLocation(text);
  const name = location.kind === "url" ? location.url.replace(/[?#].*$/s, "") : text;
  switch (error.code) {
    case "network":
      return new ArchiveError(
        name,
        location.kind === "s3" ? "Is the endpoint right, and up?" : undefined,
        error,
      );
    case "not-found": {
      if (/\bNoSuchBucket\b/.test(error.message)) {
        return new ArchiveError(name, "Check the bucket's name and --endpoint.", error);
      }
      const similar = archive === undefined ? undefined : await similarPath(archive, error.path ?? []);
      return new ArchiveError(name, similar && `Did you mean ${similar}?`, error);
    }
    case "not-an-archive":
      return new ArchiveError(name, "peekpack write makes an archive of JSON.", error);
    case "unfinished":
      return new ArchiveError(name, "Its writer stopped before the end. Write it again.", error);
    case "truncated":
      return new ArchiveError(name, "Copy or upload it again.", error);
    case "denied":
      return new ArchiveError(name, location.kind === "s3" ? credentialAdvice(error) : undefined, error);
    default:
      return new ArchiveError(name, undefined, error);
  }
}

/** Advice for an S3 object that was refused. A message without a status already says that there are no credentials. */
function credentialAdvice({ message }: Error): string | undefined {
  return /\b40[013]\b/.test(message)
    ? "Check the credentials and the permissions of the bucket. For a public bucket there is --no-sign-request."
    : undefined;
}

/** The path to the key that a mistyped last key most likely means. */
async function similarPath(archive: Archive, path: readonly unknown[]): Promise<string | undefined> {
  const missing = path.at(-1);
  if (typeof missing !== "string") return undefined;
  const parent = path.slice(0, -1) as PathKey[];
  try {
    const container = await archive.get(parent);
    const keys: string[] = [];
    const all =
      container instanceof LazyMap ? container.keys() : container instanceof Map ? container.keys() : [];
    for await (const key of all) {
      if (keys.length === MAX_COMPARED_KEYS) break;
      if (typeof key === "string") keys.push(key);
    }
    const key = closest(missing, keys);
    return key === undefined ? undefined : pathLabel([...parent, key]);
  } catch (error) {
    // The advice is optional: the error is reported without it.
    if (isPeekpackError(error)) return undefined;
    throw error;
  }
}
