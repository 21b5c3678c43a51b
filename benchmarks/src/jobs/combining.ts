import { copyFileSync, readFileSync, statSync } from "node:fs";
import { appendArchives, combineArchives, openArchive, writeArchive } from "@peekpack/core";
import { fileSink, fileSource } from "@peekpack/node-storage";
import type { Job, Jobs } from "../job.js";

/** A child archive in a file. */
export interface ChildFile {
  readonly name: string;
  readonly file: string;
}

const sized = (file: string) => (): { bytes: number } => ({ bytes: statSync(file).size });

export const jobs: Jobs = {
  /** Opens an archive file and writes its content to another. */
  repack({ file, target }: { readonly file: string; readonly target: string }): Job {
    return {
      async run() {
        const archive = await openArchive(fileSource(file));
        await writeArchive(fileSink(target), await archive.get());
        await archive.close();
      },
      after: sized(target),
    };
  },
  /** Combines archive files into one. */
  combine({ children, target }: { readonly children: readonly ChildFile[]; readonly target: string }): Job {
    return {
      run: () =>
        combineArchives(
          fileSink(target),
          children.map(({ name, file }) => ({ name, source: fileSource(file) })),
        ),
      after: sized(target),
    };
  },
  /** Appends an archive to a combined file, which is rewritten and then replaced. */
  append({
    old,
    child,
    target,
  }: {
    readonly old: string;
    readonly child: string;
    readonly target: string;
  }): Job {
    return {
      before: () => copyFileSync(old, target),
      run: () =>
        appendArchives({ source: fileSource(target), sink: fileSink(target) }, [
          { name: "added", source: fileSource(child) },
        ]),
      after: sized(target),
    };
  },
  /** Opens an archive in memory and writes its content to another, in memory. */
  repackMemory({ file }: { readonly file: string }): Job {
    const bytes = readFileSync(file);
    return {
      async run() {
        const { memorySink } = await import("@peekpack/core");
        const sink = memorySink();
        await writeArchive(sink, await (await openArchive(bytes)).get());
        return sink.bytes();
      },
    };
  },
};
