import { readFileSync } from "node:fs";
import { openArchive } from "@peekpack/core";
import type { Job, Jobs } from "../job.js";

/** Both are files: an archive, or the data of one without header and table. */
interface Decoding {
  readonly file: string;
}

export const jobs: Jobs = {
  /** An archive in memory, opened and read whole. */
  peekpack({ file }: Decoding): Job {
    const bytes = readFileSync(file);
    return {
      facts: { bytes: bytes.length },
      run: async () => (await openArchive(bytes)).read(),
    };
  },
  async msgpackr({ file }: Decoding): Promise<Job> {
    const { unpack } = await import("msgpackr");
    const bytes = readFileSync(file);
    return { facts: { bytes: bytes.length }, run: () => unpack(bytes) };
  },
  async cborx({ file }: Decoding): Promise<Job> {
    const { decode } = await import("cbor-x");
    const bytes = readFileSync(file);
    return { facts: { bytes: bytes.length }, run: () => decode(bytes) };
  },
};
