import { zstdSource } from "@peekpack/zstd";
import { ArchiveAccess } from "../archive-access.js";
import { archiveError } from "../archive-error.js";
import type { Arguments } from "../arguments.js";
import { ACCESS_OPTIONS, type Command, type Context, PUT_OPTIONS, putMode } from "../command.js";
import { copyObject } from "../compression.js";
import { refuseSameLocation } from "../same-location.js";

/** `peekpack decompress`: gives back a compressed archive. */
export const decompress: Command = {
  name: "decompress",
  synopsis: "ARCHIVE OUT",
  summary: "Write the content of a compressed archive, byte for byte",
  details: "ARCHIVE is in the Zstandard seekable format. The checksums of its frames are verified.",
  options: { ...ACCESS_OPTIONS, ...PUT_OPTIONS },
  examples: ["decompress data.msglc.zst data.msglc"],
  positionals: [2, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [name = "", out = ""] = args.positionals;
  await refuseSameLocation([name], out);
  const access = new ArchiveAccess(args, context);
  const source = zstdSource(access.source(name));
  try {
    await copyObject(source, access.sink(out, putMode(args)), context.signal);
  } catch (error) {
    throw await archiveError(error, name);
  } finally {
    await access.close();
  }
  return undefined;
}
