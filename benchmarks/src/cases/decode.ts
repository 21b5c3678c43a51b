import type { Benchmark, Context } from "../benchmark.js";
import { contest } from "../contest.js";
import type { Entry } from "../contestant.js";
import type { DataSetName } from "../data-sets.js";
import { prepared } from "../prepared.js";
import { timeRow } from "../row.js";

/** Decodes a whole archive with peekpack, its data with the codec's own library, and the archive with msglc. */
async function run(context: Context, data: DataSetName, codec: "msgpack" | "cbor"): Promise<void> {
  const { scratch, python, rounds } = context;
  const files = await prepared(scratch, data, codec);
  const entries: Entry[] = [
    { name: "openArchive, read", job: "decoding/peekpack", parameters: { file: files.archive } },
    {
      name: codec === "msgpack" ? "msgpackr unpack" : "cbor-x decode",
      job: codec === "msgpack" ? "decoding/msgpackr" : "decoding/cborx",
      parameters: { file: files.data },
    },
  ];
  if (python === undefined) context.skip(`${data}: msglc`);
  else {
    entries.push({
      name: "msglc to_obj",
      job: "local/decode",
      parameters: { file: files.archive },
      python,
    });
  }
  const [ours, theirs, msglc] = await contest(entries, { rounds });
  context.row(timeRow(data, ours!, theirs!, codec === "msgpack" ? { atMost: 1 } : undefined));
  if (msglc !== undefined) context.row(timeRow(data, ours!, msglc, { atMost: 1 }));
}

/** A whole archive to plain objects. */
export const decode: Benchmark = {
  name: "decode",
  what: "a whole archive to plain values, against the codec on its data",
  async run(context) {
    for (const data of context.data) await run(context, data, "msgpack");
  },
};

/** The same in CBOR. */
export const decodeCbor: Benchmark = {
  name: "decode-cbor",
  what: "the same in CBOR",
  async run(context) {
    for (const data of context.data) await run(context, data, "cbor");
  },
};
