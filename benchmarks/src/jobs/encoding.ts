import { writeFileSync } from "node:fs";
import { encodeArchive } from "@peekpack/core";
import { DATA_SETS, type DataSetName } from "../data-sets.js";
import type { Job, Jobs } from "../job.js";

interface Encoding {
  readonly data: DataSetName;
  readonly codec: "msgpack" | "cbor";
  readonly pageIndex?: boolean;
}

const size = (result: unknown): { bytes: number } => ({ bytes: (result as Uint8Array).length });

export const jobs: Jobs = {
  /** A whole archive in memory, its table included. */
  peekpack({ data, codec, pageIndex }: Encoding): Job {
    const value = DATA_SETS[data]();
    return { run: () => encodeArchive(value, { codec, pageIndex }), after: size };
  },
  /** The same, written to a file. */
  peekpackFile({ data, codec, file }: Encoding & { readonly file: string }): Job {
    const value = DATA_SETS[data]();
    return { run: () => writeFileSync(file, encodeArchive(value, { codec })) };
  },
  async msgpackr({ data }: Encoding): Promise<Job> {
    const { pack } = await import("msgpackr");
    const value = DATA_SETS[data]();
    return { run: () => pack(value), after: size };
  },
  async cborx({ data }: Encoding): Promise<Job> {
    const { encode } = await import("cbor-x");
    const value = DATA_SETS[data]();
    return { run: () => encode(value), after: size };
  },
};
