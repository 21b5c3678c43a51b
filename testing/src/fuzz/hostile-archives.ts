import { decodeHeader, encodeArchive, HEADER_SIZE, type Protocol } from "@peekpack/core";
import { encodeHeader } from "@peekpack/core/internal";

/** An archive that is well-formed and hostile, or merely large. */
export interface HostileArchive {
  readonly name: string;
  readonly bytes: Uint8Array;
}

type Codec = Protocol;

/** Makes hostile archives of a size. `scale` 1 takes some milliseconds to make. */
export function hostileArchives(codec: Codec, scale = 1): readonly (() => HostileArchive)[] {
  const count = (many: number): number => Math.max(2, Math.round(many * scale));
  const named = (name: string, make: () => Uint8Array) => (): HostileArchive => ({
    name: `${name}, ${codec}`,
    bytes: make(),
  });
  return [
    named("levels of references to one child", () => {
      let child = encodeArchive(1, { codec });
      for (let level = 0; level < 4; level++) {
        child = archiveOf(codec, child, { t: Array.from({ length: count(1000) }, () => 0) });
      }
      return child;
    }),
    named("one span under many items", () => {
      const value = new Uint8Array(count(1_000_000));
      const data = encoded(codec, [value]);
      const span = { p: [1, data.length] };
      return archiveOf(codec, data, {
        p: [0, data.length],
        t: Array.from({ length: count(3000) }, () => span),
      });
    }),
    named("one child under many names", () => {
      const child = encodeArchive({ a: new Uint8Array(count(100_000)) }, { codec });
      const names = Array.from({ length: count(3000) }, (_, i) => [`name ${i}`, 0]);
      return archiveOf(codec, child, { t: Object.fromEntries(names) });
    }),
    named("archives inside each other", () => {
      let child = encodeArchive(1, { codec });
      for (let level = 0; level < count(2000); level++) child = archiveOf(codec, child, { t: { a: 0 } });
      return child;
    }),
    named("a table that nests deep", () => {
      // Encoded by hand: the encoder has limits of its own.
      const depth = count(200_000);
      const data = encoded(codec, [1]);
      const open = encoded(codec, { p: [0, data.length] }).slice(1);
      const key = encoded(codec, "t");
      const level = [codec === "msgpack" ? 0x82 : 0xa2, ...open, ...key, codec === "msgpack" ? 0x91 : 0x81];
      const table = new Uint8Array(level.length * depth + 6);
      for (let i = 0; i < depth; i++) table.set(level, i * level.length);
      const leaf = encoded(codec, { p: [0, data.length] });
      table.set(leaf, level.length * depth);
      return withTable(codec, data, table.subarray(0, level.length * depth + leaf.length));
    }),
    named("a value that nests deep", () => {
      const depth = count(500_000);
      const data = new Uint8Array(depth + 1).fill(codec === "msgpack" ? 0x91 : 0x81);
      data[depth] = 0;
      return archiveOf(codec, data, { p: [0, data.length] });
    }),
    named("keys that collide in a Map", () => {
      const keys = Array.from({ length: count(20_000) }, (_, i): [unknown, number] => [
        codec === "cbor" ? 2n ** 64n * BigInt(i + 1) + 7n : i * 2 ** 20,
        i,
      ]);
      return encodeArchive(new Map(keys), { codec });
    }),
    named("a count beyond everything", () => {
      const head = codec === "msgpack" ? [0xdd] : [0x9a];
      const data = Uint8Array.of(...head, 0xff, 0xff, 0xff, 0xff, ...new Uint8Array(64));
      return archiveOf(codec, data, { p: [0, data.length] });
    }),
    named("blocks that claim many items", () => {
      const data = new Uint8Array(1000);
      return archiveOf(codec, data, {
        p: [
          [2 ** 40, 0, 500],
          [2 ** 40, 500, 1000],
        ],
      });
    }),
    named("many empty maps", () =>
      encodeArchive(
        Array.from({ length: count(1_000_000) }, () => ({})),
        { codec },
      ),
    ),
    named("many numbers", () =>
      encodeArchive(
        Array.from({ length: count(1_000_000) }, (_, i) => i),
        { codec },
      ),
    ),
    named("many nodes, t before p", () => {
      const value = "a text that has a node of its own";
      const each = encoded(codec, value).length;
      const many = count(50_000);
      const data = encoded(
        codec,
        Array.from({ length: many }, () => value),
      );
      const head = data.length - each * many;
      const leaf = (i: number): unknown => ({ t: null, p: [head + i * each, head + (i + 1) * each] });
      return archiveOf(codec, data, {
        t: Array.from({ length: many }, (_, i) => leaf(i)),
        p: [0, data.length],
      });
    }),
    named("a long text as a key", () => encodeArchive({ ["k".repeat(count(5_000_000))]: 1 }, { codec })),
  ];
}

/** A value in a codec, without an archive around it. */
function encoded(codec: Codec, value: unknown): Uint8Array {
  const bytes = encodeArchive(value, { codec, pageIndex: false, smallObjectThreshold: 2 ** 31 });
  return bytes.slice(HEADER_SIZE, HEADER_SIZE + decodeHeader(bytes).tocStart);
}

function archiveOf(codec: Codec, data: Uint8Array, table: unknown): Uint8Array {
  return withTable(codec, data, encoded(codec, table));
}

function withTable(codec: Codec, data: Uint8Array, table: Uint8Array): Uint8Array {
  const header = encodeHeader({ protocol: codec, tocStart: data.length, tocSize: table.length });
  return Buffer.concat([header, data, table]);
}
