import type { Benchmark } from "../benchmark.js";
import { contest } from "../contest.js";
import { prepared } from "../prepared.js";
import { timeRow } from "../row.js";

/** A million floats. */
export const column: Benchmark = {
  name: "column",
  what: "a list of a million floats to a Float64Array, against the codec on the same bytes",
  async run(context) {
    for (const codec of ["msgpack", "cbor"] as const) {
      const { archive, data } = await prepared(context.scratch, "column", codec);
      const [ours, opening, theirs] = await contest(
        [
          { name: "toTypedArray", job: "column/typedArray", parameters: { file: archive } },
          { name: "openArchive, toTypedArray", job: "column/openTypedArray", parameters: { file: archive } },
          codec === "msgpack"
            ? { name: "msgpackr unpack", job: "decoding/msgpackr", parameters: { file: data } }
            : { name: "cbor-x decode", job: "decoding/cborx", parameters: { file: data } },
        ],
        { rounds: context.rounds },
      );
      const label = codec === "msgpack" ? "1,000,000 floats" : "1,000,000 floats, CBOR";
      context.row(timeRow(label, ours!, theirs!, codec === "msgpack" ? { atMost: 0.25 } : undefined));
      context.row(timeRow(label, opening!, theirs!));
    }
  },
};
