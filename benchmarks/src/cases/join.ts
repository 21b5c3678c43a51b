import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark, Context } from "../benchmark.js";
import { contest } from "../contest.js";
import type { ChildFile } from "../jobs/joining.js";
import { prepare, prepared } from "../prepared.js";
import { rateRow } from "../row.js";

/** Both backends of msglc write, or copy, the same bytes here; the rust one is the faster. */
const BACKEND = { codec: "msgpack", backend: "rust" } as const;

/** Laps of contestants that append begin with a copy of the archive, and hold one run each. */
const ONE_RUN = { lapMs: 0, warmUpLaps: 4 } as const;

/** Lazy containers of an archive, written into a new one without being decoded. */
export const repack: Benchmark = {
  name: "repack",
  what: "an archive in a file, opened and written anew from its handles",
  async run(context) {
    const { scratch, rounds, python } = context;
    if (python === undefined) return context.skip("repack: its only peer is msglc");
    for (const data of context.data) {
      const { archive } = await prepared(scratch, data, "msgpack");
      const [ours, theirs] = await contest(
        [
          {
            name: "writeArchive of a handle",
            job: "joining/repack",
            parameters: { file: archive, target: join(scratch, "ours.archive") },
          },
          {
            name: "msglc dump of a LazyReader, rust",
            job: "local/repack",
            parameters: { file: archive, target: join(scratch, "theirs.archive"), ...BACKEND },
            python,
          },
        ],
        { rounds },
      );
      context.row(rateRow(data, ours!, theirs!));
    }
  },
};

/** Child archives for combining, in a directory of their own. */
async function childFiles(
  scratch: string,
  name: string,
  under?: string,
): Promise<{ readonly children: readonly ChildFile[]; readonly combined: string; readonly label: string }> {
  const directory = join(scratch, name);
  mkdirSync(directory, { recursive: true });
  await prepare("children", { directory, under });
  const children = JSON.parse(readFileSync(join(directory, "children.json"), "utf8")) as ChildFile[];
  return { children, combined: join(directory, "combined.archive"), label: `${children.length} ${name}` };
}

/** Archives in files, put into one. */
export const combine: Benchmark = {
  name: "combine",
  what: "archives in files, put into one archive in a file",
  async run(context: Context) {
    const { scratch, rounds, python } = context;
    if (python === undefined) return context.skip("combine: its only peer is msglc");
    for (const [name, under] of [["sections"], ["interfaces", "api"]] as const) {
      const { children, label } = await childFiles(scratch, name, under);
      const [ours, theirs] = await contest(
        [
          {
            name: "combineArchives",
            job: "joining/combine",
            parameters: { children, target: join(scratch, "ours.archive") },
          },
          {
            name: "msglc combine, rust",
            job: "local/join",
            parameters: { children, target: join(scratch, "theirs.archive"), ...BACKEND },
            python,
          },
        ],
        { rounds },
      );
      context.row(rateRow(label, ours!, theirs!));
    }
  },
};

/** An archive of 1 MB, appended to a combined one. */
export const append: Benchmark = {
  name: "append",
  what: "an archive of 1 MB, appended to a combined one in a file: anew and atomically against in place",
  async run(context: Context) {
    const { scratch, rounds, python } = context;
    if (python === undefined) return context.skip("append: its only peer is msglc");
    const { combined, label } = await childFiles(scratch, "sections");
    const child = join(scratch, "child.archive");
    await prepare("bytes", { file: child, size: 1_000_000 });
    const [ours, theirs] = await contest(
      [
        {
          name: "appendArchives",
          job: "joining/append",
          parameters: { old: combined, child, target: join(scratch, "ours.archive") },
        },
        {
          name: "msglc append, rust",
          job: "local/add",
          parameters: { old: combined, child, target: join(scratch, "theirs.archive"), ...BACKEND },
          python,
        },
      ],
      { rounds, ...ONE_RUN },
    );
    context.row(rateRow(`1 MB to ${label}`, ours!, theirs!));
  },
};
