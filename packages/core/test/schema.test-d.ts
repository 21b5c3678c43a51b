/** What the compiler must accept and refuse. Checked by `npm run types`; nothing here runs. */
import type { Archive, LazyList, LazyMap, Value } from "../src/index.js";

interface Schema {
  entries: { energy: number; label: string; steps: { t: number }[] }[];
  meta: { title: string; tags: Record<string, boolean> };
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(): T => true as T;

export async function typed(archive: Archive<Schema>): Promise<void> {
  const energy = await archive.read("entries/0/energy");
  yes<Same<typeof energy, number>>();
  const exact = await archive.read(["entries", 3, "steps", 0, "t"]);
  yes<Same<typeof exact, number>>();
  const some = await archive.read("entries/0:10");
  yes<Same<typeof some, Schema["entries"]>>();
  const tag = await archive.read("meta/tags/anything");
  yes<Same<typeof tag, boolean>>();
  const all = await archive.read();
  yes<Same<typeof all, Schema>>();
  const lazy = await archive.get("entries");
  yes<Same<typeof lazy, LazyList | Schema["entries"]>>();
  const map = await archive.get("meta");
  yes<Same<typeof map, LazyMap | Schema["meta"]>>();
  const keys = await archive.keys("meta").toArray();
  yes<Same<typeof keys, ("title" | "tags")[]>>();
  const indices = await archive.keys("entries").toArray();
  yes<Same<typeof indices, number[]>>();
  for await (const { value } of archive.select("entries/*/energy")) yes<Same<typeof value, number>>();
  const dynamic = await archive.read(`entries/${Math.random()}` as string);
  yes<Same<typeof dynamic, Value>>();

  // @ts-expect-error there is no such key
  await archive.read("entries/0/nope");
  // @ts-expect-error a list has indices only
  archive.keys("entries/name");
  // @ts-expect-error nothing lies below a number
  await archive.read("entries/0/energy/x");
}

export async function untyped(archive: Archive): Promise<void> {
  const value = await archive.read("any/path/at/all");
  yes<Same<typeof value, Value>>();
  const keys = await archive.keys("any").toArray();
  yes<Same<typeof keys, Value[]>>();
  const lazy = await archive.get(["a/b", 0]);
  yes<Same<typeof lazy, LazyMap | LazyList | Value>>();
}
