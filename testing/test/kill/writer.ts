/** Child process that runs, resumes or discards one write, and can kill itself by SIGKILL at a local step. */
import promises, { type FileHandle, open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import type { ArchiveSink } from "@peekpack/core";
import { discardUpload, pendingUploads } from "@peekpack/node-storage";
import {
  resumeWrite,
  startWrite,
  storeOf,
  type WriteMethodName,
  type WriteTask,
  writeMethods,
} from "./write-methods.js";

/** A step between requests at which the process kills itself. */
export type LocalStep =
  /** The spool's directory exists, but has no owner yet. */
  | "making the spool"
  /** A part of the archive is written. */
  | "filling it"
  /** Half a journal line is written. */
  | "journal: v"
  | "journal: sealed"
  | "journal: upload"
  | "journal: part"
  | "journal: committing"
  /** The object is committed, and the spool is being removed: body, journal, directory. */
  | "removing the body"
  | "removing the journal"
  | "removing the spool";

/** The task of the process. */
export interface WriterTask extends WriteTask {
  readonly operation: "write" | "resume" | "discard";
  readonly dieAt?: LocalStep | undefined;
}

const task = JSON.parse(process.argv[2]!) as WriterTask;
const { dieAt } = task;
const die = (): void => {
  process.kill(process.pid, "SIGKILL");
};

if (dieAt === "making the spool") {
  promises.link = async () => die();
} else if (dieAt?.startsWith("removing")) {
  const { rm } = promises;
  promises.rm = async (path, options) => {
    const name = basename(String(path));
    const what = /^[0-9a-z]+-[0-9a-f]{12}$/.test(name) ? "spool" : name;
    if (dieAt === `removing the ${what}`) die();
    await rm(path, options);
  };
} else if (dieAt?.startsWith("journal")) {
  const line = `{"${dieAt.split(" ")[1]}"`;
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

const observe = (sink: ArchiveSink): ArchiveSink => {
  let bytes = 0;
  return {
    ...sink,
    async write(chunk) {
      await sink.write(chunk);
      bytes += chunk.length;
      if (dieAt === "filling it" && bytes > 70_000) die();
    },
  };
};

if (task.operation === "write") await startWrite(task, observe);
else if (task.operation === "resume") await resumeWrite(task);
else {
  const [pending] = await pendingUploads({ directory: task.directory });
  const store = storeOf(task, writeMethods[task.method as WriteMethodName]);
  await discardUpload(pending!, store.target(`${task.bucket}/${task.key}`, { put: task.put }));
}
