import { PassThrough } from "node:stream";
import { archiveSinkContract, type SinkPlace } from "@peekpack/testing/contracts/archive-sink";
import { Output } from "../src/output.js";
import { Progress } from "../src/progress.js";

archiveSinkContract("standard output", () => ({
  lasting: false,
  versioned: false,
  place(): SinkPlace {
    const stream = new PassThrough();
    const chunks: Uint8Array[] = [];
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    const output = new Output(stream, new Progress(new PassThrough()));
    return {
      sink: () => output.sink(),
      async stored() {
        await output.flush();
        return chunks.length === 0 ? undefined : Buffer.concat(chunks);
      },
      leftovers: async () => 0,
    };
  },
}));
