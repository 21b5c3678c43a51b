import { describe, expect, it } from "vitest";
import {
  type CopyLimits,
  type CopyPlan,
  type Piece,
  type PlannedPart,
  planCopy,
  sizeOf,
} from "../src/copy-plan.js";

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const TiB = 2 ** 40;

const header: Piece = { kind: "bytes", size: 50 };
const table: Piece = { kind: "bytes", size: 3 * MiB };
const object = (size: number): Piece => ({ kind: "object", start: 0, end: size, objectSize: size });

/** Expects parts that S3 accepts, and that contain the pieces in order without a gap. */
function check(pieces: readonly Piece[], parts: readonly PlannedPart[], limits: CopyLimits): void {
  const faults: string[] = [];
  if (parts.length > limits.parts) faults.push(`${parts.length} parts`);
  let piece = 0;
  let within = 0;
  const skipEmpty = (): void => {
    while (piece < pieces.length && within === sizeOf(pieces[piece]!)) {
      piece++;
      within = 0;
    }
  };
  for (const [i, part] of parts.entries()) {
    if (part.size > limits.maxPart) faults.push(`part ${i} is too large`);
    if (i < parts.length - 1 && part.size < limits.minPart) faults.push(`part ${i} is too small`);
    if (part.copied && part.runs.length !== 1) faults.push(`part ${i} is copied from several runs`);
    let size = 0;
    for (const run of part.runs) {
      skipEmpty();
      if (run.piece !== piece || run.start !== within || run.end <= run.start)
        faults.push(`part ${i} has a gap`);
      within = run.end;
      size += run.end - run.start;
      const from = pieces[run.piece]!;
      if (part.copied && !(from.kind === "object" && from.objectSize > limits.minCopySource)) {
        faults.push(`part ${i} cannot be copied`);
      }
    }
    if (size !== part.size) faults.push(`part ${i} has another size than its runs`);
  }
  skipEmpty();
  if (piece !== pieces.length) faults.push("pieces are left over");
  expect(faults).toEqual([]);
}

const S3: CopyLimits = {
  minPart: 5 * MiB,
  maxPart: 5 * GiB,
  parts: 10_000,
  object: 10_000 * 5 * GiB,
  minCopySource: 5 * MiB,
};

function checkAll(pieces: readonly Piece[], plan: CopyPlan, limits = S3): void {
  if (plan.stages.length === 0) {
    check(pieces, plan.parts, limits);
    return;
  }
  const all = plan.stages.flat();
  for (const stage of plan.stages) expect(stage.length).toBeLessThanOrEqual(limits.parts);
  check(pieces, all, { ...limits, parts: Number.POSITIVE_INFINITY });
  const staged = plan.stages.map((stage) => object(stage.reduce((sum, part) => sum + part.size, 0)));
  check(staged, plan.parts, { ...limits, minCopySource: 0 });
}

describe("planning server-side copies", () => {
  it("appends a small child to a large archive and reads less than 5 MiB of it", () => {
    const pieces: Piece[] = [
      header,
      { kind: "object", start: 50, end: GiB, objectSize: GiB + 40_000 },
      { kind: "bytes", size: MiB },
      { kind: "bytes", size: 41_000 },
    ];
    const plan = planCopy(pieces);
    checkAll(pieces, plan);
    expect(plan.parts.map(({ copied }) => copied)).toEqual([false, true, false]);
    expect(plan.read).toBe(5 * MiB - 50);
    expect(plan.copied).toBe(GiB - 5 * MiB);
  });

  it("copies large children in parts of at most 5 GiB and reads only the first edge", () => {
    const pieces = [header, object(12 * GiB), object(6 * MiB), object(40 * GiB), table];
    const plan = planCopy(pieces);
    checkAll(pieces, plan);
    expect(plan.read).toBe(5 * MiB - 50);
  });

  it("assembles small children, and extends a short part by the next child's first bytes", () => {
    const pieces = [
      header,
      ...Array.from({ length: 7 }, () => object(MiB)),
      object(100 * MiB),
      object(2 * MiB),
      table,
    ];
    const plan = planCopy(pieces);
    checkAll(pieces, plan);
    expect(plan.read).toBe(9 * MiB);
    expect(plan.copied).toBe(100 * MiB);
  });

  it("plans one part for a small archive", () => {
    const plan = planCopy([header, object(1000), { kind: "bytes", size: 20 }]);
    expect(plan.parts.length).toBe(1);
    expect(plan.copied).toBe(0);
  });

  it("reads everything if the server cannot copy", () => {
    const pieces = [header, object(GiB), table];
    const plan = planCopy(pieces, { copy: false });
    checkAll(pieces, plan);
    expect(plan).toMatchObject({ copied: 0, read: GiB });
  });

  it("plans 100,000 children, in stages if they need more than 10,000 parts", () => {
    const small = [header, ...Array.from({ length: 100_000 }, () => object(300_000)), table];
    const plan = planCopy(small);
    checkAll(small, plan);
    expect(plan.stages).toEqual([]);
    const large = [header, ...Array.from({ length: 100_000 }, (_, i) => object(6 * MiB + i)), table];
    const staged = planCopy(large);
    checkAll(large, staged);
    expect(staged.stages.length).toBe(11);
    // The whole first child: after the edge, less than a part would be left of it.
    expect(staged.read).toBe(6 * MiB);
  });

  it("plans an object of maximum size and rejects a larger one with RangeError", () => {
    const pieces = [header, ...Array.from({ length: 9 }, () => object(5 * TiB)), object(3 * TiB), table];
    checkAll(pieces, planCopy(pieces));
    expect(() => planCopy([object(49 * TiB)])).toThrow(RangeError);
  });

  it("plans equal parts with equalPartSize", () => {
    const equalPartSize = 8 * MiB;
    const pieces = [header, object(100 * MiB), object(3 * MiB), object(64 * MiB), table];
    const plan = planCopy(pieces, { equalPartSize });
    checkAll(pieces, plan);
    for (const part of plan.parts.slice(0, -1)) expect(part.size).toBe(equalPartSize);
    expect(plan.parts.at(-1)!.size).toBeLessThanOrEqual(equalPartSize);
    expect(plan.copied).toBeGreaterThan(140 * MiB);
    expect(() => planCopy([object(TiB)], { equalPartSize })).toThrow(RangeError);
    expect(() => planCopy([object(TiB)], { equalPartSize: 1000 })).toThrow(RangeError);
  });

  it("plans valid parts for random pieces under small limits", () => {
    const limits: CopyLimits = { minPart: 50, maxPart: 400, parts: 60, object: 1_000_000, minCopySource: 55 };
    let seed = 20_260_901;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed % below;
    };
    let staged = 0;
    for (let round = 0; round < 3000; round++) {
      const pieces: Piece[] = Array.from({ length: 1 + random(round % 10 === 0 ? 400 : 30) }, () => {
        const size = 1 + random([20, 60, 200, 3000][random(4)]!);
        const start = random(3) * 10;
        return random(3) === 0
          ? { kind: "bytes", size }
          : { kind: "object", start, end: start + size, objectSize: start + size + random(20) };
      });
      const equalPartSize = round % 3 === 0 ? 50 + random(300) : undefined;
      try {
        const plan = planCopy(pieces, { limits, assembledSize: 60, equalPartSize });
        if (plan.stages.length > 0) staged++;
        checkAll(pieces, plan, limits);
      } catch (error) {
        // No plan is possible.
        if (!(error instanceof RangeError)) throw error;
        expect(error.message).toMatch(/parts/);
      }
    }
    expect(staged).toBeGreaterThan(20);
  });
});
