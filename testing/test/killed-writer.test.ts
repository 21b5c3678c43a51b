/**
 * Writers that are killed at every step of a write: the old object stays, and whatever is left is listed and dealt with. On
 * the stand-in at every moment of every way to write; on real servers where it matters what the server keeps.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { PendingUpload } from "@peekpack/node-storage";
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from "vitest";
import { onEachServer } from "../../packages/s3/test/live-servers.js";
import { type ChildProgram, childProgram } from "../src/child-program.js";
import { type Cast, commits, type Moment, moments, openUploads, Scene, stateOf } from "./kill/scene.js";
import { type WayName, ways } from "./kill/ways.js";
import type { OwnStep, WriterOrder } from "./kill/writer.js";

let program: ChildProgram;
beforeAll(async () => {
  program = await childProgram(new URL("kill/writer.ts", import.meta.url));
});
afterAll(() => program?.remove());

/** Starts a process with a temporary directory of its own, so that whatever it leaves there is seen. */
const start = (order: WriterOrder, home: string) =>
  spawn(process.execPath, [program.path, JSON.stringify(order)], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, TMPDIR: home, NODE_NO_WARNINGS: "1" },
  });

/** Runs a process that is killed by SIGKILL: at a moment of its requests, or by itself. */
async function killed(
  cast: Cast,
  when: Moment | OwnStep,
  task: WriterOrder["task"] = "write",
): Promise<void> {
  const own = typeof when === "string" ? when : undefined;
  const child = start({ ...cast.order, task, dies: own }, cast.home);
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const closed = once(child, "close");
  const came =
    typeof when === "string"
      ? () => true
      : cast.at(when, async () => {
          child.kill("SIGKILL");
          await closed;
          return "reset";
        });
  const [code, signal] = await closed;
  expect({ code, signal, came: came(), said }).toEqual({
    code: null,
    signal: "SIGKILL",
    came: true,
    said: "",
  });
  await cast.quiet();
}

/** The steps between requests, and what is left after each. */
const parts = "a spool in parts";
const single = "a spool as one PUT";
const ownSteps: readonly {
  readonly name: WayName;
  readonly step: OwnStep;
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

/** Moments of a process that deals with what another has left. */
const again: readonly (Moment & {
  readonly task: "resume" | "discard";
  readonly state: PendingUpload["state"];
  readonly uploads: number;
})[] = [
  { task: "resume", step: "part 2", fate: "within", state: "uploading", uploads: 1 },
  { task: "resume", step: "complete", fate: "before", state: "committing", uploads: 1 },
  { task: "resume", step: "complete", fate: "answered", state: "committing", uploads: 0 },
  { task: "discard", step: "abort", fate: "before", state: "uploading", uploads: 1 },
  { task: "discard", step: "abort", fate: "answered", state: "uploading", uploads: 0 },
];

/**
 * What is left is resumed or discarded in turn, where there is a spool: what is resumed of one way is discarded of the
 * other with the same moments.
 */
const cells = (name: WayName, all: readonly Moment[]) =>
  all.map((moment, i) => {
    const turn = name === "an append by a spool" ? i + 1 : i;
    const how = !ways[name].spooled ? "sweep" : turn % 2 === 0 ? "resume" : "discard";
    return [`${moment.step}, ${moment.fate}: ${how}`, { moment, how }] as const;
  });

await onEachServer("a writer that is killed", (server) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.open(server);
  });
  afterAll(() => scene.close());
  const cast = async (name: WayName, context: TestContext): Promise<Cast> => {
    const made = await scene.cast(name);
    context.onTestFinished(() => made.close());
    return made;
  };

  for (const name of Object.keys(ways) as WayName[]) {
    describe.concurrent(name, () => {
      it.for(cells(name, moments(name, server)))("%s", async ([, { moment, how }], context) => {
        const subject = await cast(name, context);
        await killed(subject, moment);
        const then = commits(moment) ? "new" : "old";
        expect(await subject.object()).toBe(then);
        expect(await subject.uploads()).toHaveLength(openUploads(moment));
        if (how === "sweep") {
          await subject.nothingElse(openUploads(moment));
        } else {
          const [pending, ...others] = await subject.pending();
          expect(others).toEqual([]);
          expect(pending).toMatchObject({ state: stateOf(moment), put: subject.order.put });
          await subject.dealWith(pending!, how);
          expect(await subject.object()).toBe(how === "resume" ? "new" : then);
          // An upload whose id had not reached the writer is known to the server alone.
          await subject.nothingElse(moment.step === "create" ? openUploads(moment) : 0);
        }
        expect(await subject.object()).toBe(how === "resume" ? "new" : then);
      });
    });
  }

  // What follows is the client's alone: on real servers it would be the same.
  if (server.kind !== "stand-in") return;

  describe.concurrent("between requests", () => {
    it.for(ownSteps.map((step) => [`${step.name}, ${step.step}`, step] as const))(
      "%s",
      async ([, own], context) => {
        const { name, step, state, object = "old", uploads = 0 } = own;
        const subject = await cast(name, context);
        await killed(subject, step);
        expect(await subject.object()).toBe(object);
        expect(await subject.uploads()).toHaveLength(uploads);
        if (step === "making the spool") {
          // Whose it is nobody knows: it might be about to be filled.
          expect(await subject.pending()).toEqual([]);
          await subject.age();
        }
        const [pending, ...others] = await subject.pending();
        expect(others).toEqual([]);
        const told = !["making the spool", "journal: v", "removing the spool"].includes(step);
        expect(pending).toMatchObject({ state, put: told ? subject.order.put : undefined });
        const whole = state !== "unfinished" && state !== "orphan";
        if (!whole && told) {
          await expect(subject.dealWith(pending!, "resume")).rejects.toMatchObject({ code: "unfinished" });
        }
        await subject.dealWith(pending!, whole ? "resume" : "discard");
        expect(await subject.object()).toBe(whole ? "new" : object);
        await subject.nothingElse(step === "journal: upload" ? 1 : 0);
      },
    );

    it("a sink, before anything of it is sent: nothing is left", async (context) => {
      const subject = await cast("a sink in parts", context);
      await killed(subject, "filling it");
      expect(await subject.object()).toBe("old");
      await subject.nothingElse(0);
    });

    it("one spool of two: that of the living writer is not listed", async (context) => {
      const [living, dying] = [
        await cast("a spool in parts", context),
        await cast("a spool in parts", context),
      ];
      const { directory } = dying.order;
      let ended!: () => void;
      const waiting = new Promise<void>((resolve) => {
        ended = resolve;
      });
      living.at({ step: "part 2", fate: "before" }, () => waiting);
      const child = start({ ...living.order, directory, task: "write" }, living.home);
      const closed = once(child, "close");
      await killed(dying, { step: "part 2", fate: "before" });
      await vi.waitFor(() =>
        expect(living.proxy.requests.some(({ partNumber }) => partNumber === 2)).toBe(true),
      );
      const [pending, ...others] = await dying.pending();
      expect(others).toEqual([]);
      await dying.dealWith(pending!, "resume");
      expect(await dying.object()).toBe("new");
      ended();
      expect(await closed).toEqual([0, null]);
      expect(await living.object()).toBe("new");
      await dying.nothingElse(0);
    });
  });

  describe.concurrent("that goes on with a spool, or gives it up", () => {
    it.for(again.map((each) => [`${each.task}, ${each.step}, ${each.fate}`, each] as const))(
      "%s",
      async ([, each], context) => {
        const { task, uploads, state, ...moment } = each;
        const subject = await cast("an append by a spool", context);
        await killed(subject, { step: "part 2", fate: "before" });
        await killed(subject, moment, task);
        const then = commits(moment) ? "new" : "old";
        expect(await subject.object()).toBe(then);
        expect(await subject.uploads()).toHaveLength(uploads);
        const [pending, ...others] = await subject.pending();
        expect(others).toEqual([]);
        expect(pending).toMatchObject({ state });
        await subject.dealWith(pending!, task);
        expect(await subject.object()).toBe(task === "resume" ? "new" : then);
        await subject.nothingElse(0);
      },
    );
  });
});
