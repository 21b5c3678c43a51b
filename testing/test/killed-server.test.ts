/**
 * Kills the server at every step of a write. The old object must stay, and leftovers must be listed and removable. Real
 * servers are processes that are ended by SIGKILL and restarted on their data; they run the kill points that depend on the
 * server. The stand-in runs all kill points. It keeps its data in memory: "killing" it closes its connections, and it
 * still finishes requests that it was processing.
 */
import { isPeekpackError } from "@peekpack/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onEachServer } from "../../packages/s3/test/live-servers.js";
import { faults } from "../src/faults/fault.js";
import {
  isCommitted,
  journalState,
  type KillPoint,
  killPoints,
  openUploadCount,
  TestBucket,
  type TestWrite,
} from "./kill/test-bucket.js";
import { startWrite, type WriteMethod, type WriteMethodName, writeMethods } from "./kill/write-methods.js";

/** A write that is in progress when the server is killed. */
interface KillCase extends KillPoint {
  readonly name: WriteMethodName;
  /** Whether the write retries until the server is back. */
  readonly retries: boolean;
  /** Whether a failed write keeps its spool. */
  readonly durable: boolean;
}

/** A write that waits at its kill point. */
interface WaitingWrite {
  readonly write: TestWrite;
  /** Resolves when the kill point is reached. */
  readonly reached: Promise<unknown>;
  /** The error of the write; undefined if it succeeds. */
  readonly outcome: Promise<unknown>;
}

/** A promise with its resolve function. */
class Deferred {
  resolve!: () => void;
  readonly promise: Promise<void> = new Promise((resolve) => {
    this.resolve = resolve;
  });
}

const titleOf = ({ step, phase, retries, durable }: KillCase): string =>
  `${step}, ${phase}: ${retries ? "retries until it is back" : durable ? "fails and keeps its spool" : "fails"}`;

/** Each kill point once. Half of the writes retry until success; half of the others keep their spool. */
const casesOf = (name: WriteMethodName, all: readonly KillPoint[], offset: number): KillCase[] =>
  all.map((point, i) => {
    const retries = (i + offset) % 2 === 0;
    // A kept upload is not aborted.
    return { ...point, name, retries, durable: point.step !== "abort" && (i + offset) % 4 === 1 };
  });

await onEachServer("killing the server", (server) => {
  let testBucket: TestBucket;
  beforeAll(async () => {
    testBucket = await TestBucket.open(server);
  });
  afterAll(() => testBucket.close());

  /** Starts a write that waits at its kill point for a signal. Then it goes on, or its connection is reset. */
  const begin = async (
    killCase: KillCase,
    signal: Deferred,
    then: "reset" | "go on",
    down: () => Promise<void> | undefined,
  ): Promise<WaitingWrite> => {
    const write = await testBucket.prepare(killCase.name);
    const reached = new Deferred();
    write.runAt(killCase, async () => {
      reached.resolve();
      await signal.promise;
      return then;
    });
    // A write that retries is held up while the server is down, so that the number of attempts does not depend on time.
    if (killCase.retries) write.proxy.add({ fault: faults.before(() => down()) });
    const { durable, retries } = killCase;
    const outcome = startWrite({ ...write.task, durable, attempts: retries ? 4 : 2 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const early = outcome.then((error) => {
      throw new Error(`ended before ${titleOf(killCase)}`, { cause: error });
    });
    early.catch(() => {});
    return { write, reached: Promise.race([reached.promise, early]), outcome };
  };

  /** Kills the server when all writes are at their kill points, and restarts it when those that do not retry have ended. */
  const killAll = async (cases: readonly KillCase[]): Promise<WaitingWrite[]> => {
    const killed = new Deferred();
    const back = new Deferred();
    let isDown = false;
    const all: WaitingWrite[] = [];
    for (const killCase of cases)
      all.push(await begin(killCase, killed, "reset", () => (isDown ? back.promise : undefined)));
    await Promise.all(all.map(({ reached }) => reached));
    isDown = true;
    await server.kill();
    killed.resolve();
    await Promise.all(all.filter((_, i) => !cases[i]!.retries).map(({ outcome }) => outcome));
    await server.restart();
    isDown = false;
    back.resolve();
    await Promise.all(all.map(({ outcome }) => outcome));
    for (const { write } of all) await write.settle();
    return all;
  };

  (Object.entries(writeMethods) as [WriteMethodName, WriteMethod][]).forEach(([name, method], offset) => {
    const cases = casesOf(name, killPoints(name, server), offset);
    describe(name, () => {
      let all: readonly WaitingWrite[];
      beforeAll(async () => {
        all = await killAll(cases);
      });
      afterAll(() => Promise.all((all ?? []).map(({ write }) => write.close())));

      it.concurrent.for(cases.map((killCase, i) => [titleOf(killCase), killCase, i] as const))(
        "%s",
        async ([, killCase, i]) => {
          const { write, outcome } = all[i]!;
          const { step, retries, durable } = killCase;
          const error = await outcome;
          if (step === "abort") expect(error).toMatchObject({ code: "denied" });
          else if (retries) expect(error).toBeUndefined();
          else expect(error).toMatchObject({ code: "network" });
          const there = (retries && step !== "abort") || isCommitted(killCase) ? "new" : "old";
          expect(await write.readObject()).toBe(there);
          const pending = await write.pending();
          if (retries || !method.spooled) {
            expect(pending).toEqual([]);
            // A failed write could not abort its upload. A retried one leaves an upload only if its id was lost.
            const lost = !retries || step === "create" ? openUploadCount(killCase) : 0;
            await write.expectClean(lost);
          } else if (durable) {
            expect(pending).toMatchObject([{ state: journalState(killCase), failure: "network" }]);
            await write.finish(pending[0]!, "resume");
            expect(await write.readObject()).toBe("new");
            await write.expectClean(step === "create" ? openUploadCount(killCase) : 0);
          } else {
            // The spool is removed; its journal stays if there may be parts on the server.
            const told = step !== "put" && step !== "create";
            expect(pending).toMatchObject(told ? [{ state: "orphan" }] : []);
            for (const each of pending) await write.finish(each, "discard");
            expect(await write.readObject()).toBe(there);
            await write.expectClean(step === "create" ? openUploadCount(killCase) : 0);
          }
        },
      );
    });
  });

  it("during commits leaves each object either old or new", { timeout: 120_000 }, async () => {
    const cases = (Object.entries(writeMethods) as [WriteMethodName, WriteMethod][]).flatMap(
      ([name, method]) =>
        [true, false].map(
          (retries): KillCase => ({
            name,
            step: method.parts > 0 ? "complete" : "put",
            phase: "within",
            retries,
            durable: method.spooled && !retries,
          }),
        ),
    );
    const going = new Deferred();
    const back = new Deferred();
    let isDown = false;
    const all: WaitingWrite[] = [];
    for (const killCase of cases) {
      // All writes send the rest of their request at the same time.
      all.push(await begin(killCase, going, "go on", () => (isDown ? back.promise : undefined)));
    }
    await Promise.all(all.map(({ reached }) => reached));
    going.resolve();
    // When the first commit is done, the others are in progress.
    await Promise.race(all.map(({ outcome }) => outcome));
    isDown = true;
    await server.kill();
    await Promise.all(all.filter((_, i) => !cases[i]!.retries).map(({ outcome }) => outcome));
    await server.restart();
    isDown = false;
    back.resolve();
    const seen: string[] = [];
    for (const [i, { write, outcome }] of all.entries()) {
      const { name, durable, retries } = cases[i]!;
      const error = await outcome;
      await write.settle();
      // A write that cannot restart fails with not-found if the server lost its upload.
      const codes = retries && !write.method.spooled ? ["network", "not-found"] : ["network"];
      if (error !== undefined) expect(codes).toContain(isPeekpackError(error) ? error.code : error);
      const there = await write.readObject();
      seen.push(error === undefined ? "done" : `failed with the ${there} object`);
      if (error === undefined) expect([name, there]).toEqual([name, "new"]);
      const pending = await write.pending();
      expect(pending.length).toBeLessThan(2);
      for (const each of pending) await write.finish(each, durable ? "resume" : "discard");
      const then = durable && pending.length > 0 ? "new" : there;
      expect([name, pending, await write.readObject()]).toEqual([name, pending, then]);
      const open = await write.uploads();
      if (write.method.spooled) expect(open).toEqual([]);
      await write.expectClean(open.length);
      await write.close();
    }
    const kinds = [...new Set(seen)].sort();
    console.log(kinds.map((kind) => `${seen.filter((each) => each === kind).length} ${kind}`).join(", "));
  });
});
