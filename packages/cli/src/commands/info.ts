import type { Arguments } from "../arguments.js";
import { type Command, type Context, PATH_OPTIONS, READ_OPTIONS } from "../command.js";
import { archiveFacts, factLines, factsAt } from "../facts.js";
import { archiveAndPath } from "../path-argument.js";
import { Places } from "../place.js";

/** `peekpack info`: what an archive, or what lies at a path in it, is. */
export const info: Command = {
  name: "info",
  synopsis: "ARCHIVE [PATH]",
  summary: "Tell what an archive is, or what lies at a path in it",
  details: "Without PATH only the header and the table of contents are read.",
  options: { ...READ_OPTIONS, ...PATH_OPTIONS, json: { help: "print one JSON object" } },
  positionals: [1, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path } = archiveAndPath(args);
  const archive = await new Places(args, context).open(name);
  try {
    const facts = path.length === 0 ? archiveFacts(archive) : await factsAt(archive, path);
    await context.output.write(args.flag("json") ? `${JSON.stringify(facts)}\n` : factLines(facts));
  } finally {
    await archive.close();
  }
}
