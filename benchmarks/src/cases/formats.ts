import { join } from "node:path";
import { randomNumbers } from "@peekpack/testing";
import type { Benchmark } from "../benchmark.js";
import { contest, medians } from "../contest.js";
import type { Entry } from "../contestant.js";
import { VALUES } from "../formats/values.js";
import { prepare, prepared } from "../prepared.js";
import { pythonPeers } from "../python-peers.js";
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
        context.skip("msglc, h5py, SQLite: they need Python, with msglc and s3fs");
      } else {
        const { endpoint, region, credentials } = remote.access;
        const object = (name: string): object => ({
          endpoint,
          region,
          credentials,
          path: `${remote.bucket}/${name}`,
        });
        entries.push({ name: "msglc", job: "remote/value", parameters: object("values.msglc"), python });
        const peers = await pythonPeers(python, scratch);
        if ("absent" in peers) {
          context.skip(`h5py, SQLite: ${peers.absent}`);
        } else {
          const { packages } = peers;
          const hdf5 = at("values.h5");
          const sqlite = at("values.sqlite");
          await prepare("formats/files", { packages, hdf5, sqlite, count: VALUES }, python);
          await remote.put("values.h5", hdf5);
          const url = await remote.put("values.sqlite", sqlite);
          entries.push(
            {
              name: "h5py through s3fs",
              job: "formats/h5py_s3fs",
              parameters: { packages, ...object("values.h5") },
              python,
            },
            {
              name: "SQLite over HTTP, by apsw",
              job: "formats/sqlite_http",
              parameters: { packages, url },
              python,
            },
          );
        }
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
