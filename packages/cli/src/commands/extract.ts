import { LazyList, LazyMap, openArchive, writeArchive } from "@peekpack/core";
import { ArchiveAccess } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import {
  type Command,
  type Context,
  DURABLE_OPTION,
  ENCODE_OPTIONS,
  encodeOptions,
  PATH_OPTIONS,
  PUT_OPTIONS,
  putMode,
  READ_OPTIONS,
} from "../command.js";
import { archiveAndPath } from "../path-argument.js";
import { archiveOfValue, copyArchive, copyBytes, rawBytesAt } from "../raw-bytes.js";
import { refuseSameLocation } from "../same-location.js";

/** `peekpack extract`: makes an archive of a part of an archive. */
export const extract: Command = {
  name: "extract",
  synopsis: "ARCHIVE PATH OUT",
  summary: "Write the value at a path as an archive of its own",
  details: [
    "A child archive is copied byte for byte, and encoding options have no effect. Any other value gets a table of its",
    "own. Its codec is that of ARCHIVE unless --codec is given. --path-json replaces PATH. OUT is a file,",
    "s3://bucket/key, or - for standard output.",
  ].join("\n"),
  options: { ...READ_OPTIONS, ...PATH_OPTIONS, ...ENCODE_OPTIONS, ...PUT_OPTIONS, ...DURABLE_OPTION },
  examples: [
    "extract data.msglc entries/17 entry-17.msglc",
    "extract --codec cbor s3://bucket/data.msglc config config.msglc",
  ],
  positionals: [2, 3],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path, rest } = archiveAndPath(args, 1);
  const { signal } = context;
  const access = new ArchiveAccess(args, context);
  const encoding = encodeOptions(args);
  const [out = ""] = rest;
  await refuseSameLocation([name], out);
  const sink = access.sink(out, putMode(args));
  await access.use(name, async (archive) => {
    const encoded = await rawBytesAt(archive, path, signal);
    if (encoded.isArchive) {
      // The header is known first, so that nothing is kept in memory.
      if (out === "-") await copyBytes(encoded, context.output);
      else await copyArchive(encoded, sink);
      return;
    }
    const value = await archive.get(path, { signal });
    const isLazy = value instanceof LazyMap || value instanceof LazyList;
    await writeArchive(
      sink,
      isLazy ? value : await openArchive(await archiveOfValue(archive, path, encoded)),
      {
        ...encoding,
        codec: encoding.codec ?? archive.info.codec,
        signal,
      },
    );
  });
  return undefined;
}
