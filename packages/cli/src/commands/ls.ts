import type { Value } from "@peekpack/core";
import { shortJson } from "@peekpack/core/tagged";
import { ArchiveAccess } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import { type Command, type Context, PATH_OPTIONS, READ_OPTIONS } from "../command.js";
import { type Entry, entriesAt, entryLines, type MatchedEntry, matchesOf } from "../listing.js";
import { archiveAndPath, found } from "../path-argument.js";

/** `peekpack ls`: lists the entries of a container. */
export const ls: Command = {
  name: "ls",
  synopsis: "ARCHIVE [PATH]",
  summary: "List the entries of a map or a list: kind, items, bytes and key",
  details: [
    "If the entries are in the table of contents, only the table is read. Scalars and small containers then have the kind",
    "value, and bytes is the encoded size. Other containers are read, and the kinds are the types of their values.",
    "An ambiguous key is printed as --path-json takes it. - means unknown.",
    "In PATH, * stands for every key or index: every match is listed with its path. With --path-json, * is a key.",
  ].join("\n"),
  options: {
    ...READ_OPTIONS,
    ...PATH_OPTIONS,
    json: { help: "print a JSON list of objects with key (or path), kind, items and bytes, one per line" },
  },
  examples: ["ls data.msglc", "ls data.msglc 'entries/*/energy'", "ls --json s3://bucket/data.msglc entries"],
  positionals: [1, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path, pattern } = archiveAndPath(args);
  const { signal } = context;
  await new ArchiveAccess(args, context).use(name, async (archive) => {
    const entries =
      pattern === undefined
        ? entriesAt(archive, path, { signal })
        : found(matchesOf(archive, pattern, { signal }), path);
    await context.output.writeAll(
      args.flag("json") ? jsonList(entries) : entryLines(entries, context.output.style),
    );
  });
  return undefined;
}

/** Characters that are collected before they are written. */
const CHUNK = 64 * 1024;

async function* jsonList(entries: AsyncIterable<Entry | MatchedEntry>): AsyncGenerator<string> {
  let text = "[";
  let separator = "\n";
  for await (const entry of entries) {
    const { kind, items, bytes } = entry;
    const label = "path" in entry ? `"path":[${entry.path.map(exactKey)}]` : `"key":${exactKey(entry.key)}`;
    text += `${separator}{${label},${JSON.stringify({ kind, items, bytes }).slice(1)}`;
    separator = ",\n";
    if (text.length > CHUNK) {
      yield text;
      text = "";
    }
  }
  yield `${text}\n]\n`;
}

/** A key as `--path-json` takes it: one that is not a text is in the tagged notation. */
function exactKey(key: Value): string {
  return typeof key === "string" ? JSON.stringify(key) : shortJson(key, { tagged: true });
}
