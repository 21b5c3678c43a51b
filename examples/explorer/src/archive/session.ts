import {
  type Archive,
  blobSource,
  httpSource,
  openArchive,
  type RangeSource,
  withEvents,
} from "@peekpack/core";
import { slowSource } from "@peekpack/core/testing";
import { Entry } from "./entry.js";
import type { KeptRanges } from "./kept-ranges.js";
import { type Place, type PublicPlace, placeName, publicPlace } from "./place.js";
import type { Traffic } from "./traffic.js";

/** The widest gap between two values that are read with one request. */
const GAP_BYTES = 32 * 1024;

/** An open archive, with where it lies and what reading it has cost. */
export interface Session {
  readonly archive: Archive;
  readonly place: PublicPlace;
  readonly name: string;
  readonly traffic: Traffic;
  readonly root: Entry;
}

/** Opens the archive at a place: its header and its table of contents are read, and nothing else. */
export async function openSession(
  place: Place,
  kept: KeptRanges,
  traffic: Traffic,
  signal: AbortSignal,
): Promise<Session> {
  const source = await sourceAt(place, kept, traffic);
  const archive = await openArchive(source, {
    onRequest: traffic.onRequest,
    // Here bytes are looked at, one by one: nothing is read ahead, and only small gaps are read along, where core by itself
    // takes larger ones when that saves time.
    readAhead: 0,
    gap: GAP_BYTES,
    signal,
  });
  traffic.size = archive.info.objectSize ?? archive.info.offset + archive.info.size;
  traffic.changed.tell();
  const shown = publicPlace(place);
  const name = placeName(shown);
  return { archive, place: shown, name, traffic, root: Entry.root(archive, name) };
}

async function sourceAt(place: Place, kept: KeptRanges, traffic: Traffic): Promise<RangeSource> {
  switch (place.kind) {
    case "url":
      return kept.around(
        httpSource(place.url, {
          fetch: (url, init) => {
            traffic.departs(new Headers(init.headers).get("range"));
            return fetch(url, init);
          },
        }),
      );
    case "s3": {
      // Signing is a chunk of its own: who reads a plain URL does not load it.
      const { s3Store } = await import("@peekpack/s3");
      const { endpoint, region, path, credentials } = place;
      const store = s3Store({
        endpoint,
        region,
        credentials: credentials ?? null,
        fetch: (request) => {
          traffic.departs(request.headers.get("range"));
          return fetch(request);
        },
      });
      return kept.around(store.source(path));
    }
    case "file":
      // A file is no network; its reads are told all the same, so that they can be watched.
      return inReads(withEvents(blobSource(place.file), traffic.onRequest), place.file.size);
    case "demo": {
      const { demonstration } = await import("../demo/demonstration.js");
      // Making it takes a second, in which nothing is painted.
      await new Promise((resolve) => setTimeout(resolve, 50));
      const blob = demonstration();
      // A link as a telephone has it on a train: 8 Mbit/s.
      const link = { latencyMs: 30, jitterMs: 25, bytesPerMs: 1000 };
      return inReads(slowSource(blobSource(blob, { label: "demonstration" }), link), blob.size);
    }
  }
}

/** Makes first contact two reads, whose events, unlike its own, say which bytes they brought. */
function inReads(source: RangeSource, size: number): RangeSource {
  return {
    ...source,
    async probe(want, options) {
      const ranges = [
        { start: 0, end: Math.min(want.head, size) },
        { start: Math.max(0, size - want.tail), end: size },
      ];
      const [head, tail] = await source.read(ranges, { reason: "open", ...options });
      return { size, head: head!, tail: tail! };
    },
  };
}
