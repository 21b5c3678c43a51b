/** A process that does one write, resumes or discards one, and can be told to die by SIGKILL at a step of its own. */
import promises, { type FileHandle, open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import type { ArchiveSink } from "@peekpack/core";
import { discardUpload, pendingUploads } from "@peekpack/node-storage";
import { resumeWrite, startWrite, storeOf, type WayName, type WriteOrder, ways } from "./ways.js";

/** A step between requests, at which the process ends itself as `kill -9` would. */
export type OwnStep =
  /** The spool's directory is made, and not yet said whose it is. */
  | "making the spool"
  /** Some of the archive is written. */
  | "filling it"
  /** Half a line is written to the journal. */
  | "journal: v"
  | "journal: sealed"
  | "journal: upload"
  | "journal: part"
  | "journal: committing"
  /** The object is there, and the spool is removed: its body, then its journal, then what is left. */
  | "removing the body"
  | "removing the journal"
  | "removing the spool";

/** What the process is told. */
export interface WriterOrder extends WriteOrder {
  readonly task: "write" | "resume" | "discard";
  readonly dies?: OwnStep | undefined;
}

const order = JSON.parse(process.argv[2]!) as WriterOrder;
const { dies } = order;
const die = (): void => {
  process.kill(process.pid, "SIGKILL");
};

if (dies === "making the spool") {
  promises.link = async () => die();
} else if (dies?.startsWith("removing")) {
  const { rm } = promises;
  promises.rm = async (path, options) => {
    const name = basename(String(path));
    const what = /^[0-9a-z]+-[0-9a-f]{12}$/.test(name) ? "spool" : name;
    if (dies === `removing the ${what}`) die();
    await rm(path, options);
  };
} else if (dies?.startsWith("journal")) {
  const line = `{"${dies.split(" ")[1]}"`;
  const handle = await open(process.execPath);
  const kind = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { appendFile } = kind;
  kind.appendFile = async function (this: FileHandle, data, options) {
    const text = String(data);
    if (!text.includes(line)) return appendFile.call(this, data, options);
    await appendFile.call(this, text.slice(0, text.length / 2));
    die();
  };
}
syncBuiltinESMExports();

const watched = (sink: ArchiveSink): ArchiveSink => {
  let bytes = 0;
  return {
    ...sink,
    async write(chunk) {
      await sink.write(chunk);
      bytes += chunk.length;
      if (dies === "filling it" && bytes > 70_000) die();
    },
  };
};

if (order.task === "write") await startWrite(order, watched);
else if (order.task === "resume") await resumeWrite(order);
else {
  const [pending] = await pendingUploads({ directory: order.directory });
  const store = storeOf(order, ways[order.way as WayName]);
  await discardUpload(pending!, store.target(`${order.bucket}/${order.key}`, { put: order.put }));
}
