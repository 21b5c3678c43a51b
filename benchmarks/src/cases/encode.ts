import { join } from "node:path";
import type { Benchmark, Context } from "../benchmark.js";
import { contest } from "../contest.js";
import type { Entry } from "../contestant.js";
import type { DataSetName } from "../data-sets.js";
import { prepared } from "../prepared.js";
import { timeRow } from "../row.js";

/** Encodes a data set with peekpack, with the codec's own library, and with msglc. */
async function run(context: Context, data: DataSetName, codec: "msgpack" | "cbor"): Promise<void> {
  const { scratch, python, rounds } = context;
  const library: Entry =
    codec === "msgpack"
      ? { name: "msgpackr pack", job: "encoding/msgpackr", parameters: { data } }
      : { name: "cbor-x encode", job: "encoding/cborx", parameters: { data } };
  const entries: Entry[] = [
    { name: "encodeArchive", job: "encoding/peekpack", parameters: { data, codec } },
    library,
  ];
  if (python === undefined) {
    context.skip(`${data}: msglc`);
  } else {
    // To files in both: msglc's rust backend writes nothing else.
    const file = join(scratch, "ours.archive");
    const parameters = { data: (await prepared(scratch, data, "msgpack")).data, codec, backend: "rust" };
    entries.push(
      { name: "encodeArchive to a file", job: "encoding/peekpackFile", parameters: { data, codec, file } },
      {
        name: "msglc dump, rust",
        job: "local/encode",
        parameters: { ...parameters, target: join(scratch, "theirs.archive") },
        python,
      },
    );
  }
  const [ours, theirs, toFile, msglc] = await contest(entries, { rounds });
  context.row(timeRow(data, ours!, theirs!, codec === "msgpack" ? { atMost: 0.8 } : undefined));
  if (msglc !== undefined) context.row(timeRow(data, toFile!, msglc, { atMost: 1 }));
}

/** Encoding in memory, with a table of contents. */
export const encode: Benchmark = {
  name: "encode",
  what: "a value to a whole archive with its table of contents, against the codec without one",
  async run(context) {
    for (const data of context.data) await run(context, data, "msgpack");
  },
};

/** The same in CBOR. */
export const encodeCbor: Benchmark = {
  name: "encode-cbor",
  what: "the same in CBOR",
  async run(context) {
    for (const data of context.data) await run(context, data, "cbor");
  },
};

/** What a page index adds. */
export const encodeIndexed: Benchmark = {
  name: "encode-indexed",
  what: "a value to an archive with a page index, against the same without one",
  async run(context) {
    for (const data of context.data) {
      const entry = (name: string, pageIndex: boolean): Entry => ({
        name,
        job: "encoding/peekpack",
        parameters: { data, codec: "msgpack", pageIndex },
      });
      const [indexed, plain] = await contest(
        [entry("encodeArchive, pageIndex", true), entry("without an index", false)],
        { rounds: context.rounds },
      );
      context.row(timeRow(data, indexed!, plain!, { atMost: 1.15 }));
    }
  },
};
