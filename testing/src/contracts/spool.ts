import { crc32 } from "node:zlib";
import { isPeekpackError, memorySink, PeekpackError, type WriteResult } from "@peekpack/core";
import type { PutMode, UploadTarget } from "@peekpack/s3";
import type { PendingSpool, SpoolWriteOptions } from "@peekpack/s3/internal";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type MemoryTarget, memoryTarget } from "./memory-target.js";
import { patterned } from "./range-source.js";
import type { SpoolSubject } from "./spool-subject.js";

const MiB = 2 ** 20;
const PART = 5 * MiB;
const header = patterned(50, 9);
const body = patterned(3 * PART + 77);
/** The archive, of four parts. */
const whole = Buffer.concat([header, body]);

/** Registers the tests that the spools of every platform must pass. */
export function spoolContract<P extends PendingSpool>(name: string, subject: () => SpoolSubject<P>): void {
  describe(`spool: ${name}`, () => {
    let directory: string;
    let target: MemoryTarget;
    beforeEach(async () => {
      directory = await subject().fresh();
      target = memoryTarget();
    });

    const options = (more: SpoolWriteOptions = {}) => ({
      directory,
      partSize: PART,
      concurrency: 1,
      durable: true,
      ...more,
    });
    const pending = (): Promise<P[]> => subject().functions.pendingUploads({ directory });
    const write = async (
      more: SpoolWriteOptions = {},
      bytes: Uint8Array = body,
      to: UploadTarget = target,
    ): Promise<WriteResult> => {
      const sink = subject().functions.spoolSink(to, options(more));
      for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 13) % 3_000_000) {
        await sink.write(bytes.slice(at, at + step));
      }
      return sink.finish(header);
    };
    const refuseAt = (call: string, code: "denied" | "exists" | "network" = "denied"): void => {
      target.before = (name) => {
        if (name === call) throw new PeekpackError(code, "The test refuses.");
      };
    };
    /** Makes the upload of a spool fail at a call, and returns what is left. */
    const failAt = async (call: string, code?: "denied" | "exists" | "network"): Promise<P> => {
      const known = new Set((await pending()).map(({ id }) => id));
      refuseAt(call, code);
      await expect(write()).rejects.toMatchObject({ code: code ?? "denied" });
      target.before = () => {};
      target.calls.length = 0;
      return (await pending()).find(({ id }) => !known.has(id))!;
    };
    /** Ends the calls that are held. */
    let endHeld: (() => void)[] = [];
    afterEach(() => {
      for (const end of endHeld) end();
      endHeld = [];
    });
    /** Holds a call to the end of the test, and returns when it is made. */
    const heldAt = (call: string): Promise<void> =>
      new Promise((reached) => {
        target.before = (name) => {
          if (name !== call) return;
          reached();
          return new Promise((_, reject) => {
            endHeld.push(() => reject(new Error("The test has ended.")));
          });
        };
      });
    const isWhole = (bytes: Uint8Array | undefined): boolean =>
      bytes !== undefined && Buffer.compare(bytes, whole) === 0;
    const expectNothingLeft = async (): Promise<void> => {
      expect(await pending()).toEqual([]);
      expect(await subject().leftovers(directory)).toBe(0);
      expect(target.uploads.size).toBe(0);
    };

    describe("a write", () => {
      it("uploads archives of any size, and leaves nothing", async () => {
        for (const size of [0, 1, PART - 51, PART - 50, PART - 49, 2 * PART - 50, body.length]) {
          const bytes = body.subarray(0, size);
          const result = await write({}, bytes);
          expect(result).toMatchObject({ size: size + 50, location: target.label });
          expect(Buffer.compare(target.object!, Buffer.concat([header, bytes]))).toBe(0);
          await expectNothingLeft();
        }
        // An archive of at most one part is one PUT.
        expect(target.calls.filter((call) => call === "putObject").length).toBe(4);
      });

      it("returns the ETag as version and the version id beside it", async () => {
        for (const bytes of [body.subarray(0, 10), body]) {
          const versioned: UploadTarget = {
            ...target,
            putObject: async (...args) => ({ ...(await target.putObject(...args)), versionId: "v1" }),
            completeUpload: async (...args) => ({
              ...(await target.completeUpload(...args)),
              versionId: "v1",
            }),
          };
          const result = await write({}, bytes, versioned);
          expect(result).toMatchObject({ version: expect.stringMatching(/^".+"$/), versionId: "v1" });
        }
        const bare: UploadTarget = {
          ...target,
          putObject: async (...args) => ({ size: (await target.putObject(...args)).size, versionId: "v1" }),
        };
        const { version, versionId } = await write({}, body.subarray(0, 10), bare);
        // A version id is no ETag: `ifMatch` would never match it.
        expect([version, versionId]).toEqual([undefined, "v1"]);
      });

      it("hands the target the checksum of each part, which was computed when the part was written", async () => {
        const sums: boolean[] = [];
        const checking: UploadTarget = {
          ...target,
          uploadPart(upload, number, bytes, given) {
            sums.push(given?.crc32 === crc32(bytes));
            return target.uploadPart(upload, number, bytes, given);
          },
        };
        await write({}, body, checking);
        await write({}, body.subarray(0, 2 * PART - 49), checking);
        expect(sums).toEqual([true, true, true, true, true, true, true]);
      });

      it("leaves nothing if its upload fails and it is not durable", async () => {
        for (const call of ["createUpload", "uploadPart 3", "completeUpload"]) {
          refuseAt(call);
          await expect(write({ durable: false })).rejects.toMatchObject({ code: "denied" });
          await expectNothingLeft();
        }
        expect(target.object).toBeUndefined();
      });

      it("leaves nothing if its signal aborts between two calls", async () => {
        const controller = new AbortController();
        const sink = subject().functions.spoolSink(target, options({ signal: controller.signal }));
        await sink.write(body.slice(0, MiB));
        controller.abort("enough");
        await expect.poll(() => subject().leftovers(directory)).toBe(0);
        await expect(sink.write(body.slice(0, 10))).rejects.toBe("enough");
        await expect(sink.finish(header)).rejects.toMatchObject({ code: "closed" });
        await expectNothingLeft();
      });

      it("rejects with the reason of abort while it uploads, and stays if it is durable", async () => {
        for (const durable of [false, true]) {
          const sink = subject().functions.spoolSink(target, options({ durable }));
          await sink.write(body.slice());
          target.before = async (call) => {
            if (call === "uploadPart 2") void sink.abort("enough");
          };
          await expect(sink.finish(header)).rejects.toBe("enough");
          if (!durable) await expectNothingLeft();
        }
        expect(await pending()).toMatchObject([{ state: "uploading", failure: "stopped" }]);
        target.before = () => {};
        await subject().functions.resumeUpload((await pending())[0]!, target);
        expect(isWhole(target.object)).toBe(true);
      });

      it("rejects with quota beyond maxBytes, and leaves nothing", async () => {
        await expect(write({ maxBytes: 6 * MiB })).rejects.toMatchObject({ code: "quota" });
        await expectNothingLeft();
      });
    });

    describe("a failed upload", () => {
      it.each([
        ["createUpload", "sealed", 0],
        ["uploadPart 3", "uploading", 2 * PART],
        ["completeUpload", "committing", whole.length],
      ] as const)("that failed at %s is listed as %s", async (call, state, bytesUploaded) => {
        const before = Date.now();
        const left = await failAt(call);
        expect(left).toMatchObject({
          id: expect.any(String),
          directory,
          target: target.label,
          put: "overwrite",
          state,
          problem: undefined,
          size: whole.length,
          bytesUploaded,
          failure: "denied",
        });
        expect(left.begun!.getTime()).toBeGreaterThanOrEqual(before - 1000);
        expect(await pending()).toEqual([left]);
      });

      it("is resumed with the missing parts, and then gone", async () => {
        const left = await failAt("uploadPart 3");
        const result = await subject().functions.resumeUpload(left, target, { concurrency: 1 });
        expect(target.calls).toEqual(["listParts", "uploadPart 3", "uploadPart 4", "completeUpload"]);
        expect(result).toMatchObject({ size: whole.length, location: target.label });
        expect(isWhole(target.object)).toBe(true);
        await expectNothingLeft();
        await expect(subject().functions.resumeUpload(left, target)).rejects.toMatchObject({
          code: "not-found",
        });
      });

      it("stays if resuming fails, with the new failure", async () => {
        const left = await failAt("uploadPart 2");
        refuseAt("uploadPart 4", "network");
        const resuming = subject().functions.resumeUpload(left, target, { concurrency: 1 });
        await expect(resuming).rejects.toMatchObject({ code: "network" });
        expect(await pending()).toMatchObject([{ bytesUploaded: 3 * PART, failure: "network" }]);
      });

      it("starts again if the server has removed its parts", async () => {
        const left = await failAt("uploadPart 3");
        target.uploads.clear();
        await subject().functions.resumeUpload(left, target);
        expect(isWhole(target.object)).toBe(true);
        await expectNothingLeft();
      });

      it("asks whether the object is its own if its commit may have taken effect", async () => {
        target = memoryTarget("s3://bucket/key", "create");
        const lossy: UploadTarget = {
          ...target,
          async completeUpload(...args) {
            await target.completeUpload(...args);
            throw new PeekpackError("network", "The response was lost.");
          },
        };
        await expect(write({}, body, lossy)).rejects.toMatchObject({ code: "network" });
        const [left] = await pending();
        expect(left).toMatchObject({ state: "committing" });
        await subject().functions.resumeUpload(left!, target);
        await expectNothingLeft();
      });

      it("removes an abandoned upload once the server lets it", async () => {
        const left = await failAt("uploadPart 3");
        let refused = 0;
        target.before = (call) => {
          if (call === "completeUpload" && refused++ === 0) throw new PeekpackError("conflict", "Once more.");
          if (call === "abortUpload" && refused === 1) throw new PeekpackError("network", "Not now.");
          if (call === "uploadPart 4" && refused === 1) throw new PeekpackError("denied", "Not now.");
        };
        await expect(subject().functions.resumeUpload(left, target)).rejects.toMatchObject({
          code: "denied",
        });
        expect(target.uploads.size).toBe(2);
        target.before = () => {};
        await subject().functions.resumeUpload((await pending())[0]!, target);
        expect(isWhole(target.object)).toBe(true);
        await expectNothingLeft();
      });

      it("is used by one owner at a time", async () => {
        const left = await failAt("uploadPart 2");
        const held = heldAt("uploadPart 3");
        const { resumeUpload, exportUpload, discardUpload } = subject().functions;
        const controller = new AbortController();
        const first = resumeUpload(left, target, { concurrency: 1, signal: controller.signal });
        first.catch(() => {});
        await held;
        expect(await pending()).toEqual([]);
        const conflict = { code: "conflict" };
        await expect(resumeUpload(left, target)).rejects.toMatchObject(conflict);
        await expect(exportUpload(left, memorySink())).rejects.toMatchObject(conflict);
        await expect(discardUpload(left, target)).rejects.toMatchObject(conflict);
      });
    });

    describe("a killed owner", () => {
      it("that was writing leaves an unfinished spool, which can only be discarded", async () => {
        const sink = subject().functions.spoolSink(target, options());
        await sink.write(body.slice(0, 2 * PART));
        expect(await pending()).toEqual([]);
        await subject().kill(directory);
        const [left] = await pending();
        expect(left).toMatchObject({ state: "unfinished", size: undefined, target: target.label });
        const unfinished = { code: "unfinished" };
        await expect(subject().functions.resumeUpload(left!, target)).rejects.toMatchObject(unfinished);
        await expect(subject().functions.exportUpload(left!, memorySink())).rejects.toMatchObject(unfinished);
        await subject().functions.discardUpload(left!);
        await expectNothingLeft();
        await sink.abort();
      });

      it.each(["createUpload", "uploadPart 3", "completeUpload"])(
        "that was uploading, at %s, leaves a spool that is resumed",
        async (call) => {
          const held = heldAt(call);
          void write().catch(() => {});
          await held;
          await subject().kill(directory);
          target.before = () => {};
          const [left] = await pending();
          await subject().functions.resumeUpload(left!, target);
          expect(isWhole(target.object)).toBe(true);
          await expectNothingLeft();
        },
      );
    });

    describe("a damaged spool", () => {
      it("whose journal has changed is listed with its problem, hides no other, and can be discarded", async () => {
        const damaged = await failAt("uploadPart 2");
        const sound = await failAt("uploadPart 2");
        await subject().damageJournal(damaged);
        const listed = await pending();
        expect(new Map(listed.map(({ id, state }) => [id, state]))).toEqual(
          new Map([
            [damaged.id, "damaged"],
            [sound.id, "uploading"],
          ]),
        );
        expect(listed.find(({ id }) => id === damaged.id)?.problem).toEqual(expect.any(String));
        const corrupt = { code: "corrupt", section: "spool" };
        await expect(subject().functions.resumeUpload(damaged, target)).rejects.toMatchObject(corrupt);
        await expect(subject().functions.exportUpload(damaged, memorySink())).rejects.toMatchObject(corrupt);
        expect(target.object).toBeUndefined();
        await subject().functions.discardUpload(damaged);
        expect((await pending()).map(({ id }) => id)).toEqual([sound.id]);
      });

      it("whose archive has changed is never uploaded or exported", async () => {
        const left = await failAt("uploadPart 1");
        await subject().damageArchive(left);
        const corrupt = { code: "corrupt", section: "spool" };
        const sink = memorySink();
        await expect(subject().functions.exportUpload(left, sink)).rejects.toMatchObject(corrupt);
        expect(() => sink.bytes()).toThrow(expect.objectContaining({ code: "unfinished" }));
        await expect(subject().functions.resumeUpload(left, target)).rejects.toMatchObject(corrupt);
        expect(target.object).toBeUndefined();
      });

      it("of an unknown layout is kept, and names the layout", async () => {
        const left = await failAt("uploadPart 2");
        await subject().changeLayout(left);
        const [kept] = await pending();
        const problem = expect.stringContaining("layout 3");
        expect(kept).toMatchObject({ id: left.id, state: "unsupported", problem });
        const denied = { code: "denied", section: "spool" };
        await expect(subject().functions.resumeUpload(kept!, target)).rejects.toMatchObject(denied);
        await expect(subject().functions.discardUpload(kept!, target)).rejects.toMatchObject(denied);
        expect(await subject().leftovers(directory)).toBe(1);
      });
    });

    describe("a spool that was refused by exists", () => {
      const change = { changeTarget: true };
      const sibling = (put: PutMode): MemoryTarget => memoryTarget(target.label, put, target);
      let left: P;
      beforeEach(async () => {
        target = memoryTarget("s3://bucket/key", "create");
        target.object = Uint8Array.of(1);
        await expect(write()).rejects.toMatchObject({ code: "exists" });
        target.calls.length = 0;
        left = (await pending())[0]!;
      });

      it("is resumed with another write condition, without sending its parts again", async () => {
        expect(left).toMatchObject({ state: "committing", put: "create", failure: "exists" });
        const overwrite = sibling("overwrite");
        await expect(subject().functions.resumeUpload(left, overwrite)).rejects.toBeInstanceOf(TypeError);
        await subject().functions.resumeUpload(left, overwrite, change);
        expect(overwrite.calls).toEqual(["listParts", "completeUpload"]);
        expect(isWhole(target.object)).toBe(true);
        await expectNothingLeft();
      });

      it("is resumed under another key, and its parts under the old key are removed", async () => {
        const other = memoryTarget("s3://bucket/other");
        await expect(subject().functions.resumeUpload(left, other, change)).rejects.toBeInstanceOf(TypeError);
        expect(target.uploads.size).toBe(1);
        await subject().functions.resumeUpload(left, other, { ...change, previousTarget: target });
        expect(isWhole(other.object)).toBe(true);
        expect(target.object).toEqual(Uint8Array.of(1));
        await expectNothingLeft();
      });

      it("is exported, and stays", async () => {
        const sink = memorySink();
        expect(await subject().functions.exportUpload(left, sink)).toMatchObject({ size: whole.length });
        expect(isWhole(sink.bytes())).toBe(true);
        expect(await pending()).toEqual([left]);
      });
    });

    describe("discardUpload", () => {
      it("removes the spool here and on the server, with the right target only", async () => {
        const left = await failAt("uploadPart 3");
        const { discardUpload } = subject().functions;
        await expect(discardUpload(left)).rejects.toBeInstanceOf(TypeError);
        await expect(discardUpload(left, memoryTarget("s3://bucket/other"))).rejects.toBeInstanceOf(
          TypeError,
        );
        await discardUpload(left, target);
        await expectNothingLeft();
        await discardUpload(left, target);
      });

      it("keeps the spool if the server cannot be reached or the signal aborts", async () => {
        const left = await failAt("uploadPart 3");
        refuseAt("abortUpload", "network");
        const { discardUpload } = subject().functions;
        await expect(discardUpload(left, target)).rejects.toMatchObject({ code: "network" });
        const signal = AbortSignal.abort("enough");
        const stopped = await discardUpload(left, target, { signal }).catch((error: unknown) => error);
        expect(isPeekpackError(stopped)).toBe(false);
        expect(await pending()).toEqual([left]);
      });
    });
  });
}
