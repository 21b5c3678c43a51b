import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// Each test file runs in a process of its own, which has not been started with --expose-gc.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that are alive: heap and array buffers, after everything that is dead has been collected. */
export function liveBytes(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
