import { join } from "node:path";
import { randomNumbers } from "@peekpack/testing";
import type { Benchmark } from "../benchmark.js";
import { contest, medians } from "../contest.js";
import type { Entry } from "../contestant.js";
import { VALUES } from "../formats/values.js";
import { prepare, prepared } from "../prepared.js";
import { LATENCY_MS, startSlowRemote } from "../remote.js";
import { figureRow, timeRow } from "../row.js";

const WARM_UP = 4;

/** One cold value of a million, in several formats. */
export const coldFormats: Benchmark = {
  name: "cold-formats",
  what: `open and read one of ${VALUES.toLocaleString("en")} values on S3 with ${LATENCY_MS} ms of latency per request, in several formats`,
  async run(context) {
    const { scratch, python } = context;
    const { archive } = await prepared(scratch, "nodes-flat", "msgpack");
    const at = (name: string): string => join(scratch, name);
    const files = {
      pmtiles: at("values.pmtiles"),
      parquet: at("values.parquet"),
      zarrMetadata: at("values.zarr.json"),
      zarrShard: at("values.zarr.shard"),
    };
    await prepare("formats/files", files);
    const remote = await startSlowRemote(context.log);
    try {
      const url = await remote.put("values.msglc", archive);
      const entries: Entry[] = [
        { name: "peekpack", job: "formats/peekpack", parameters: { url } },
        {
          name: "PMTiles",
          job: "formats/pmtiles",
          parameters: { url: await remote.put("values.pmtiles", files.pmtiles) },
        },
        {
          name: "zarrita, one shard",
          job: "formats/zarr",
          parameters: {
            metadata: await remote.put("values/zarr.json", files.zarrMetadata),
            shard: await remote.put("values/c/0", files.zarrShard),
          },
        },
        {
          name: "hyparquet",
          job: "formats/parquet",
          parameters: { url: await remote.put("values.parquet", files.parquet) },
        },
      ];
      if (python === undefined) {
        context.skip("msglc: it needs msglc with s3fs");
      } else {
        const path = `${remote.bucket}/values.msglc`;
        const { endpoint, region, credentials } = remote.access;
        const parameters = { endpoint, region, credentials, path };
        entries.push({ name: "msglc", job: "remote/value", parameters, python });
      }
      const [ours, ...peers] = await contest(
        entries,
        { rounds: context.rounds, lapMs: 0, warmUpMs: 0, warmUpLaps: WARM_UP },
        {
          argument: (round) => Math.floor(randomNumbers(9000 + round)() * VALUES),
          ...remote.counting,
        },
      );
      for (const peer of peers) {
        context.row(timeRow("one value", ours!, peer));
        const [us, them] = [ours!, peer].map((series) => {
          const { facts } = medians(series);
          return { name: series.name, facts, figure: facts.bodyBytes! };
        });
        context.row(figureRow("one value", "bytes", us!, them!));
      }
    } finally {
      await remote.close();
    }
  },
};
