import { isPeekpackError } from "@peekpack/core";
import { toTagged } from "@peekpack/core/tagged";
import { type Verified, verifyArchive } from "@peekpack/core/verify";
import { ArchiveAccess } from "../archive-access.js";
import { ArchiveError } from "../archive-error.js";
import type { Arguments } from "../arguments.js";
import { type Command, type Context, PATH_OPTIONS, READ_OPTIONS } from "../command.js";
import { archiveAndPath } from "../path-argument.js";
import type { Style } from "../style.js";

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
  options: {
    ...READ_OPTIONS,
    ...PATH_OPTIONS,
    json: {
      help: "print one JSON object: ok, with what was verified, or with code, message, path and offset",
    },
  },
  examples: ["verify data.msglc", "verify s3://bucket/data.msglc entries/0:100", "verify --json data.msglc"],
  positionals: [1, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path } = archiveAndPath(args);
  const { output, signal } = context;
  const json = args.flag("json");
  try {
    const access = new ArchiveAccess(args, context);
    const verified = await access.use(
      name,
      (archive) => {
        if (path.length === 0) access.expect(archive.info.size);
        return verifyArchive(archive, path, signal);
      },
      { usePageIndex: true },
    );
    await output.write(json ? resultJson(verified) : `ok: ${summary(verified, output.style)}\n`);
  } catch (error) {
    if (json && error instanceof ArchiveError) await output.write(faultJson(error.cause));
    throw error;
  }
  return undefined;
}

function resultJson({ archives, values, bytes, pageIndexes }: Verified): string {
  return `${JSON.stringify({ ok: true, archives, values, bytes, pageIndexes })}\n`;
}

function faultJson(error: unknown): string {
  if (!isPeekpackError(error)) return "";
  const { code, message, path, section, offset } = error;
  // Keys that are not text are in the tagged notation.
  const keys = path?.map((key) => toTagged(key));
  return `${JSON.stringify({ ok: false, code, message, path: keys, section, offset })}\n`;
}

function summary({ archives, values, bytes }: Verified, style: Style): string {
  const size = style.isTerminal ? style.bytes(bytes) : `${bytes} bytes`;
  const noun = archives === 1 ? "archive" : "archives";
  return `${style.count(values)} values, ${size}, ${style.count(archives)} ${noun}`;
}
