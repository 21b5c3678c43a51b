import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySink } from "@peekpack/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { fileError } from "../src/file-error.js";
import { defaultSpoolDirectory, pendingUploads, spoolSink } from "../src/index.js";

/** As Deno throws it for what it has no permission for. */
function notCapable(kind: string, what: string): Error {
  const message = `Requires ${kind} access to "${what}", run again with the --allow-${kind} flag`;
  return Object.assign(new Error(message), { name: "NotCapable" });
}

describe("a permission that the runtime does not give", () => {
  afterEach(() => vi.restoreAllMocks());

  it("is denied, and the message of Deno says which option gives it", () => {
    expect(fileError(notCapable("read", "/data/a.msglc"), "read /data/a.msglc", "source")).toMatchObject({
      name: "PeekpackError",
      code: "denied",
      section: "source",
      message:
        'Could not read /data/a.msglc: Requires read access to "/data/a.msglc", run again with the --allow-read flag.',
    });
  });

  it("is denied, and the message names what Node's permission model refuses", () => {
    const error = Object.assign(new Error("Access to this API has been restricted"), {
      code: "ERR_ACCESS_DENIED",
      permission: "FileSystemWrite",
    });
    expect(fileError(error, "write a.msglc", "sink")).toMatchObject({
      code: "denied",
      message: "Could not write a.msglc: Access to this API has been restricted (FileSystemWrite).",
    });
  });

  it("is denied where the default directory of spools is looked up", async () => {
    vi.spyOn(process as Required<typeof process>, "getuid").mockImplementation(() => {
      throw notCapable("sys", "uid");
    });
    const denied = { code: "denied", message: expect.stringContaining("--allow-sys") };
    await expect(pendingUploads()).rejects.toMatchObject(denied);
    expect(() => spoolSink(memorySink() as never)).toThrow(expect.objectContaining(denied));
  });
});

it("the default directory of spools is that of the user's id, whatever USER says", () => {
  for (const name of ["", "somebody"]) {
    vi.stubEnv("USER", name);
    expect(defaultSpoolDirectory()).toBe(join(tmpdir(), `peekpack-spool-${process.getuid?.()}`));
  }
  vi.unstubAllEnvs();
});
