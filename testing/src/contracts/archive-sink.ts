import { type ArchiveSink, encodeArchive, type WriteResult, writeArchive } from "@peekpack/core";
import { describe, expect, it } from "vitest";

/** One place that sinks write to. Places are independent of each other. */
export interface SinkPlace {
  /** A new sink for this place, for one write. */
  sink(): ArchiveSink | Promise<ArchiveSink>;
  /** What is at the place now; undefined where nothing is. */
  stored(): Promise<Uint8Array | undefined>;
  /** How many things other than the archive a write has left: temporary files, spools, multipart uploads. */
  leftovers(): Promise<number>;
}

/** The medium under test. */
export interface SinkSubject {
  /** A place where nothing is yet. */
  place(): SinkPlace | Promise<SinkPlace>;
  /** Whether what a sink has stored outlives the sink, so that another can replace it. */
  readonly lasting: boolean;
  /** Whether a finished write tells the version of what it made. */
  readonly versioned: boolean;
  /** Bytes of the large archive; more than one part of what is uploaded in parts. Default 3 MiB. */
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

    it("makes an archive of header and body, and tells its size", async () => {
      const place = await subject().place();
      const result = await write(place, small);
      const expected = encodeArchive(small);
      expect(result.size).toBe(expected.length);
      if (subject().versioned) expect(result.version).toEqual(expect.any(String));
      await expectStored(place, expected);
    });

    it("keeps the order of chunks of any length, none included", async () => {
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

    it("takes a header alone, and one of another length", async () => {
      for (const length of [50, 49, 60]) {
        const place = await subject().place();
        const sink = await place.sink();
        if (length !== 50) await sink.write(Uint8Array.of(1, 2, 3));
        const front = Uint8Array.from({ length }, (_, index) => index);
        await sink.finish(front);
        await expectStored(place, length === 50 ? front : Uint8Array.from([...front, 1, 2, 3]));
      }
    });

    it("takes a large archive in many chunks", async () => {
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

    it("shows nothing before it is finished, and leaves nothing when it is aborted", async () => {
      const place = await subject().place();
      const sink = await place.sink();
      await sink.write(new Uint8Array(100_000));
      expect(await place.stored()).toBeUndefined();
      await sink.abort();
      await sink.abort();
      await expectStored(place, undefined);
    });

    it("can be aborted before anything was written", async () => {
      const place = await subject().place();
      await (await place.sink()).abort();
      await expectStored(place, undefined);
    });

    it("is closed when it has finished or was aborted", async () => {
      const place = await subject().place();
      const finished = await place.sink();
      await finished.finish(header);
      const aborted = await place.sink();
      await aborted.abort();
      for (const sink of [finished, aborted]) {
        await expect(sink.write(new Uint8Array(1))).rejects.toMatchObject({ code: "closed" });
        await expect(sink.finish(header)).rejects.toMatchObject({ code: "closed" });
      }
      // An abort that comes too late destroys nothing.
      await finished.abort();
      if (subject().lasting) await expectStored(place, header);
    });

    it("leaves the old archive alone until the new one is whole", async ({ skip }) => {
      skip(!subject().lasting, "what this sink stores ends with it");
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

    it("leaves the old archive alone when what is written fails half-way", async ({ skip }) => {
      skip(!subject().lasting, "what this sink stores ends with it");
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
