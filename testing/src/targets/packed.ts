import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** Packs every package as it is published. @param options of `npm pack` @returns the tarballs' paths */
export async function packAll(
  root: string,
  destination: string,
  options: readonly string[] = [],
): Promise<string[]> {
  await mkdir(destination, { recursive: true });
  const packages = await readdir(join(root, "packages"));
  for (const name of packages) {
    await promisify(execFile)("npm", ["pack", "--pack-destination", destination, "--silent", ...options], {
      cwd: join(root, "packages", name),
      maxBuffer: 2 ** 26,
    });
  }
  return (await readdir(destination)).map((file) => join(destination, file));
}
