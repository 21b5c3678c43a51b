import { stat } from "node:fs/promises";
import { PeekpackError } from "@peekpack/core";
import { archiveLocation } from "./archive-location.js";

/**
 * Refuses an output that is also an input: another name of the same file counts, as does the same S3 object.
 * @throws PeekpackError `unsupported-value`
 */
export async function refuseSameLocation(inputs: readonly string[], output: string): Promise<void> {
  for (const input of inputs) {
    if (await isSameLocation(input, output)) {
      throw new PeekpackError(
        "unsupported-value",
        `${output} is also the input: write to another name, then replace it`,
      );
    }
  }
}

async function isSameLocation(one: string, other: string): Promise<boolean> {
  const [a, b] = [archiveLocation(one), archiveLocation(other)];
  if (a.kind === "s3" && b.kind === "s3") return a.path === b.path;
  if (a.kind !== "file" || b.kind !== "file") return false;
  const [first, second] = await Promise.all([fileId(a.path), fileId(b.path)]);
  return first !== undefined && first === second;
}

/** Device and inode of a file. Undefined if there is no such file. */
async function fileId(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    // Reading or writing it reports what is wrong.
    return undefined;
  }
}
