import { type ArchiveSink, encodeArchive, type WriteResult, writeArchive } from "@peekpack/core";
import { describe, expect, it } from "vitest";

/** A destination of sinks, independent of all others. */
export interface SinkPlace {
  /** Creates a sink for one write. */
  sink(): ArchiveSink | Promise<ArchiveSink>;
  /** The stored archive; undefined if there is none. */
  stored(): Promise<Uint8Array | undefined>;
  /** Number of leftovers of writes: temporary files, spools, multipart uploads. */
  leftovers(): Promise<number>;
}

/** The medium under test. */
export interface SinkSubject {
  /** Creates an empty destination. */
  place(): SinkPlace | Promise<SinkPlace>;
  /** Whether an archive outlives its sink, so that another sink can replace it. */
  readonly lasting: boolean;
  /** Whether a finished write returns a version. */
  readonly versioned: boolean;
  /** Whether a sink stores a table of contents that outgrows memory. Default false. */
  readonly spills?: boolean | undefined;
  /** Size of the large archive; more than one part for sinks that upload in parts. Default 3 MiB. */
  readonly largeBytes?: number | undefined;
}

/** Registers the tests that every {@link ArchiveSink} must pass. */
export function archiveSinkContract(name: string, subject: () => SinkSubject): void {
  describe(`archive sink: ${name}`, () => {
    const small = { hello: "world", list: [1, 2, 3] };
    const header = Uint8Array.from({ length: 50 }, (_, index) => index + 1);

    const write = async (place: SinkPlace, value: unknown): Promise<WriteResult> =>
      writeArchive(await place.sink(), value);
    const expectStored = async (place: SinkPlace, expected: Uint8Array | undefined): Promise<void> => {
      const stored = await place.stored();
      const same = stored !== undefined && expected !== undefined && Buffer.compare(stored, expected) === 0;
      expect({ length: stored?.length, same: same || stored === expected }).toEqual({
        length: expected?.length,
        same: true,
      });
      expect(await place.leftovers()).toBe(0);
    };

    it("stores header and body, and returns the size", async () => {
      const place = await subject().place();
      const result = await write(place, small);
      const expected = encodeArchive(small);
      expect(result.size).toBe(expected.length);
      if (subject().versioned) expect(result.version).toEqual(expect.any(String));
      await expectStored(place, expected);
    });

    it("keeps the order of chunks of any length, including empty ones", async () => {
      const place = await subject().place();
      const sink = await place.sink();
      const body: number[] = [];
      for (const length of [1, 0, 4096, 3, 70_000, 1]) {
        const chunk = Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 255);
        body.push(...chunk);
        await sink.write(chunk);
      }
      const result = await sink.finish(header);
      expect(result.size).toBe(header.length + body.length);
      await expectStored(place, Uint8Array.from([...header, ...body]));
    });

    it("accepts a header without body, and headers of other lengths", async () => {
      for (const length of [50, 49, 60]) {
        const place = await subject().place();
        const sink = await place.sink();
        if (length !== 50) await sink.write(Uint8Array.of(1, 2, 3));
        const front = Uint8Array.from({ length }, (_, index) => index);
        await sink.finish(front);
        await expectStored(place, length === 50 ? front : Uint8Array.from([...front, 1, 2, 3]));
      }
    });

    it("stores a large archive in many chunks", async () => {
      const place = await subject().place();
      const bytes = subject().largeBytes ?? 3 * 2 ** 20;
      const chunk = Uint8Array.from({ length: 100_003 }, (_, index) => (index * index) & 255);
      const sink = await place.sink();
      const whole = new Uint8Array(header.length + Math.ceil(bytes / chunk.length) * chunk.length);
      whole.set(header);
      for (let at = header.length; at < whole.length; at += chunk.length) {
        await sink.write(chunk.slice());
        whole.set(chunk, at);
      }
      expect((await sink.finish(header)).size).toBe(whole.length);
      await expectStored(place, whole);
    });

    it("holds a table of contents beside the archive in its spill", async ({ skip }) => {
      const place = await subject().place();
      const sink = await place.sink();
      expect(sink.spill !== undefined).toBe(subject().spills ?? false);
      skip(sink.spill === undefined, "this sink has no spill");
      await sink.write(Uint8Array.of(1, 2, 3));
      const spill = await sink.spill!();
      const MiB = 2 ** 20;
      const table = new Uint8Array(3.5 * MiB);
      const write = async (at: number, end: number, salt: number): Promise<void> => {
        const bytes = table.subarray(at, end);
        for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7 + (i >> 9) + salt) & 255;
        await spill.write(bytes, at);
      };
      await write(0, 1.5 * MiB, 1);
      await sink.write(Uint8Array.of(4));
      await write(1.5 * MiB, 2.5 * MiB, 2);
      await write(1.25 * MiB, 1.75 * MiB, 3);
      await write(1.75 * MiB, 3.5 * MiB, 4);
      for (let at = 0; at < table.length; at += MiB - 1) {
        const end = Math.min(at + MiB - 1, table.length);
        expect(Buffer.compare(await spill.read(at, end), table.subarray(at, end))).toBe(0);
      }
      await spill.close();
      await spill.close();
      await sink.finish(header);
      await expectStored(place, Uint8Array.from([...header, 1, 2, 3, 4]));
    });

    it("leaves nothing of a spill if it is aborted while the spill is written", async ({ skip }) => {
      const place = await subject().place();
      const sink = await place.sink();
      skip(sink.spill === undefined, "this sink has no spill");
      const spill = await sink.spill!();
      const chunk = new Uint8Array(2 ** 20);
      await spill.write(chunk, 0);
      const writing = spill.write(chunk, chunk.length).catch(() => {});
      await sink.abort();
      await writing;
      await spill.write(chunk, 0).catch(() => {});
      await spill.close();
      await expectStored(place, undefined);
    });

    it("stores nothing before finish, and leaves nothing after abort", async () => {
      const place = await subject().place();
      const sink = await place.sink();
      await sink.write(new Uint8Array(100_000));
      expect(await place.stored()).toBeUndefined();
      await sink.abort();
      await sink.abort();
      await expectStored(place, undefined);
    });

    it("can be aborted before the first write", async () => {
      const place = await subject().place();
      await (await place.sink()).abort();
      await expectStored(place, undefined);
    });

    it("rejects writes with `closed` after finish or abort", async () => {
      const place = await subject().place();
      const finished = await place.sink();
      await finished.finish(header);
      const aborted = await place.sink();
      await aborted.abort();
      for (const sink of [finished, aborted]) {
        await expect(sink.write(new Uint8Array(1))).rejects.toMatchObject({ code: "closed" });
        await expect(sink.finish(header)).rejects.toMatchObject({ code: "closed" });
      }
      // Aborting a finished sink keeps the archive.
      await finished.abort();
      if (subject().lasting) await expectStored(place, header);
    });

    it("keeps the old archive until the new one is complete", async ({ skip }) => {
      skip(!subject().lasting, "an archive does not outlive this sink");
      const place = await subject().place();
      await write(place, small);
      const old = encodeArchive(small);
      const sink = await place.sink();
      await sink.write(new Uint8Array(200_000));
      expect(Buffer.compare((await place.stored())!, old)).toBe(0);
      await sink.abort();
      await expectStored(place, old);
      await write(place, [1, 2]);
      await expectStored(place, encodeArchive([1, 2]));
    });

    it("keeps the old archive if the written value fails midway", async ({ skip }) => {
      skip(!subject().lasting, "an archive does not outlive this sink");
      const place = await subject().place();
      await write(place, small);
      const wrong = new Error("no more");
      const failing = async function* (): AsyncGenerator<unknown> {
        for (let index = 0; index < 300; index++) yield "x".repeat(10_000);
        throw wrong;
      };
      await expect(write(place, failing())).rejects.toBe(wrong);
      await expectStored(place, encodeArchive(small));
    });
  });
}
