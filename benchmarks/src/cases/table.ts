import { statSync } from "node:fs";
import type { Benchmark } from "../benchmark.js";
import { contest, medians } from "../contest.js";
import { prepared } from "../prepared.js";
import { figureRow, timeRow } from "../row.js";

/** Opens archives whose tables have a million nodes. */
export const millionNodes: Benchmark = {
  name: "million-nodes",
  what: "open an archive with a table of a million nodes, against unpacking the table",
  async run(context) {
    const { scratch, rounds } = context;
    for (const [dataSet, label] of [
      ["nodes", "1,000 × 1,000 nodes"],
      ["nodes-flat", "1,000,000 nodes in one map"],
    ] as const) {
      const { archive: file, table } = await prepared(scratch, dataSet, "msgpack");
      const parameters = { file, flat: dataSet === "nodes-flat" };
      const bytes = statSync(table).size;
      const [open, first, later, unpack] = await contest(
        [
          { name: "openArchive", job: "table/open", parameters },
          { name: "openArchive, read one value", job: "table/openAndRead", parameters },
          { name: "1,000 later reads", job: "table/read", parameters },
          { name: "msgpackr unpack of the table", job: "decoding/msgpackr", parameters: { file: table } },
        ],
        { rounds },
      );
      context.row(timeRow(label, open!, unpack!, { atMost: 0.1 }));
      context.row(timeRow(label, first!, unpack!));
      context.row(timeRow(label, later!, unpack!));
      const held = await contest(
        [
          { name: "openArchive of a file", job: "table/memory", parameters },
          { name: "msgpackr unpack of the table", job: "table/unpackedMemory", parameters: { table } },
        ],
        { rounds: 3, lapMs: 0, warmUpMs: 0 },
      );
      const [ours, theirs] = held.map((series) => ({
        name: series.name,
        figure: medians(series).facts.heldBytes!,
        facts: { heldBytes: medians(series).facts.heldBytes! },
      }));
      const table_ = { name: "the table's bytes", figure: bytes, facts: { bytes } };
      context.row(figureRow(label, "memory retained", ours!, table_, { atMost: 1.2 }));
      context.row(figureRow(label, "memory retained", ours!, theirs!));
    }
  },
};
