/** A page that reads and writes compressed archives; Playwright calls its functions. */
import {
  bytesSource,
  httpSource,
  memorySink,
  openArchive,
  type ReadStats,
  type RequestEvent,
  type Value,
  writeArchive,
} from "@peekpack/core";
import { type S3StoreOptions, s3Store } from "@peekpack/s3";
import { zstdSink, zstdSource } from "@peekpack/zstd";

export interface Leaf {
  readonly value: Value;
  readonly stats: ReadStats;
  readonly events: readonly RequestEvent[];
}

/** Reads one value of a compressed archive. */
async function readLeaf(url: string, path: string): Promise<Leaf> {
  const events: RequestEvent[] = [];
  const source = zstdSource(httpSource(url, { suffixRanges: true }), {
    onRequest: (event) => events.push(event),
  });
  const archive = await openArchive(source);
  const value = await archive.read(path);
  const { stats } = archive;
  await archive.close();
  return { value, stats, events };
}

/** Writes rows to S3 through workers. Returns the compressed size, and one row that was read again. */
async function writeRows(
  access: S3StoreOptions,
  path: string,
  rows: number,
): Promise<{ readonly size: number; readonly row: Value }> {
  const store = s3Store(access);
  async function* generate(): AsyncGenerator<unknown> {
    for (let i = 0; i < rows; i++) yield { id: i, text: `row ${i} `.repeat(200) };
  }
  const result = await writeArchive(zstdSink(store.sink(path)), generate());
  const archive = await openArchive(zstdSource(store.source(path)));
  return { size: result.size, row: await archive.read(String(rows - 1)) };
}

/** Compresses in a worker of the platform, in a factory's worker that cannot be loaded, and in the page. */
async function writeEverywhere(): Promise<readonly boolean[]> {
  const value = Array.from(
    { length: 40_000 },
    (_, i) => `text ${i} of a long list of texts, which has no end`,
  );
  const written: Uint8Array[] = [];
  const absent = (): Worker => new Worker("/no-such-worker.js", { type: "module" });
  for (const worker of [false, undefined, absent] as const) {
    const memory = memorySink();
    await writeArchive(zstdSink(memory, { worker }), value);
    written.push(memory.bytes());
  }
  const archive = await openArchive(zstdSource(bytesSource(written[0]!)));
  const same = written.map(
    (bytes) => bytes.length === written[0]!.length && bytes.every((b, i) => b === written[0]![i]),
  );
  return [...same, JSON.stringify(await archive.read()) === JSON.stringify(value)];
}

const page = { readLeaf, writeRows, writeEverywhere };

declare global {
  interface Window {
    readonly zstd: typeof page;
  }
}
Object.assign(window, { zstd: page });
