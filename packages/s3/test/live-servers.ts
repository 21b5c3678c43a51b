import { type S3Server, S3ServerAbsent, type S3ServerKind, startS3 } from "@peekpack/testing";
import { afterAll, describe, expect, it } from "vitest";

/**
 * Registers `tests` for each S3 server. A server that is not installed is skipped and named; with PEEKPACK_REQUIRE_LIVE=1 it is a
 * failure.
 */
export async function onEachServer(
  name: string,
  tests: (server: S3Server) => void,
  kinds: readonly S3ServerKind[] = ["stand-in", "rustfs", "versitygw"],
): Promise<void> {
  for (const kind of kinds) {
    let server: S3Server;
    try {
      server = await startS3({ require: kind, build: false });
    } catch (error) {
      if (!(error instanceof S3ServerAbsent) || process.env.PEEKPACK_REQUIRE_LIVE === "1") throw error;
      console.warn(`SKIPPED: ${name} on ${kind}: ${error.message}`);
      describe.skip(`${name} on ${kind}`, () => {
        it(`is absent: ${error.message}`, () => {});
      });
      continue;
    }
    // A busy machine is slow to serve megabytes from another process.
    describe(`${name} on ${kind}`, kind === "stand-in" ? {} : { timeout: 120_000 }, () => {
      afterAll(() => server.close());
      tests(server);
    });
  }
}

/** Pseudorandom bytes, the same in every run. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

/** Expects the same bytes. The framework's own matchers take minutes for megabytes. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  const same = Buffer.compare(actual, expected) === 0;
  expect({ length: actual.length, same }).toEqual({ length: expected.length, same: true });
}
