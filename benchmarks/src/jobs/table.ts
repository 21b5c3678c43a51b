import { readFileSync } from "node:fs";
import { type Archive, openArchive } from "@peekpack/core";
import { fileSource } from "@peekpack/node-storage";
import { randomNumbers } from "@peekpack/testing";
import type { Job, Jobs } from "../job.js";

const collect = (globalThis as { gc?: () => void }).gc!;

/** Memory on the heap and outside it after garbage collection. */
function usedBytes(): number {
  // Twice: the first collection may release references to more.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface Nodes {
  readonly file: string;
  /** Whether the million entries are in one map instead of a thousand. */
  readonly flat: boolean;
}

const pathOf = (index: number, flat: boolean): string[] =>
  flat ? [`entry-${index}`] : [`group-${Math.floor(index / 1000)}`, `entry-${index % 1000}`];

export const jobs: Jobs = {
  /** Opens an archive in memory. */
  open({ file }: Nodes): Job {
    const bytes = readFileSync(file);
    return { run: () => openArchive(bytes) };
  },
  /** Opens an archive in memory and reads one value. */
  openAndRead({ file, flat }: Nodes): Job {
    const bytes = readFileSync(file);
    return { run: async () => (await openArchive(bytes)).read(pathOf(543_210, flat)) };
  },
  /** Reads a thousand random values of an open archive. */
  async read({ file, flat }: Nodes): Promise<Job> {
    const archive = await openArchive(readFileSync(file));
    const random = randomNumbers(4);
    const paths = Array.from({ length: 1000 }, () => pathOf(Math.floor(random() * 1e6), flat));
    return {
      async run() {
        for (const path of paths) await archive.read(path);
      },
    };
  },
  /** Opens an archive file; measures the memory that it retains. */
  async memory({ file }: Nodes): Promise<Job> {
    let before = 0;
    let archive: Archive | undefined;
    return {
      async before() {
        await archive?.close();
        archive = undefined;
        before = usedBytes();
      },
      async run() {
        archive = await openArchive(fileSource(file));
      },
      after: () => ({ heldBytes: usedBytes() - before }),
    };
  },
  /** Unpacks the table; measures the retained memory, including the table's bytes. */
  async unpackedMemory({ table }: { readonly table: string }): Promise<Job> {
    const { unpack } = await import("msgpackr");
    let before = 0;
    let value: unknown;
    return {
      before() {
        value = undefined;
        before = usedBytes();
      },
      run() {
        const bytes = readFileSync(table);
        value = [bytes, unpack(bytes)];
      },
      after: () => ({ heldBytes: value === undefined ? 0 : usedBytes() - before }),
    };
  },
};
