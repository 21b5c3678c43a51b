import { type S3Server, S3ServerAbsent, type S3ServerKind, startS3 } from "@peekpack/testing";
import { afterAll, describe, expect, it } from "vitest";

/**
 * Registers `tests` once for each S3 server that is here; one that is absent counts as skipped and is named. With
 * PEEKPACK_REQUIRE_LIVE=1 an absent one is a failure.
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
    describe(`${name} on ${kind}`, () => {
      afterAll(() => server.close());
      tests(server);
    });
  }
}

/** Bytes that look random and are the same at every run. */
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

/** Expects the same bytes. The matchers of the framework take minutes over megabytes. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  const same = Buffer.compare(actual, expected) === 0;
  expect({ length: actual.length, same }).toEqual({ length: expected.length, same: true });
}
