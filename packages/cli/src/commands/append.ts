import { appendArchives } from "@peekpack/core";
import type { Arguments } from "../arguments.js";
import { openChildren } from "../children.js";
import { type Command, type Context, PLACE_OPTIONS } from "../command.js";
import { Places } from "../place.js";

/** `peekpack append`: more children for a combined archive. */
export const append: Command = {
  name: "append",
  synopsis: "ARCHIVE NAME=ARCHIVE...",
  summary: "Add archives to a combined one",
  details: [
    "Names as in combine: ARCHIVE decides whether there must be any. It is replaced when all has been written, and only",
    "when it is still the one that was read.",
  ].join("\n"),
  options: PLACE_OPTIONS,
  positionals: [2, Number.POSITIVE_INFINITY],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [target = "", ...names] = args.positionals;
  const places = new Places(args, context);
  const children = openChildren(names, places);
  const { source, sink } = await places.replacement(target);
  try {
    await appendArchives({ source, sink }, children, { signal: context.signal });
  } finally {
    for (const each of [source, ...children.map((child) => child.source)]) await each.close?.();
  }
}
