/** A service worker that spools, uploads and reads on request of the page. */
import { httpSource, listOf, openArchive, withRangeCache, writeArchive } from "@peekpack/core";
import { persistentCache, spoolSink } from "@peekpack/web-storage";
import { rows } from "../rows.js";
import { openTarget } from "./targets.js";

/** A request of the page. */
export interface ServiceRequest {
  readonly path: string;
  readonly url: string;
  readonly rows: number;
  readonly rowBytes: number;
}

export interface ServiceReport {
  readonly size: number;
  readonly storage: string | undefined;
  /** The last row, read back. */
  readonly last: unknown;
}

async function work({ path, url, rows: count, rowBytes }: ServiceRequest): Promise<ServiceReport> {
  const { target } = openTarget({ path });
  const sink = spoolSink(target, { directory: "service", partSize: 5 * 2 ** 20 });
  const { size } = await writeArchive(sink, { rows: listOf(rows(count, rowBytes), { count }) });
  const { storage } = sink;
  const source = withRangeCache(httpSource(url), persistentCache({ directory: "service" }));
  const archive = await openArchive(source);
  const last = await archive.read("rows/-1");
  await archive.close();
  return { size, storage, last };
}

addEventListener("message", (event) => {
  const { data, ports } = event as MessageEvent<ServiceRequest>;
  const done = work(data).then(
    (report) => ports[0]!.postMessage({ report }),
    (error: unknown) => ports[0]!.postMessage({ failure: String(error) }),
  );
  (event as unknown as { waitUntil(done: Promise<void>): void }).waitUntil(done);
});
