import { verifyArchive } from "@peekpack/core/verify";
import { ArchiveAccess } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import { type Command, type Context, PATH_OPTIONS, READ_OPTIONS } from "../command.js";
import { archiveAndPath } from "../path-argument.js";

/** `peekpack verify`: reads everything and checks that it agrees. */
export const verify: Command = {
  name: "verify",
  synopsis: "ARCHIVE [PATH]",
  summary: "Read everything, and check that the table of contents, blocks and data agree",
  details: [
    "Every value and child archive at PATH and below it is read and decoded. A page index is compared with the table. The",
    "first fault is reported with its path and offset. The format has no checksums: a byte that was changed into another",
    "valid byte is not found.",
  ].join("\n"),
  options: { ...READ_OPTIONS, ...PATH_OPTIONS },
  examples: ["verify data.msglc", "verify s3://bucket/data.msglc entries/0:100"],
  positionals: [1, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path } = archiveAndPath(args);
  await new ArchiveAccess(args, context).use(name, async (archive) => {
    const { archives, values, bytes } = await verifyArchive(archive, path, context.signal);
    await context.output.write(
      `ok: ${values} values, ${bytes} bytes, ${archives} ${archives === 1 ? "archive" : "archives"}\n`,
    );
  });
  return undefined;
}
