/**
 * Kills the writer at every step of a write. The old object must stay, and leftovers must be listed and removable. The
 * stand-in runs all kill points of all write methods; real servers run those that depend on the server.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { PendingUpload } from "@peekpack/node-storage";
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from "vitest";
import { onEachServer } from "../../packages/s3/test/live-servers.js";
import { type ChildProgram, childProgram } from "../src/child-program.js";
import {
  isCommitted,
  journalState,
  type KillPoint,
  killPoints,
  openUploadCount,
  TestBucket,
  type TestWrite,
} from "./kill/test-bucket.js";
import { type WriteMethodName, writeMethods } from "./kill/write-methods.js";
import type { LocalStep, WriterTask } from "./kill/writer.js";

let program: ChildProgram;
beforeAll(async () => {
  program = await childProgram(new URL("kill/writer.ts", import.meta.url));
});
afterAll(() => program?.remove());

/** Starts a process with its own temporary directory, to find leftovers. */
const start = (task: WriterTask, home: string) =>
  spawn(process.execPath, [program.path, JSON.stringify(task)], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, TMPDIR: home, NODE_NO_WARNINGS: "1" },
  });

/** Runs a process until it is killed: at a kill point, or by itself at a local step. */
async function killed(
  write: TestWrite,
  when: KillPoint | LocalStep,
  operation: WriterTask["operation"] = "write",
): Promise<void> {
  const own = typeof when === "string" ? when : undefined;
  const child = start({ ...write.task, operation, dieAt: own }, write.home);
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const closed = once(child, "close");
  const reached =
    typeof when === "string"
      ? () => true
      : write.runAt(when, async () => {
          child.kill("SIGKILL");
          await closed;
          return "reset";
        });
  const [code, signal] = await closed;
  expect({ code, signal, reached: reached(), said }).toEqual({
    code: null,
    signal: "SIGKILL",
    reached: true,
    said: "",
  });
  await write.settle();
}

/** The local steps, and what each leaves. */
const parts = "a spool in parts";
const single = "a spool as one PUT";
const localSteps: readonly {
  readonly name: WriteMethodName;
  readonly step: LocalStep;
  readonly state: PendingUpload["state"];
  readonly object?: "new";
  readonly uploads?: number;
}[] = [
  { name: parts, step: "making the spool", state: "unfinished" },
  { name: parts, step: "journal: v", state: "unfinished" },
  { name: parts, step: "filling it", state: "unfinished" },
  { name: parts, step: "journal: sealed", state: "unfinished" },
  { name: parts, step: "journal: upload", state: "sealed", uploads: 1 },
  { name: parts, step: "journal: part", state: "uploading", uploads: 1 },
  { name: parts, step: "journal: committing", state: "uploading", uploads: 1 },
  { name: parts, step: "removing the body", state: "committing", object: "new" },
  { name: parts, step: "removing the journal", state: "orphan", object: "new" },
  { name: parts, step: "removing the spool", state: "unfinished", object: "new" },
  { name: single, step: "filling it", state: "unfinished" },
  { name: single, step: "journal: sealed", state: "unfinished" },
  { name: single, step: "journal: committing", state: "sealed" },
  { name: single, step: "removing the body", state: "committing", object: "new" },
  { name: single, step: "removing the journal", state: "unfinished", object: "new" },
];

/** Moments of a process that resumes or discards the upload of a killed one. */
const recoveries: readonly (KillPoint & {
  readonly operation: "resume" | "discard";
  readonly state: PendingUpload["state"];
  readonly uploads: number;
})[] = [
  { operation: "resume", step: "part 2", phase: "within", state: "uploading", uploads: 1 },
  { operation: "resume", step: "complete", phase: "before", state: "committing", uploads: 1 },
  { operation: "resume", step: "complete", phase: "processed", state: "committing", uploads: 0 },
  { operation: "discard", step: "abort", phase: "before", state: "uploading", uploads: 1 },
  { operation: "discard", step: "abort", phase: "processed", state: "uploading", uploads: 0 },
];

/**
 * Alternates between resuming and discarding spools. The two methods with the same kill points alternate differently, so
 * that each kill point is resumed once and discarded once.
 */
const cases = (name: WriteMethodName, all: readonly KillPoint[]) =>
  all.map((point, i) => {
    const index = name === "an append by a spool" ? i + 1 : i;
    const how = !writeMethods[name].spooled ? "sweep" : index % 2 === 0 ? "resume" : "discard";
    return [`${point.step}, ${point.phase}: ${how}`, { point, how }] as const;
  });

await onEachServer("killing the writer", (server) => {
  let testBucket: TestBucket;
  beforeAll(async () => {
    testBucket = await TestBucket.open(server);
  });
  afterAll(() => testBucket.close());
  const write = async (name: WriteMethodName, context: TestContext): Promise<TestWrite> => {
    const made = await testBucket.prepare(name);
    context.onTestFinished(() => made.close());
    return made;
  };

  for (const name of Object.keys(writeMethods) as WriteMethodName[]) {
    describe.concurrent(name, () => {
      it.for(cases(name, killPoints(name, server)))("%s", async ([, { point, how }], context) => {
        const subject = await write(name, context);
        await killed(subject, point);
        const then = isCommitted(point) ? "new" : "old";
        expect(await subject.readObject()).toBe(then);
        expect(await subject.uploads()).toHaveLength(openUploadCount(point));
        if (how === "sweep") {
          await subject.expectClean(openUploadCount(point));
        } else {
          const [pending, ...others] = await subject.pending();
          expect(others).toEqual([]);
          expect(pending).toMatchObject({ state: journalState(point), put: subject.task.put });
          await subject.finish(pending!, how);
          expect(await subject.readObject()).toBe(how === "resume" ? "new" : then);
          // Only the server knows an upload whose id did not reach the writer.
          await subject.expectClean(point.step === "create" ? openUploadCount(point) : 0);
        }
        expect(await subject.readObject()).toBe(how === "resume" ? "new" : then);
      });
    });
  }

  // The following does not depend on the server.
  if (server.kind !== "stand-in") return;

  describe.concurrent("between requests", () => {
    it.for(localSteps.map((step) => [`${step.name}, ${step.step}`, step] as const))(
      "%s",
      async ([, own], context) => {
        const { name, step, state, object = "old", uploads = 0 } = own;
        const subject = await write(name, context);
        await killed(subject, step);
        expect(await subject.readObject()).toBe(object);
        expect(await subject.uploads()).toHaveLength(uploads);
        if (step === "making the spool") {
          // A young spool without owner may belong to a process that is starting.
          expect(await subject.pending()).toEqual([]);
          await subject.ageFiles();
        }
        const [pending, ...others] = await subject.pending();
        expect(others).toEqual([]);
        const told = !["making the spool", "journal: v", "removing the spool"].includes(step);
        expect(pending).toMatchObject({ state, put: told ? subject.task.put : undefined });
        const whole = state !== "unfinished" && state !== "orphan";
        if (!whole && told) {
          await expect(subject.finish(pending!, "resume")).rejects.toMatchObject({ code: "unfinished" });
        }
        await subject.finish(pending!, whole ? "resume" : "discard");
        expect(await subject.readObject()).toBe(whole ? "new" : object);
        await subject.expectClean(step === "journal: upload" ? 1 : 0);
      },
    );

    it("a sink before its first request leaves nothing", async (context) => {
      const subject = await write("a sink in parts", context);
      await killed(subject, "filling it");
      expect(await subject.readObject()).toBe("old");
      await subject.expectClean(0);
    });

    it("does not list the spool of a living writer", async (context) => {
      const [living, dying] = [
        await write("a spool in parts", context),
        await write("a spool in parts", context),
      ];
      const { directory } = dying.task;
      let ended!: () => void;
      const waiting = new Promise<void>((resolve) => {
        ended = resolve;
      });
      living.runAt({ step: "part 2", phase: "before" }, () => waiting);
      const child = start({ ...living.task, directory, operation: "write" }, living.home);
      const closed = once(child, "close");
      await killed(dying, { step: "part 2", phase: "before" });
      await vi.waitFor(() =>
        expect(living.proxy.requests.some(({ partNumber }) => partNumber === 2)).toBe(true),
      );
      const [pending, ...others] = await dying.pending();
      expect(others).toEqual([]);
      await dying.finish(pending!, "resume");
      expect(await dying.readObject()).toBe("new");
      ended();
      expect(await closed).toEqual([0, null]);
      expect(await living.readObject()).toBe("new");
      await dying.expectClean(0);
    });
  });

  describe.concurrent("while it resumes or discards a spool", () => {
    it.for(recoveries.map((each) => [`${each.operation}, ${each.step}, ${each.phase}`, each] as const))(
      "%s",
      async ([, each], context) => {
        const { operation, uploads, state, ...point } = each;
        const subject = await write("an append by a spool", context);
        await killed(subject, { step: "part 2", phase: "before" });
        await killed(subject, point, operation);
        const then = isCommitted(point) ? "new" : "old";
        expect(await subject.readObject()).toBe(then);
        expect(await subject.uploads()).toHaveLength(uploads);
        const [pending, ...others] = await subject.pending();
        expect(others).toEqual([]);
        expect(pending).toMatchObject({ state });
        await subject.finish(pending!, operation);
        expect(await subject.readObject()).toBe(operation === "resume" ? "new" : then);
        await subject.expectClean(0);
      },
    );
  });
});
