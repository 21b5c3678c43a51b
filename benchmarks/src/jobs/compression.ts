import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  type ArchiveSink,
  bytesSource,
  encodeArchive,
  HEADER_SIZE,
  httpSource,
  listOf,
  memorySink,
  openArchive,
  type RangeSource,
  type RequestEvent,
  type RequestListener,
  writeArchive,
} from "@peekpack/core";
import { fileSink, fileSource } from "@peekpack/node-storage";
import { randomNumbers, roundTrips } from "@peekpack/testing";
import { zstdSink, zstdSource } from "@peekpack/zstd";
import { DATA_SETS } from "../data-sets.js";
import type { Facts, Job, Jobs } from "../job.js";

/** Bytes of a chunk that is written. */
const CHUNK = 2 ** 20;

/** Writes an archive through the compression. */
async function compress(archive: Uint8Array, sink: ArchiveSink, level?: number): Promise<void> {
  const compressing = zstdSink(sink, { level });
  for (let at = HEADER_SIZE; at < archive.length; at += CHUNK) {
    await compressing.write(archive.subarray(at, at + CHUNK));
  }
  await compressing.finish(archive.subarray(0, HEADER_SIZE));
}

/** A sink that only counts. */
function nullSink(): ArchiveSink {
  let size = HEADER_SIZE;
  return {
    async write({ length }) {
      size += length;
    },
    finish: async () => ({ size }),
    abort: async () => {},
  };
}

interface Stream {
  readonly file: string;
  /** Of the content: a multiple of 1 MiB. */
  readonly size: number;
}

/** Distinct texts of 1 MiB that shrink to about a third. */
function* texts(count: number): Generator<string> {
  const random = randomNumbers(7);
  const lines = Array.from({ length: 997 }, (_, i) => {
    const samples = Array.from({ length: 400 }, () => random().toFixed(2));
    return `{"line": ${i}, "samples": [${samples}], "tags": ["alpha", "beta"]}`;
  });
  let line = 0;
  for (let i = 0; i < count; i++) {
    let text = "";
    while (text.length < CHUNK) text += `${line} ${lines[line++ % lines.length]}\n`;
    yield text.slice(0, CHUNK);
  }
}

/** A path as an array of keys; undefined for the whole. */
type Path = readonly string[] | undefined;

function at(root: unknown, path: Path): unknown {
  return (path ?? []).reduce((value, key) => (value as Readonly<Record<string, unknown>>)[key], root);
}

/** Each run opens the archive anew, and reads a path or the whole. */
function reader(source: (onRequest: RequestListener) => RangeSource): Job {
  let events: RequestEvent[] = [];
  const onRequest = (event: RequestEvent): void => {
    events.push(event);
  };
  return {
    async run(path) {
      events = [];
      // A compressed source has an engine of its own, which reports its requests.
      const archive = await openArchive(source(onRequest), { onRequest });
      const value = await archive.read((path as Path) ?? []);
      await archive.close();
      return value;
    },
    after: (): Facts => (events.length === 0 ? {} : { "round trips": roundTrips(events) }),
  };
}

export const jobs: Jobs = {
  /** Writes browser-compat-data as an archive with a page index, as that archive compressed, and as compressed JSON. */
  files({ archive, zst, gz }: { readonly archive: string; readonly zst: string; readonly gz: string }): Job {
    return {
      async run() {
        const value = DATA_SETS["browser-compat-data"]();
        const bytes = encodeArchive(value, { pageIndex: true });
        const sink = memorySink();
        await compress(bytes, sink);
        writeFileSync(archive, bytes);
        writeFileSync(zst, sink.bytes());
        writeFileSync(gz, gzipSync(JSON.stringify(value), { level: 9 }));
      },
    };
  },
  /** Writes a file several times in a row into another one. */
  repeat({
    file,
    times,
    into,
  }: {
    readonly file: string;
    readonly times: number;
    readonly into: string;
  }): Job {
    return {
      run() {
        const bytes = readFileSync(file);
        const out = openSync(into, "w");
        for (let i = 0; i < times; i++) writeSync(out, bytes);
        closeSync(out);
      },
    };
  },
  write({ file, level }: { readonly file: string; readonly level: number }): Job {
    const archive = readFileSync(file);
    return { facts: { bytes: archive.length }, run: () => compress(archive, nullSink(), level) };
  },
  /** The command `zstd`, with its start. */
  command({ file, args }: { readonly file: string; readonly args: readonly string[] }): Job {
    return {
      async run() {
        const child = spawn("zstd", [...args, "-q", "-c", file], {
          stdio: ["ignore", openSync("/dev/null", "w"), "inherit"],
        });
        const [code] = (await once(child, "close")) as [number];
        if (code !== 0) throw new Error("zstd has failed.");
      },
    };
  },
  /** Writes a list of texts of 1 MiB as a compressed archive. */
  stream({ file, size }: Stream): Job {
    return {
      run() {
        const count = size / CHUNK;
        return writeArchive(zstdSink(fileSink(file)), listOf(texts(count), { count }));
      },
      after: () => ({ compressedBytes: statSync(file).size }),
    };
  },
  /** Reads that list, one text after another. */
  readStream({ file, size }: Stream): Job {
    return {
      async run() {
        const archive = await openArchive(zstdSource(fileSource(file)));
        let bytes = 0;
        for await (const { value } of archive.select("*")) bytes += (value as string).length;
        await archive.close();
        if (bytes !== size) throw new Error(`${bytes} bytes were read, not ${size}.`);
      },
    };
  },
  archive: ({ url }: { readonly url: string }): Job => reader(() => httpSource(url)),
  compressed: ({ url }: { readonly url: string }): Job =>
    reader((onRequest) => zstdSource(httpSource(url), { onRequest })),
  json: ({ url }: { readonly url: string }): Job => ({
    async run(path) {
      const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
      return at(JSON.parse(gunzipSync(bytes).toString()), path as Path);
    },
    after: () => ({ "round trips": 1 }),
  }),
  archiveInMemory({ file }: { readonly file: string }): Job {
    const bytes = readFileSync(file);
    return reader(() => bytesSource(bytes));
  },
  compressedInMemory({ file }: { readonly file: string }): Job {
    const bytes = readFileSync(file);
    return reader(() => zstdSource(bytesSource(bytes)));
  },
  jsonInMemory({ file }: { readonly file: string }): Job {
    const bytes = readFileSync(file);
    return { run: () => JSON.parse(gunzipSync(bytes).toString()) };
  },
};
