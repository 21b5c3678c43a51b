import { verifyArchive } from "@peekpack/core/verify";
import type { Arguments } from "../arguments.js";
import { type Command, type Context, PATH_OPTIONS, READ_OPTIONS } from "../command.js";
import { archiveAndPath } from "../path-argument.js";
import { Places } from "../place.js";

/** `peekpack verify`: whether everything can be read and agrees. */
export const verify: Command = {
  name: "verify",
  synopsis: "ARCHIVE [PATH]",
  summary: "Read everything, and check that the table of contents, blocks and data agree",
  details: [
    "Every value and child archive at or below PATH is read and decoded. Reports the first fault with its place. The format",
    "has no checksums: a byte that was changed into another valid one is not found. A page index is compared with the",
    "table.",
  ].join("\n"),
  options: { ...READ_OPTIONS, ...PATH_OPTIONS },
  positionals: [1, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path } = archiveAndPath(args);
  const archive = await new Places(args, context).open(name);
  try {
    const { archives, values, bytes } = await verifyArchive(archive, path, context.signal);
    await context.output.write(
      `ok: ${values} values, ${bytes} bytes, ${archives} ${archives === 1 ? "archive" : "archives"}\n`,
    );
  } finally {
    await archive.close();
  }
}
