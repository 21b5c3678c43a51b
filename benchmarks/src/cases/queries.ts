import { join } from "node:path";
import type { Benchmark } from "../benchmark.js";
import { contest, type LapSeries, medians } from "../contest.js";
import { prepare } from "../prepared.js";
import { LATENCY_MS, startSlowRemote } from "../remote.js";
import { figureRow, type Side, timeRow } from "../row.js";

/** Each lap takes seconds. */
const MAX_ROUNDS = 5;

/** What is asked: half of the entries, a thousandth of them, and a thousand in a row. */
const QUERIES = {
  dense: "$.entries[?@.gap > 1.5].energy",
  selective: "$.entries[?@.gap > 2.997].energy",
  slice: "$.entries[50000:51000].energy",
};

/** JSONPath over an archive on S3, against downloading it. */
export const queries: Benchmark = {
  name: "queries",
  what: `open an archive of 100,000 entries with a page index on S3 and take all results of a JSONPath query, with ${LATENCY_MS} ms of latency per request, against downloading the archive, reading it, and json-p3`,
  async run(context) {
    const files = {
      nodes: join(context.scratch, "entries.nodes.msglc"),
      blocks: join(context.scratch, "entries.blocks.msglc"),
    };
    await prepare("querying/archives", files);
    const remote = await startSlowRemote(context.log);
    try {
      for (const [shape, file] of Object.entries(files)) {
        const url = await remote.put(`${shape}.msglc`, file);
        for (const [name, path] of Object.entries(QUERIES)) {
          const label = `${name}, ${shape === "nodes" ? "a node each" : "in blocks"}`;
          const parameters = { url, path };
          const [ours, theirs] = await contest(
            [
              { name: "query", job: "querying/peekpack", parameters },
              { name: "download, json-p3", job: "querying/download", parameters },
            ],
            { rounds: Math.min(context.rounds, MAX_ROUNDS), lapMs: 0, warmUpMs: 0, warmUpLaps: 1 },
            remote.counting,
          );
          if (count(ours!) !== count(theirs!)) throw new Error(`${label}: other results than json-p3.`);
          context.row(timeRow(label, ours!, theirs!, { atMost: 1.1 }));
          context.row(figureRow(label, "bytes", bytes(ours!), bytes(theirs!), { atMost: 1.1 }));
        }
      }
    } finally {
      await remote.close();
    }
  },
};

const count = (series: LapSeries): number => medians(series).facts.results!;

function bytes(series: LapSeries): Side & { readonly figure: number } {
  const { facts } = medians(series);
  return { name: series.name, facts, figure: facts.bodyBytes! };
}
