import { expect, it } from "vitest";
import { withStorageErrors } from "../src/storage-error.js";

it.each([
  ["a full disk", "QuotaExceededError", "quota"],
  ["a file that is gone", "NotFoundError", "truncated"],
  ["a file that another page has open", "NoModificationAllowedError", "conflict"],
  ["a closed database", "InvalidStateError", "closed"],
  ["too many open files, as IndexedDB reports them", "UnknownError", "limit"],
  ["too many open files, as the file system reports them", "OperationError", "limit"],
  ["a system that does not respond", "TimeoutError", "limit"],
  ["a private window", "SecurityError", "denied"],
  ["a file that may not be written", "NotAllowedError", "denied"],
])("rejects for %s (%s) with %s", async (_, name, code) => {
  const cause = new DOMException("The browser refuses.", name);
  const failing = withStorageErrors("write a part", () => Promise.reject(cause));
  await expect(failing).rejects.toMatchObject({
    code,
    section: "spool",
    cause,
    message: expect.stringContaining("Could not write a part"),
  });
});

it("rejects with limit if the browser has no memory for a buffer", async () => {
  const failing = withStorageErrors("seal a part", async () => new Uint8Array(2 ** 53 - 1));
  await expect(failing).rejects.toMatchObject({ code: "limit", section: "spool" });
});
