import {
  buildPageIndex,
  combineArchives,
  decodeHeader,
  encodeArchive,
  HEADER_SIZE,
  memorySink,
  openArchive,
  type Path,
  type Value,
} from "@peekpack/core";
import { piecesSource } from "./pieces-source.js";
import { Random } from "./random.js";

/** An archive whose page index is mutated, and what it holds. */
export interface IndexSubject {
  readonly name: string;
  /** The archive without its index. */
  readonly plain: Uint8Array;
  readonly table: Uint8Array;
  readonly index: Uint8Array;
  /** What `archive.index()` gives with the index as a sidecar. */
  readonly kept: Uint8Array;
  readonly values: readonly { readonly path: Path; readonly value: Value }[];
  /** Paths that lead nowhere. */
  readonly absent: readonly Path[];
  /** Containers with their keys; in a list, its length. */
  readonly containers: readonly { readonly path: Path; readonly keys: readonly Value[] | number }[];
}

const text = (i: number): string => `a value that has a node: ${i}`;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const map = (count: number, prefix = "key"): Map<Value, Value> =>
  new Map(numbers(count).map((i) => [`${prefix} ${i}`, text(i)]));

/** Documents with large nodes of every kind. */
function documents(): Readonly<Record<string, unknown>> {
  const odd = map(900);
  for (const [i, key] of [
    7,
    -3,
    2n ** 60n,
    1.5,
    true,
    null,
    new Uint8Array([1, 2]),
    "",
    "__proto__",
  ].entries()) {
    odd.set(key, text(i));
  }
  return {
    "a map": map(1500),
    "a list": numbers(1500).map(text),
    "a list of maps": numbers(900).map((i) => ({ id: i, text: text(i) })),
    blocks: { floats: numbers(8_000).map((i) => i / 3) },
    "keys of every kind": odd,
    "maps in a map": new Map(numbers(3).map((i) => [`map ${i}`, map(500 + i, `key ${i}`)])),
    "lists in a list": [numbers(700).map(text), text(0), numbers(700).map(text), numbers(9_000)],
    // Hash samples, and page samples in place of page records.
    "a map of many": map(40_000),
    // More node records than the root block holds.
    "many maps": numbers(250).map((i) => map(360, `${i}`)),
  };
}

/** Archives with a page index, deterministic. */
export async function indexSubjects(): Promise<IndexSubject[]> {
  const subjects: IndexSubject[] = [];
  for (const codec of ["msgpack", "cbor"] as const) {
    const options = { codec, smallObjectThreshold: 16, trivialSize: 16, pageIndex: false };
    for (const [name, document] of Object.entries(documents())) {
      subjects.push(await subject(`${name}, ${codec}`, encodeArchive(document, options)));
    }
    for (const named of [true, false]) {
      const sink = memorySink();
      const children = numbers(named ? 1500 : 4500).map((i) => ({
        source: encodeArchive({ id: i }, { codec }),
        ...(named ? { name: `child ${i}` } : {}),
      }));
      await combineArchives(sink, children, { codec, pageIndex: false });
      subjects.push(await subject(`combined, ${named ? "named" : "a list"}, ${codec}`, sink.bytes()));
    }
  }
  return subjects;
}

async function subject(name: string, plain: Uint8Array): Promise<IndexSubject> {
  const { tocStart, tocSize } = decodeHeader(plain, plain.length);
  const start = HEADER_SIZE + tocStart;
  const { bytes: index } = await buildPageIndex(plain);
  const whole = piecesSource([plain, index]);
  const kept = (
    await openArchive(whole, { headBytes: 50, tailBytes: 64, pageIndex: piecesSource([index]) })
  ).index();
  const archive = await openArchive(plain, { maps: "map" });
  const random = new Random(name.length);
  const values: { path: Path; value: Value }[] = [];
  const absent: Path[] = [];
  const containers: { path: Path; keys: readonly Value[] | number }[] = [];
  const visit = async (value: Value, path: Value[]): Promise<void> => {
    const isMap = value instanceof Map;
    if (!isMap && !Array.isArray(value)) return;
    const keys: Value[] = isMap ? [...value.keys()] : numbers(value.length);
    if (keys.length < 100) {
      values.push({ path: path as Path, value });
    } else {
      containers.push({ path: path as Path, keys: isMap ? keys : value.length });
      absent.push([...path, isMap ? "no such key" : keys.length] as Path);
    }
    const chosen = new Set([keys[0], keys.at(-1), ...numbers(12).map(() => random.pick(keys))]);
    for (const key of chosen) {
      const inner = isMap ? value.get(key!) : value[key as number];
      const at = [...path, key!];
      if (inner instanceof Map || Array.isArray(inner)) await visit(inner, at);
      else values.push({ path: at as Path, value: inner! });
    }
  };
  await visit(await archive.read(), []);
  return { name, plain, table: plain.slice(start, start + tocSize), index, kept, values, absent, containers };
}
