import { archiveSinkContract, type SinkPlace } from "@peekpack/testing/contracts/archive-sink";
import { memoryTarget } from "@peekpack/testing/contracts/memory-target";
import { pendingUploads, spoolSink } from "../src/index.js";
import { fakeBrowser } from "./fake-browser.js";

const MiB = 2 ** 20;

let count = 0;
archiveSinkContract("spool in IndexedDB", () => ({
  lasting: true,
  versioned: true,
  spills: true,
  largeBytes: 11 * MiB,
  place(): SinkPlace {
    fakeBrowser();
    const target = memoryTarget();
    const directory = `contract-${++count}`;
    return {
      sink: () => spoolSink(target, { directory, partSize: 5 * MiB }),
      stored: async () => target.object,
      leftovers: async () => (await pendingUploads({ directory, active: true })).length + target.uploads.size,
    };
  },
}));
