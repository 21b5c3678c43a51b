import { randomNumbers } from "@peekpack/testing";

/** Keys from the root. */
export type Path = readonly string[];

/** Descends by random keys until `end` returns true. */
export function randomPath(
  root: unknown,
  random: () => number,
  end: (at: unknown, depth: number) => boolean,
): Path {
  const path: string[] = [];
  let at = root;
  while (!end(at, path.length)) {
    const keys = Object.keys(at as object);
    const key = keys[Math.floor(random() * keys.length)]!;
    path.push(key);
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return path;
}

/** Whether a value is a map with entries. */
export const isMap = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;

/** The path of a random value that is not a map, the same in each run of a round. */
export const randomLeaf = (root: unknown, round: number): Path =>
  randomPath(root, randomNumbers(1000 + round), (at) => !isMap(at));
