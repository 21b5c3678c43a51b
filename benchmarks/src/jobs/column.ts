import { readFileSync } from "node:fs";
import { type LazyList, openArchive } from "@peekpack/core";
import type { Job, Jobs } from "../job.js";

export const jobs: Jobs = {
  /** A list of numbers, from memory to a typed array. */
  async typedArray({ file }: { readonly file: string }): Promise<Job> {
    const archive = await openArchive(readFileSync(file));
    const column = (await archive.get("column")) as LazyList;
    return { facts: { items: column.length }, run: () => column.toTypedArray("float64") };
  },
  /** The same from the archive's bytes on, opening included. */
  async openTypedArray({ file }: { readonly file: string }): Promise<Job> {
    const bytes = readFileSync(file);
    return {
      run: async () => ((await (await openArchive(bytes)).get("column")) as LazyList).toTypedArray("float64"),
    };
  },
};
