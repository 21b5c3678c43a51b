/** What every target does with the installed packages. Each check that fails says why. */
import { toTable } from "@peekpack/arrow";
import { encodeArchive, httpSource, memorySink, openArchive, writeArchive } from "@peekpack/core";
import { query } from "@peekpack/jsonpath";
import { s3Store } from "@peekpack/s3";
import { zstdSink, zstdSource } from "@peekpack/zstd";

const ROWS = Array.from({ length: 200 }, (_, id) => ({ id, gap: id / 10, text: "row ".repeat(20) }));
const VALUE = { rows: ROWS, big: 2n ** 60n };
/** Several parts, so that an upload in parts is tried as well. */
const LARGE = new Uint8Array(11 * 2 ** 20);

/** What a platform cannot do, for a reason that peekpack names. */
export class Limitation extends Error {}

export async function attempt(results, name, work) {
  try {
    await work();
    results[name] = "ok";
  } catch (error) {
    results[name] =
      error instanceof Limitation
        ? `– ${error.message}`
        : `${error?.code ?? error?.name ?? ""} ${error?.message ?? error}`.slice(0, 600);
  }
}

export function expectEqual(actual, expected) {
  if (!Object.is(actual, expected)) throw new Error(`${String(actual)} instead of ${String(expected)}`);
}

async function readBack(source) {
  const archive = await openArchive(source);
  expectEqual(await archive.read("rows/150/gap"), 15);
  expectEqual(await archive.read("big"), 2n ** 60n);
  await archive.close();
}

/** A source of bytes that only has the two methods of the interface. */
function sourceOf(bytes) {
  return {
    label: "bytes",
    local: true,
    probe: async ({ head, tail }) => ({
      size: bytes.length,
      head: bytes.slice(0, head),
      tail: bytes.slice(Math.max(0, bytes.length - tail)),
    }),
    read: async (ranges) => ranges.map(({ start, end }) => bytes.slice(start, end)),
  };
}

export async function exercise({ url, compressedUrl, s3 }, results = {}) {
  await attempt(results, "write, read", () => readBack(encodeArchive(VALUE)));
  await attempt(results, "CBOR", () => readBack(encodeArchive(VALUE, { codec: "cbor" })));
  await attempt(results, "HTTP", () => readBack(url));
  await attempt(results, "query, Arrow", async () => {
    const archive = await openArchive(encodeArchive(VALUE));
    const found = [];
    for await (const { value } of query(archive, '$.rows[?@.gap > 19.8 && match(@.text, "(row )+")].id'))
      found.push(value);
    expectEqual(found.join(), "199");
    expectEqual((await toTable(archive, { path: "rows", columns: ["gap"] })).numRows, 200);
  });
  await attempt(results, "decompress", () => readBack(zstdSource(httpSource(compressedUrl))));
  await attempt(results, "compress", async () => {
    const sink = memorySink();
    try {
      await writeArchive(zstdSink(sink, { worker: false }), VALUE);
    } catch (error) {
      if (error.code !== "denied" || !error.message.includes("set the compatibility flag nodejs_compat"))
        throw error;
      throw new Limitation("workerd compiles no WebAssembly: the error says that nodejs_compat is needed");
    }
    await readBack(zstdSource(sourceOf(sink.bytes())));
  });
  await attempt(results, "S3", async () => {
    const { bucket, ...access } = s3;
    const store = s3Store({ ...access, forcePathStyle: true });
    const path = `${bucket}/written-${Math.random()}`;
    await writeArchive(store.sink(path, { partSize: 5 * 2 ** 20 }), { ...VALUE, large: LARGE });
    await readBack(store.source(path));
    await store.close();
  });
  return results;
}
