import { HOSTILE_OPERATIONS, hostileArchives, runHostile } from "@peekpack/testing/fuzz";
import { describe, expect, it } from "vitest";

/** Small enough for every run; `testing/dist/fuzz/hostile-main.js` takes the full size, and measures how soon a signal is heard. */
const SCALE = 0.03;
const ABORT_AFTER_MS = 200;
/** Only something endless reaches it, also on a busy machine. */
const ABSURD_MS = 20_000;
const MAX_GROWN_BYTES = 512 * 1024 * 1024;

describe.each(["msgpack", "cbor"] as const)("archives that are well-formed and hostile, in %s", (codec) => {
  it.each(hostileArchives(codec, SCALE).map((make) => [make().name, make] as const))(
    "%s: every operation gives a value, a typed error or the abort, in bounded time and memory",
    async (_, make) => {
      const archive = make();
      for (const operation of Object.keys(HOSTILE_OPERATIONS)) {
        const { abortMs, grownBytes, outcome } = await runHostile(archive, operation, ABORT_AFTER_MS);
        expect(outcome, operation).toMatch(
          /^(value|aborted|corrupt|limit|bad-path|unsupported-value|not a list of numbers)$/,
        );
        expect(abortMs, operation).toBeLessThan(ABSURD_MS);
        expect(grownBytes, operation).toBeLessThan(MAX_GROWN_BYTES);
      }
    },
    240_000,
  );
});
