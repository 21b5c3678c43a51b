import { isPeekpackError, type PathKey } from "@peekpack/core";
import { fromTagged } from "@peekpack/core/tagged";
import { type Arguments, UsageError } from "./arguments.js";

/** Where a command is to look. */
export interface ArchiveAndPath {
  readonly archive: string;
  /** Empty: the root. */
  readonly path: readonly PathKey[];
  /** The arguments behind the path. */
  readonly rest: readonly string[];
}

/**
 * Takes the archive, a path and what follows out of the arguments. The path is PATH, or `--path-json`, which then leaves
 * no place for PATH.
 *
 * @param rest how many arguments follow the path; where there are any, a path must be given
 * @throws UsageError when there are too few or too many
 */
export function archiveAndPath(args: Arguments, rest = 0): ArchiveAndPath {
  const [archive = "", ...more] = args.positionals;
  const json = args.text("path-json");
  const text = more.length > rest ? more[0] : undefined;
  if (json !== undefined && text !== undefined) throw new UsageError("give PATH or --path-json, not both");
  if (rest > 0 && json === undefined && text === undefined) throw new UsageError("too few arguments");
  return {
    archive,
    path: json === undefined ? textPath(text ?? "") : exactPath(json),
    rest: text === undefined ? more : more.slice(1),
  };
}

/** The segments of a path in text, as the reader splits it. */
export function textPath(text: string): readonly string[] {
  return text.split("/").filter((segment) => segment !== "");
}

/**
 * A path from its JSON: a list of keys and indices in the notation of `tagged.ts`, so that a key which is no text can be
 * given too.
 * @throws UsageError when it is none
 */
export function exactPath(json: string): readonly PathKey[] {
  try {
    const segments = fromTagged(JSON.parse(json), { floats: "number" });
    if (Array.isArray(segments) && segments.every(isKey)) return segments;
  } catch (error) {
    if (!(error instanceof SyntaxError || isPeekpackError(error))) throw error;
  }
  throw new UsageError('a path in JSON is a list of keys and indices, as in ["a/b", 0]');
}

function isKey(segment: unknown): segment is PathKey {
  return (
    segment === null ||
    segment instanceof Uint8Array ||
    (typeof segment !== "object" && segment !== undefined)
  );
}
