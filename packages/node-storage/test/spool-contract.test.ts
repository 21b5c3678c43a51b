import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spoolContract } from "@peekpack/testing/contracts/spool";
import { afterAll, beforeAll } from "vitest";
import {
  discardUpload,
  exportUpload,
  type PendingUpload,
  pendingUploads,
  resumeUpload,
  spoolSink,
} from "../src/index.js";

let root: string;
/** The id of a process that has ended. */
let ended: number;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "peekpack-contract-"));
  ended = spawnSync(process.execPath, ["--version"]).pid;
});
afterAll(() => rm(root, { recursive: true }));

/** Changes a byte of a file. */
async function flip(path: string, at: (bytes: Buffer) => number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at(bytes)]! ^= 4;
  await writeFile(path, bytes);
}

spoolContract<PendingUpload>("files", () => ({
  functions: { spoolSink, pendingUploads, resumeUpload, exportUpload, discardUpload },
  fresh: () => mkdtemp(join(root, "spools-")),
  async kill(directory) {
    for (const spool of await readdir(directory)) {
      for (const name of await readdir(join(directory, spool))) {
        if (!name.startsWith("owner.")) continue;
        const path = join(directory, spool, name);
        // Without a checksum, as earlier versions wrote it.
        const { crc32: _, ...identity } = JSON.parse(await readFile(path, "utf8"));
        await writeFile(path, JSON.stringify({ ...identity, pid: ended }));
      }
    }
  },
  damageJournal: ({ path }) => flip(join(path, "journal"), (bytes) => bytes.length >> 1),
  damageArchive: ({ path }) => flip(join(path, "body"), () => 6 * 2 ** 20),
  async changeLayout({ path }) {
    const journal = join(path, "journal");
    await writeFile(journal, (await readFile(journal, "utf8")).replace('{"v":2,', '{"v":3,'));
  },
  leftovers: async (directory) => (await readdir(directory)).length,
}));
