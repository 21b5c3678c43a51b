import { LazyList, LazyMap, openArchive, writeArchive } from "@peekpack/core";
import type { Arguments } from "../arguments.js";
import {
  type Command,
  type Context,
  ENCODE_OPTIONS,
  encodeOptions,
  PATH_OPTIONS,
  PUT_OPTIONS,
  putMode,
  READ_OPTIONS,
} from "../command.js";
import { archiveOfValue, copyArchive, copyBytes, encodedAt } from "../encoded-bytes.js";
import { archiveAndPath } from "../path-argument.js";
import { Places } from "../place.js";

/** `peekpack extract`: a part of an archive as an archive. */
export const extract: Command = {
  name: "extract",
  synopsis: "ARCHIVE PATH OUT",
  summary: "Make what lies at a path an archive of its own",
  details: [
    "A child archive is copied byte for byte, and the options of encoding do not matter. Anything else is written with a",
    "table of its own, in the codec of ARCHIVE unless said otherwise. With --path-json there is no PATH. OUT is a file,",
    "s3://bucket/key, or - for standard output.",
  ].join("\n"),
  options: { ...READ_OPTIONS, ...PATH_OPTIONS, ...ENCODE_OPTIONS, ...PUT_OPTIONS },
  positionals: [2, 3],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path, rest } = archiveAndPath(args, 1);
  const { signal } = context;
  const places = new Places(args, context);
  const encoding = encodeOptions(args);
  const [out = ""] = rest;
  const sink = places.sink(out, putMode(args));
  const archive = await places.open(name);
  try {
    const encoded = await encodedAt(archive, path, signal);
    if (encoded.isArchive) {
      // Its first bytes are known first: nothing need be kept in memory.
      if (out === "-") await copyBytes(encoded, context.output);
      else await copyArchive(encoded, sink);
      return;
    }
    const value = await archive.get(path, { signal });
    const lazy = value instanceof LazyMap || value instanceof LazyList;
    await writeArchive(sink, lazy ? value : await openArchive(await archiveOfValue(archive, path, encoded)), {
      ...encoding,
      codec: encoding.codec ?? archive.info.codec,
      signal,
    });
  } finally {
    await archive.close();
  }
}
