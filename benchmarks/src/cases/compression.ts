import { execFileSync } from "node:child_process";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark, Context } from "../benchmark.js";
import { contest, type LapSeries, medians } from "../contest.js";
import type { Entry } from "../contestant.js";
import { DATA_SETS } from "../data-sets.js";
import { randomLeaf } from "../paths.js";
import { prepare, prepared } from "../prepared.js";
import { LATENCY_MS, startSlowRemote } from "../remote.js";
import { figureRow, rateRow, timeRow } from "../row.js";

/** 50 Mbit/s. */
const BYTES_PER_SECOND = 6_250_000;
const WARM_UP = 2;
/** Bound of browser-compat-data, compressed, in bytes. */
const MAX_STORED = 1_400_000;
const MiB = 1024 * 1024;
/** Bytes that are compressed in a lap, at least. */
const MIN_BYTES = 128 * MiB;
/** Bound of the memory for writing or reading a stream of any length. */
const MAX_RSS = 320 * MiB;

/** The version of the command zstd; undefined if it is absent. */
function zstdVersion(): string | undefined {
  try {
    return /v(\d[\d.]*)/.exec(execFileSync("zstd", ["--version"], { encoding: "utf8" }))?.[1];
  } catch {
    return undefined;
  }
}

/** An archive through `zstdSink`, against the command on the same bytes. */
export const compress: Benchmark = {
  name: "compress",
  what: "the bytes of an archive, repeated to 128 MiB, through zstdSink, level 3, against the command zstd with two threads",
  async run(context) {
    const version = zstdVersion();
    if (version === undefined) return context.skip("compressing: the command zstd is absent");
    for (const data of context.data) {
      const { archive } = await prepared(context.scratch, data, "msgpack");
      // The start of a process, or of workers, is no rate.
      const times = Math.ceil(MIN_BYTES / statSync(archive).size);
      const file = `${archive}.repeated`;
      await prepare("compression/repeat", { file: archive, times, into: file });
      const [ours, theirs] = await contest(
        [
          { name: "zstdSink, level 3", job: "compression/write", parameters: { file, level: 3 } },
          {
            name: `zstd ${version} -3 -T2`,
            job: "compression/command",
            parameters: { file, args: ["-3", "-T2"] },
          },
        ],
        { rounds: context.rounds, warmUpMs: 0 },
      );
      rmSync(file);
      context.row(rateRow(data, ours!, theirs!, { atLeast: 0.8 }));
    }
  },
};

/** Peak memory for a compressed archive of any length. */
export const compressedStream: Benchmark = {
  name: "compressed-stream",
  what: "peak memory of a process that writes a long compressed archive, and of one that reads all of it",
  async run(context) {
    const size = Math.ceil(context.streamBytes / MiB) * MiB;
    const parameters = { file: join(context.scratch, "stream.zst"), size };
    for (const [name, job] of [
      ["writeArchive to zstdSink", "stream"],
      ["select of zstdSource", "readStream"],
    ] as const) {
      const series = await contest([{ name, job: `compression/${job}`, parameters }], {
        rounds: 1,
        lapMs: 0,
        warmUpMs: 0,
        warmUpLaps: 0,
      });
      const { peakRssBytes: rssBytes, wallMs, facts } = medians(series[0]!);
      const ours = { name, wallMs, facts: { ...facts, rssBytes }, figure: rssBytes };
      const bound = { name: `${MAX_RSS / MiB} MiB`, facts: {}, figure: MAX_RSS };
      context.row(figureRow(`a stream of ${size / MiB} MiB`, "peak RSS", ours, bound, { atMost: 1 }));
    }
    rmSync(parameters.file);
  },
};

/** Storage, a cold leaf, and everything: a compressed archive against the same archive and against JSON.gz. */
export const compressed: Benchmark = {
  name: "compressed",
  what: `browser-compat-data as archive.zst and as archive, both with a page index, and as JSON.gz: stored, over ${LATENCY_MS} ms and 50 Mbit/s, and from memory`,
  async run(context) {
    const { scratch } = context;
    const at = (name: string): string => join(scratch, `compressed.${name}`);
    const files = { archive: at("archive"), zst: at("zst"), gz: at("json.gz") };
    await prepare("compression/files", files);
    const [zst, plain, gz] = [files.zst, files.archive, files.gz].map((file, i) => {
      const bytes = statSync(file).size;
      return { name: ["archive.zst", "archive", "JSON.gz"][i]!, facts: { bytes }, figure: bytes };
    });
    context.row(figureRow("stored", "bytes", zst!, plain!));
    const bound = { name: "bound", facts: { bytes: MAX_STORED }, figure: MAX_STORED };
    context.row(figureRow("stored", "bytes", zst!, bound, { atMost: 1 }));
    context.row(figureRow("stored", "bytes", zst!, gz!));
    await overLink(context, files);
    const [ours, ...peers] = await contest(
      [
        {
          name: "archive.zst",
          job: "compression/compressedInMemory",
          parameters: { file: files.zst },
        },
        { name: "archive", job: "compression/archiveInMemory", parameters: { file: files.archive } },
        { name: "JSON.gz", job: "compression/jsonInMemory", parameters: { file: files.gz } },
      ],
      { rounds: context.rounds },
    );
    for (const [i, peer] of peers.entries()) {
      context.row(timeRow("everything from memory", ours!, peer, i === 0 ? { atMost: 1.5 } : undefined));
    }
  },
};

/** Reads a random leaf, and everything, through a proxy with latency and bandwidth. */
async function overLink(
  context: Context,
  files: { readonly archive: string; readonly zst: string; readonly gz: string },
): Promise<void> {
  const root = DATA_SETS["browser-compat-data"]();
  const remote = await startSlowRemote(context.log, BYTES_PER_SECOND);
  try {
    const put = async (key: string, file: string): Promise<{ readonly url: string }> => ({
      url: await remote.put(key, file),
    });
    const entries: Entry[] = [
      {
        name: "archive.zst",
        job: "compression/compressed",
        parameters: await put("data.msglc.zst", files.zst),
      },
      { name: "archive", job: "compression/archive", parameters: await put("data.msglc", files.archive) },
      { name: "JSON.gz", job: "compression/json", parameters: await put("data.json.gz", files.gz) },
    ];
    const run = (argument: (round: number) => unknown): Promise<LapSeries[]> =>
      contest(
        entries,
        { rounds: context.rounds, lapMs: 0, warmUpMs: 0, warmUpLaps: WARM_UP },
        {
          argument,
          ...remote.counting,
        },
      );
    const [leaf, ...peers] = await run((round) => randomLeaf(root, round));
    for (const peer of peers) context.row(timeRow("a cold leaf", leaf!, peer));
    const { facts } = medians(leaf!);
    const bounds = { "round trips": 3, bodyBytes: 48 * 1024 };
    for (const [name, bound] of Object.entries(bounds)) {
      const ours = { name: leaf!.name, facts: { [name]: facts[name]! }, figure: facts[name]! };
      const peer = { name: "bound", facts: { [name]: bound }, figure: bound };
      const measure = name === "bodyBytes" ? "bytes" : name;
      context.row(figureRow("a cold leaf", measure, ours, peer, { atMost: 1 }));
    }
    const [whole, ...others] = await run(() => undefined);
    for (const [i, other] of others.entries()) {
      context.row(timeRow("everything over 50 Mbit/s", whole!, other, i === 0 ? { atMost: 1 } : undefined));
    }
  } finally {
    await remote.close();
  }
}
