import { writeFileSync } from "node:fs";
import { encodeArchive, openArchive, type RequestEvent } from "@peekpack/core";
import { query } from "@peekpack/jsonpath";
import { randomNumbers, roundTrips } from "@peekpack/testing";
import { jsonpath } from "json-p3";
import type { Facts, Job, Jobs } from "../job.js";

/** Entries of the queried archives. */
const ENTRIES = 100_000;

/** A query of an archive behind a presigned URL, and how many results are right. */
interface Question {
  readonly url: string;
  readonly path: string;
}

/** Records with a text, two numbers, and a list of 32 floats: about 400 bytes each. */
function entries(): object[] {
  const random = randomNumbers(11);
  return Array.from({ length: ENTRIES }, (_, id) => ({
    name: `entry-${id}`,
    gap: random() * 3,
    energy: -random() * 100,
    forces: Array.from({ length: 32 }, () => random() - 0.5),
  }));
}

/** Checks that all contestants find the same. */
function fact(values: readonly unknown[]): Facts {
  return { results: values.length };
}

export const jobs: Jobs = {
  /** Writes the records with a node for each, and with the default threshold: in blocks. */
  archives({ nodes, blocks }: { readonly nodes: string; readonly blocks: string }): Job {
    return {
      run() {
        const value = { entries: entries() };
        writeFileSync(nodes, encodeArchive(value, { smallObjectThreshold: 256, pageIndex: true }));
        writeFileSync(blocks, encodeArchive(value, { pageIndex: true }));
      },
    };
  },
  /** Each run opens the archive and takes all results. */
  peekpack({ url, path }: Question): Job {
    let events: RequestEvent[] = [];
    let facts: Facts = {};
    return {
      async run() {
        events = [];
        const started = performance.now();
        const archive = await openArchive(url, { onRequest: (event) => events.push(event) });
        const values: unknown[] = [];
        for await (const { value } of query(archive, path)) {
          if (values.push(value) > 1) continue;
          facts = {
            "first result ms": performance.now() - started,
            "round trips before the first result": roundTrips(events),
          };
        }
        await archive.close();
        facts = { ...facts, ...fact(values) };
      },
      after: () => facts,
    };
  },
  /** Each run downloads the archive, reads all of it, and evaluates the query with json-p3. */
  download({ url, path }: Question): Job {
    let facts: Facts = {};
    return {
      async run() {
        const response = await fetch(url);
        if (!response.ok) throw new Error(`The download failed: ${response.status}.`);
        const archive = await openArchive(await response.arrayBuffer());
        const root = (await archive.read()) as Parameters<typeof jsonpath.query>[1];
        await archive.close();
        facts = fact(jsonpath.query(path, root).values());
      },
      after: () => facts,
    };
  },
};
