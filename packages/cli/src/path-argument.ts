import { ANY, isPeekpackError, type PathKey, type Pattern, PeekpackError, pointer } from "@peekpack/core";
import { fromTagged } from "@peekpack/core/tagged";
import { type Arguments, UsageError } from "./arguments.js";

/** The archive and the path that a command reads. */
export interface ArchiveAndPath {
  readonly archive: string;
  /** Empty: the root. */
  readonly path: readonly PathKey[];
  /** The pattern, if PATH has a segment `*`. A path in JSON and a JSON Pointer have none: there `*` is a key. */
  readonly pattern: Pattern | undefined;
  /** The arguments after the path. */
  readonly rest: readonly string[];
}

/**
 * Splits the arguments into the archive, the path and the rest. The path is PATH or `--path-json`, not both.
 *
 * @param rest how many arguments follow the path. If there are any, the path is required
 * @throws UsageError for too few or too many arguments
 */
export function archiveAndPath(args: Arguments, rest = 0): ArchiveAndPath {
  const [archive = "", ...more] = args.positionals;
  const json = args.text("path-json");
  const isPointer = args.flag("pointer");
  if (isPointer && json !== undefined) throw new UsageError("give --pointer or --path-json, not both");
  const text = more.length > rest ? more[0] : undefined;
  if (json !== undefined && text !== undefined) throw new UsageError("give PATH or --path-json, not both");
  if (rest > 0 && json === undefined && text === undefined) throw new UsageError("too few arguments");
  const split = isPointer ? pointer : textPath;
  const path = json === undefined ? split(text ?? "") : exactPath(json);
  const isPattern = json === undefined && !isPointer && path.includes("*");
  return {
    archive,
    path,
    pattern: isPattern ? path.map((segment) => (segment === "*" ? ANY : segment)) : undefined,
    rest: text === undefined ? more : more.slice(1),
  };
}

/** Passes the matches of a pattern on. @throws PeekpackError `not-found` if there are none */
export async function* found<T>(matches: AsyncIterable<T>, path: readonly PathKey[]): AsyncGenerator<T> {
  let any = false;
  for await (const match of matches) {
    any = true;
    yield match;
  }
  if (!any) throw new PeekpackError("not-found", `nothing matches ${path.join("/")}`);
}

/** The segments of a path in text, as the reader splits it. */
export function textPath(text: string): readonly string[] {
  return text.split("/").filter((segment) => segment !== "");
}

/**
 * Parses a path in JSON: a list of keys and indices in the tagged notation, which has a form for keys of every type.
 * @throws UsageError for anything else
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
