/** A page that reads an archive under a fault; Playwright calls {@link read} in it. */
import {
  type FaultyOutcome,
  type FaultyPlace,
  type Operation,
  readUnderFault,
} from "@peekpack/testing/contracts/faulty-reads";

declare global {
  interface Window {
    /** Provided by the test: applies the fault. */
    readonly arm: () => Promise<void>;
    readonly read: typeof read;
  }
}

const read = (
  place: FaultyPlace,
  operation: Operation,
  when: "from the start" | "once open",
): Promise<FaultyOutcome> => readUnderFault(place, operation, when, window.arm);

Object.assign(window, { read });
