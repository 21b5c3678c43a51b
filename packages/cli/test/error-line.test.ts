import { PeekpackError } from "@peekpack/core";
import { describe, expect, it } from "vitest";
import { ArchiveError } from "../src/archive-error.js";
import { errorLine } from "../src/error-line.js";

describe("a permission that Deno does not give", () => {
  const missing = Object.assign(
    new Error('Requires net access to "example.org", run again with the --allow-net flag'),
    { name: "NotCapable" },
  );
  const line = `denied: ${missing.message}`;

  it("is what the line says, also if a request failed for it", () => {
    expect(errorLine(missing)).toBe(line);
    const failed = new PeekpackError("network", "the request failed.", { cause: missing });
    const given = new PeekpackError("network", "Given up after 5 attempts.", { cause: failed });
    expect(errorLine(given)).toBe(line);
    const url = "https://example.org/a.msglc";
    expect(errorLine(new ArchiveError(url, undefined, given))).toBe(`denied: ${url}: ${missing.message}`);
  });
});
