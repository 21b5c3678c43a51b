import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeArchive, openArchive, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { faults, freshBucket, startFaultProxy, startS3 } from "@peekpack/testing";
import { expect, it } from "vitest";
import { pendingUploads, resumeUpload, spoolSink } from "../src/index.js";

it("a spool finds its own object after the response to its only PUT was lost, where ETags are no MD5", async () => {
  const directory = await mkdtemp(join(tmpdir(), "peekpack-lost-"));
  const server = await startS3({ require: "stand-in", standIn: { etags: "opaque" } });
  const proxy = await startFaultProxy(server);
  try {
    const bucket = await freshBucket(server, "lost");
    const store = s3Store({ ...server, endpoint: proxy.endpoint, retry: { attempts: 1 } });
    const target = store.target(`${bucket}/object`, { put: "create" });
    // The server stores the object, and neither this response nor that of a HEAD arrives.
    proxy.add({ fault: faults.resetProcessed(), times: Number.POSITIVE_INFINITY });
    const sink = spoolSink(target, { directory, durable: true });
    await expect(writeArchive(sink, { a: 1 })).rejects.toMatchObject({ code: "network" });
    proxy.clear();

    const [pending] = await pendingUploads({ directory });
    await expect(resumeUpload(pending!, target)).resolves.toMatchObject({
      size: encodeArchive({ a: 1 }).length,
    });
    expect(await pendingUploads({ directory })).toEqual([]);
    expect(await (await openArchive(store.source(`${bucket}/object`))).read("a")).toBe(1);
  } finally {
    await proxy.close();
    await server.close();
    await rm(directory, { recursive: true });
  }
});
