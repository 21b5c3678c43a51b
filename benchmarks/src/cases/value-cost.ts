import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  type Archive,
  listOf,
  mapOf,
  openArchive,
  type Path,
  type RangeSource,
  type RequestEvent,
  slice,
  writeArchive,
} from "@peekpack/core";
import { slowSource } from "@peekpack/core/testing";
import { fileSink, fileSource } from "@peekpack/node-storage";
import { randomNumbers, roundTrips } from "@peekpack/testing";
import type { Benchmark, Context } from "../benchmark.js";
import { figureRow } from "../row.js";

/** Sizes of the archives, in nodes. */
const SIZES = [1e3, 1e4, 1e5, 1e6, 1e7];
/** Random values that are read of each archive, each by a new reader. */
const TRIES = 20;
const KiB = 1024;
const COLD = { trips: 4, bytes: 128 * KiB };
const KEPT = { trips: 3, bytes: 128 * KiB };
const FLOATS = { trips: 3, bytes: 96 * KiB };
const FIFTY_TRIPS = 5;
const GROWTH = 1.3;

/** The maximum over several tries. */
interface Cost {
  readonly bytes: number;
  readonly trips: number;
}

/** An archive of many nodes, written without holding its values. */
interface Shape {
  readonly name: string;
  value(count: number): unknown;
  /** The path of a value that is a node. */
  path(count: number, at: number): Path;
}

function* numbered<T>(count: number, make: (i: number) => T): Generator<T> {
  for (let i = 0; i < count; i++) yield make(i);
}
const text = (i: number): string => `value number ${i}`;

function nested(name: string, each: (count: number) => number): Shape {
  return {
    name,
    value(count) {
      const size = each(count);
      const group = (i: number): unknown =>
        mapOf(numbered(size, (j) => [`key ${i}/${j}`, text(i * size + j)] as const));
      return mapOf(numbered(Math.ceil(count / size), (i) => [`group ${i}`, group(i)] as const));
    },
    path(count, at) {
      const group = Math.floor(at / each(count));
      return [`group ${group}`, `key ${group}/${at % each(count)}`];
    },
  };
}

const SHAPES: readonly Shape[] = [
  {
    name: "a map",
    value: (count) => mapOf(numbered(count, (i) => [`key ${i}`, text(i)] as const)),
    path: (_, at) => [`key ${at}`],
  },
  {
    name: "a list",
    value: (count) => listOf(numbered(count, text)),
    path: (_, at) => [at],
  },
  nested("maps of 1,000 in a map", () => 1000),
  // Children whose tables are large as well.
  nested("√n maps of √n", (count) => Math.round(Math.sqrt(count))),
  {
    name: "√n lists of √n",
    value(count) {
      const size = Math.round(Math.sqrt(count));
      return listOf(
        numbered(Math.ceil(count / size), (i) => listOf(numbered(size, (j) => text(i * size + j)))),
      );
    },
    path(count, at) {
      const size = Math.round(Math.sqrt(count));
      return [Math.floor(at / size), at % size];
    },
  },
];

/** A file whose first contact gives as much as that of an object on S3. */
function remoteFile(path: string): RangeSource {
  const file = fileSource(path);
  return {
    label: file.label,
    async probe(want, options) {
      const found = await file.probe(want, options);
      const last = want.longTail?.wanted(found.head, found.size) ?? 0;
      if (last <= want.tail) return found;
      const [tail] = await file.read([{ start: found.size - last, end: found.size }], options);
      return { ...found, tail: tail! };
    },
    read: (ranges, options) => file.read(ranges, options),
    // A kept index then needs no request of its own.
    pin: (state) => file.pin?.(state),
    close: () => file.close?.() ?? Promise.resolve(),
  };
}

/** What reading costs over a network, counted without one. */
async function cost(
  file: string,
  work: (archive: Archive) => Promise<unknown>,
  index?: Uint8Array,
): Promise<Cost> {
  const events: RequestEvent[] = [];
  // The latency keeps requests that wait for one another apart.
  const source = slowSource(remoteFile(file), { latencyMs: 10, bytesPerMs: 1e6 });
  const archive = await openArchive(source, { index, onRequest: (event) => events.push(event) });
  await work(archive);
  const { bytes } = archive.stats;
  await archive.close();
  return { bytes, trips: roundTrips(events) };
}

const worst = (costs: readonly Cost[]): Cost => ({
  bytes: Math.max(...costs.map(({ bytes }) => bytes)),
  trips: Math.max(...costs.map(({ trips }) => trips)),
});

/** Compares costs with their bounds. */
function rows(
  context: Context,
  data: string,
  name: string,
  found: Cost,
  bound: { readonly trips: number; readonly bytes?: number },
): void {
  const facts = { bytes: found.bytes, "round trips": found.trips };
  const row = (measure: string, figure: number, most: number): void =>
    context.row(
      figureRow(
        data,
        measure,
        { name, figure, facts },
        { name: "the bound", figure: most, facts: { [measure]: most } },
        { atMost: 1 },
      ),
    );
  if (bound.bytes !== undefined) row("bytes", found.bytes, bound.bytes);
  row("round trips", found.trips, bound.trips);
}

async function shapeCosts(context: Context, { name, value, path }: Shape): Promise<void> {
  const file = join(context.scratch, "value-cost.archive");
  const colds = new Map<number, Cost>();
  for (const size of SIZES) {
    const { size: bytes } = await writeArchive(fileSink(file), value(size), {
      pageIndex: true,
      smallObjectThreshold: 16,
      trivialSize: 8,
    });
    const label = `${name} of ${size.toLocaleString("en")}`;
    context.log(`${label}: ${bytes.toLocaleString("en")} bytes`);
    const random = randomNumbers(size);
    const paths = Array.from({ length: TRIES }, () => path(size, Math.floor(random() * size)));
    const costs: Cost[] = [];
    for (const at of paths) costs.push(await cost(file, (archive) => archive.read(at)));
    const cold = worst(costs);
    colds.set(size, cold);
    rows(context, label, "a cold value", cold, COLD);
    const whole = await openArchive(remoteFile(file));
    const index = whole.index();
    await whole.close();
    const kept: Cost[] = [];
    for (const at of paths) kept.push(await cost(file, (archive) => archive.read(at), index));
    rows(context, label, "with the root kept", worst(kept), KEPT);
    if (size === 1e6) {
      const fifty = Array.from({ length: 50 }, () => path(size, Math.floor(random() * size)));
      const found = await cost(file, (archive) => archive.readMany(fifty));
      rows(context, label, "fifty random values", found, { trips: FIFTY_TRIPS });
    }
    rmSync(file);
  }
  const [small, large] = [colds.get(1e4)!, colds.get(1e7)!];
  context.row(
    figureRow(
      name,
      "bytes",
      { name: "a cold value of 10,000,000", figure: large.bytes, facts: { bytes: large.bytes } },
      { name: "a cold value of 10,000", figure: small.bytes, facts: { bytes: small.bytes } },
      { atMost: GROWTH },
    ),
  );
}

async function floatCosts(context: Context): Promise<void> {
  const file = join(context.scratch, "floats.archive");
  const count = 1e7;
  await writeArchive(fileSink(file), { floats: listOf(numbered(count, (i) => i / 7)) }, { pageIndex: true });
  const random = randomNumbers(7);
  const costs: Cost[] = [];
  for (let i = 0; i < TRIES; i++) {
    const start = Math.floor(random() * (count - 100));
    costs.push(await cost(file, (archive) => archive.read(["floats", slice(start, start + 100)])));
  }
  rows(context, "10,000,000 floats", "100 of them", worst(costs), FLOATS);
  rmSync(file);
}

/** Counts what a value costs in archives of a thousand to ten million nodes. */
export const valueCost: Benchmark = {
  name: "value-cost",
  what: "bytes and round trips of a value in archives of 10^3 to 10^7 nodes, against their bounds",
  async run(context) {
    for (const shape of SHAPES) await shapeCosts(context, shape);
    await floatCosts(context);
  },
};
