/** A page. It notes which workers were started, and whether they responded. */
import { openArchive, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { spoolSink, workerArchive } from "@peekpack/web-storage";
import { zstdSink, zstdSource } from "@peekpack/zstd";
import { attempt, exercise, expectEqual } from "./exercise.js";

/** @param workers factories of workers, for targets that need them */
export async function exercisePage(workers = {}) {
  const environment = JSON.parse(new URLSearchParams(location.search).get("environment"));
  const { bucket, ...access } = environment.s3;
  const store = s3Store({ ...access, forcePathStyle: true });
  const responded = [];
  globalThis.Worker = class extends globalThis.Worker {
    constructor(url, options) {
      super(url, options);
      this.addEventListener("message", () => responded.push(options?.name ?? "unnamed"), { once: true });
    }
  };
  const results = await exercise(environment);
  await attempt(results, "spools", async () => {
    const sink = spoolSink(store.target(`${bucket}/spooled-${Math.random()}`), { worker: false });
    await writeArchive(sink, { a: 1 });
  });
  await attempt(results, "workers", async () => {
    const archive = await workerArchive(environment.url, { worker: workers.archive });
    expectEqual(await archive.read("rows/150/gap"), 15);
    await archive.close();
    const before = responded.length;
    const path = `${bucket}/compressed-${Math.random()}`;
    const compressed = zstdSink(store.sink(path), { concurrency: 1, worker: workers.compression });
    await writeArchive(compressed, { rows: Array(2 ** 20).fill("row") });
    expectEqual(responded.length - before, 1);
    const again = await openArchive(zstdSource(store.source(path)));
    expectEqual(await again.read("rows/1000000"), "row");
  });
  await attempt(results, "OPFS", async () => {
    const before = responded.length;
    const sink = spoolSink(store.target(`${bucket}/opfs-${Math.random()}`), { worker: workers.opfs });
    await writeArchive(sink, { a: 1 });
    expectEqual(sink.storage, "opfs");
    expectEqual(responded.length - before, 1);
  });
  globalThis.results = results;
}
