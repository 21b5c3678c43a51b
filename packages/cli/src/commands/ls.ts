import type { Arguments } from "../arguments.js";
import { type Command, type Context, PATH_OPTIONS, READ_OPTIONS } from "../command.js";
import { shortJson } from "../json-text.js";
import { type Entry, entriesAt, entryLines } from "../listing.js";
import { archiveAndPath } from "../path-argument.js";
import { Places } from "../place.js";

/** `peekpack ls`: the entries of a container. */
export const ls: Command = {
  name: "ls",
  synopsis: "ARCHIVE [PATH]",
  summary: "List the entries of a map or a list: kind, items, bytes and key, one a line",
  details: [
    "Of a container with entries in the table of contents nothing but the table is read: its scalars and small",
    "containers are of kind value, and bytes is the encoded size. Other containers are read, and kinds are those of",
    "their values. A key that could be mistaken is printed as --path-json takes it. What is not known is -.",
  ].join("\n"),
  options: {
    ...READ_OPTIONS,
    ...PATH_OPTIONS,
    json: { help: "print a JSON list of objects with key, kind, items and bytes, one a line" },
  },
  positionals: [1, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path } = archiveAndPath(args);
  const archive = await new Places(args, context).open(name);
  try {
    const entries = entriesAt(archive, path);
    await context.output.writeAll(args.flag("json") ? jsonList(entries) : entryLines(entries));
  } finally {
    await archive.close();
  }
}

/** Characters that are collected before they are handed out. */
const PIECE = 64 * 1024;

async function* jsonList(entries: AsyncIterable<Entry>): AsyncGenerator<string> {
  let text = "[";
  let separator = "\n";
  for await (const { key, kind, items, bytes } of entries) {
    // A key that is no text stands in the notation, as --path-json takes it.
    const label = typeof key === "string" ? JSON.stringify(key) : shortJson(key, { tagged: true });
    text += `${separator}{"key":${label},${JSON.stringify({ kind, items, bytes }).slice(1)}`;
    separator = ",\n";
    if (text.length > PIECE) {
      yield text;
      text = "";
    }
  }
  yield `${text}\n]\n`;
}
