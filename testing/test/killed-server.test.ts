/**
 * Servers that are killed at every step of a write: the old object stays, and whatever is left is listed and dealt with. The
 * real ones are processes that end by SIGKILL, and start again on what is on their disk; they go through the moments at
 * which it matters what they keep. The stand-in goes through all of them. It lives in this process and keeps its data in
 * memory, so that its end is that of its connections: what it was at work on when they ended, it finishes.
 */
import { isPeekpackError } from "@peekpack/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onEachServer } from "../../packages/s3/test/live-servers.js";
import { faults } from "../src/faults/fault.js";
import { type Cast, commits, type Moment, moments, openUploads, Scene, stateOf } from "./kill/scene.js";
import { startWrite, type Way, type WayName, ways } from "./kill/ways.js";

/** One write that is under way when the server is killed. */
interface Cell extends Moment {
  readonly name: WayName;
  /** Whether the write goes on until the server is back. */
  readonly patient: boolean;
  /** Whether its spool is kept when it fails. */
  readonly durable: boolean;
}

/** A write that has come to its moment, and waits for the server's end. */
interface Held {
  readonly cast: Cast;
  /** The moment has come. */
  readonly came: Promise<unknown>;
  /** The error that the write ends with; undefined where it succeeds. */
  readonly outcome: Promise<unknown>;
}

/** A promise, and what resolves it. */
class Signal {
  give!: () => void;
  readonly given: Promise<void> = new Promise((resolve) => {
    this.give = resolve;
  });
}

const inWords = ({ step, fate, patient, durable }: Cell): string =>
  `${step}, ${fate}: ${patient ? "tried until it is back" : durable ? "kept" : "given up"}`;

/** Each moment once: half of the writes give up, of which half keep their spool, and half go on. */
const cellsOf = (name: WayName, all: readonly Moment[], turn: number): Cell[] =>
  all.map((moment, i) => {
    const patient = (i + turn) % 2 === 0;
    // What is kept is not aborted.
    return { ...moment, name, patient, durable: moment.step !== "abort" && (i + turn) % 4 === 1 };
  });

await onEachServer("a server that is killed", (server) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.open(server);
  });
  afterAll(() => scene.close());

  /** Begins a write that waits at its moment for a signal, and then goes on or has lost its connection. */
  const begin = async (
    cell: Cell,
    signal: Signal,
    then: "reset" | "go on",
    down: () => Promise<void> | undefined,
  ): Promise<Held> => {
    const cast = await scene.cast(cell.name);
    const came = new Signal();
    cast.at(cell, async () => {
      came.give();
      await signal.given;
      return then;
    });
    // One that goes on is held up meanwhile, so that it is not a matter of time how often it tries.
    if (cell.patient) cast.proxy.add({ fault: faults.before(() => down()) });
    const { durable, patient } = cell;
    const outcome = startWrite({ ...cast.order, durable, attempts: patient ? 4 : 2 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const early = outcome.then((error) => {
      throw new Error(`ended before ${inWords(cell)}`, { cause: error });
    });
    early.catch(() => {});
    return { cast, came: Promise.race([came.given, early]), outcome };
  };

  /** Kills the server when every write has come to its moment, and starts it again when the impatient have ended. */
  const strike = async (cells: readonly Cell[]): Promise<Held[]> => {
    const killed = new Signal();
    const back = new Signal();
    let isDown = false;
    const all: Held[] = [];
    for (const cell of cells)
      all.push(await begin(cell, killed, "reset", () => (isDown ? back.given : undefined)));
    await Promise.all(all.map(({ came }) => came));
    isDown = true;
    await server.kill();
    killed.give();
    await Promise.all(all.filter((_, i) => !cells[i]!.patient).map(({ outcome }) => outcome));
    await server.restart();
    isDown = false;
    back.give();
    await Promise.all(all.map(({ outcome }) => outcome));
    for (const { cast } of all) await cast.quiet();
    return all;
  };

  (Object.entries(ways) as [WayName, Way][]).forEach(([name, way], turn) => {
    const cells = cellsOf(name, moments(name, server), turn);
    describe(name, () => {
      let all: readonly Held[];
      beforeAll(async () => {
        all = await strike(cells);
      });
      afterAll(() => Promise.all((all ?? []).map(({ cast }) => cast.close())));

      it.concurrent.for(cells.map((cell, i) => [inWords(cell), cell, i] as const))(
        "%s",
        async ([, cell, i]) => {
          const { cast, outcome } = all[i]!;
          const { step, patient, durable } = cell;
          const error = await outcome;
          if (step === "abort") expect(error).toMatchObject({ code: "denied" });
          else if (patient) expect(error).toBeUndefined();
          else expect(error).toMatchObject({ code: "network" });
          const there = (patient && step !== "abort") || commits(cell) ? "new" : "old";
          expect(await cast.object()).toBe(there);
          const pending = await cast.pending();
          if (patient || !way.spooled) {
            expect(pending).toEqual([]);
            // What has given up could tell nobody; of what went on, only an upload whose id was lost is left.
            const lost = !patient || step === "create" ? openUploads(cell) : 0;
            await cast.nothingElse(lost);
          } else if (durable) {
            expect(pending).toMatchObject([{ state: stateOf(cell), failure: "network" }]);
            await cast.dealWith(pending[0]!, "resume");
            expect(await cast.object()).toBe("new");
            await cast.nothingElse(step === "create" ? openUploads(cell) : 0);
          } else {
            // The spool is gone; a journal is left where there may be parts on the server.
            const told = step !== "put" && step !== "create";
            expect(pending).toMatchObject(told ? [{ state: "orphan" }] : []);
            for (const each of pending) await cast.dealWith(each, "discard");
            expect(await cast.object()).toBe(there);
            await cast.nothingElse(step === "create" ? openUploads(cell) : 0);
          }
        },
      );
    });
  });

  it("while it is making the objects: each is the old one or the new one", { timeout: 120_000 }, async () => {
    const cells = (Object.entries(ways) as [WayName, Way][]).flatMap(([name, way]) =>
      [true, false].map(
        (patient): Cell => ({
          name,
          step: way.parts > 0 ? "complete" : "put",
          fate: "within",
          patient,
          durable: way.spooled && !patient,
        }),
      ),
    );
    const going = new Signal();
    const back = new Signal();
    let isDown = false;
    const all: Held[] = [];
    for (const cell of cells) {
      // All that is missing is sent at once.
      all.push(await begin(cell, going, "go on", () => (isDown ? back.given : undefined)));
    }
    await Promise.all(all.map(({ came }) => came));
    going.give();
    // The others are at work when the first is done.
    await Promise.race(all.map(({ outcome }) => outcome));
    isDown = true;
    await server.kill();
    await Promise.all(all.filter((_, i) => !cells[i]!.patient).map(({ outcome }) => outcome));
    await server.restart();
    isDown = false;
    back.give();
    const seen: string[] = [];
    for (const [i, { cast, outcome }] of all.entries()) {
      const { name, durable, patient } = cells[i]!;
      const error = await outcome;
      await cast.quiet();
      // What cannot be begun anew is told when the server has lost it.
      const codes = patient && !cast.way.spooled ? ["network", "not-found"] : ["network"];
      if (error !== undefined) expect(codes).toContain(isPeekpackError(error) ? error.code : error);
      const there = await cast.object();
      seen.push(error === undefined ? "done" : `failed with the ${there} object`);
      if (error === undefined) expect([name, there]).toEqual([name, "new"]);
      const pending = await cast.pending();
      expect(pending.length).toBeLessThan(2);
      for (const each of pending) await cast.dealWith(each, durable ? "resume" : "discard");
      const then = durable && pending.length > 0 ? "new" : there;
      expect([name, pending, await cast.object()]).toEqual([name, pending, then]);
      const open = await cast.uploads();
      if (cast.way.spooled) expect(open).toEqual([]);
      await cast.nothingElse(open.length);
      await cast.close();
    }
    const kinds = [...new Set(seen)].sort();
    console.log(kinds.map((kind) => `${seen.filter((each) => each === kind).length} ${kind}`).join(", "));
  });
});
