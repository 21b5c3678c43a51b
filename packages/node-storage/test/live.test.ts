import { openArchive, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { freshBucket, type S3Server, startS3 } from "@peekpack/testing";
import { difference, fromTagged, type TaggedJson } from "@peekpack/testing/fixtures";
import { livePython, type MsglcPeer, skippedAsAbsent, startPeer } from "@peekpack/testing/python";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spoolSink } from "../src/index.js";

const live = await livePython();
const skipped = skippedAsAbsent("archives on S3 exchanged with the live msglc", live.absent);

/** Large enough for a table with entries, a list of blocks, and an upload in parts. */
const value: TaggedJson = {
  $map: [
    ["title", "exchanged"],
    ["floats", Array.from({ length: 5000 }, (_, i) => ({ $float: `${i + 0.5}` }))],
    ["large", Array.from({ length: 700 }, () => ({ $bytes: "0f".repeat(10_000) }))],
    ["10", { $map: [["deep", [null, true, -7, { $float: "nan" }]]] }],
  ],
};

describe.skipIf(skipped)("archives on S3, exchanged with the live msglc", () => {
  let server: S3Server;
  let bucket: string;
  let peer: MsglcPeer;
  beforeAll(async () => {
    server = await startS3();
    bucket = await freshBucket(server, "live");
    peer = await startPeer(server);
  }, 120_000);
  afterAll(async () => {
    await peer?.close();
    await server?.close();
  });

  for (const codec of ["msgpack", "cbor"] as const) {
    it(`msglc reads an archive that a spool has uploaded, in ${codec}`, async () => {
      const path = `${bucket}/ours-${codec}`;
      const partSize = 5 * 2 ** 20;
      const sink = spoolSink(s3Store(server).target(path), { partSize, threshold: partSize });
      await writeArchive(sink, fromTagged(value), { codec });
      const [title, float, deep] = await peer.read({
        source: { s3: path },
        paths: ["title", "floats/-1", "10/deep/2"],
      });
      expect([title, float, deep].map((result) => result?.value)).toEqual([
        "exchanged",
        { $float: "4999.5" },
        -7,
      ]);
      expect(difference(fromTagged(await peer.readAll({ s3: path })), value)).toBeUndefined();
    }, 120_000);

    it(`an archive that msglc has written is read, in ${codec}`, async () => {
      for (const backend of ["python", "rust"] as const) {
        const path = `${bucket}/theirs-${codec}-${backend}`;
        await peer.write({ target: { s3: path }, value, codec, backend });
        const archive = await openArchive(s3Store(server).source(path));
        expect(await archive.read("floats/-1")).toBe(4999.5);
        expect(difference(await archive.read(), value)).toBeUndefined();
        await archive.close();
      }
    }, 120_000);
  }
});
