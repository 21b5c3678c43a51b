import {
  type Archive,
  blobSource,
  httpSource,
  openArchive,
  type RangeSource,
  slowSource,
  withEvents,
} from "@peekpack/core";
import { Entry } from "./entry.js";
import { withKeptRanges } from "./kept-ranges.js";
import { type Place, type PublicPlace, placeName, publicPlace } from "./place.js";
import type { Traffic } from "./traffic.js";

/** An open archive, with where it lies and what reading it has cost. */
export interface Session {
  readonly archive: Archive;
  readonly place: PublicPlace;
  readonly name: string;
  readonly traffic: Traffic;
  readonly root: Entry;
}

/** Opens the archive at a place: its header and its table of contents are read, and nothing else. */
export async function openSession(place: Place, traffic: Traffic, signal: AbortSignal): Promise<Session> {
  const source = await sourceAt(place, traffic);
  const archive = await openArchive(source, { onRequest: traffic.onRequest, signal });
  traffic.size = archive.info.objectSize ?? archive.info.offset + archive.info.size;
  traffic.changed.tell();
  const shown = publicPlace(place);
  const name = placeName(shown);
  return { archive, place: shown, name, traffic, root: Entry.root(archive, name) };
}

async function sourceAt(place: Place, traffic: Traffic): Promise<RangeSource> {
  switch (place.kind) {
    case "url":
      return withKeptRanges(
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
      return withKeptRanges(store.source(path));
    }
    case "file":
      // A file is no network; its reads are told all the same, so that they can be watched.
      return withEvents(blobSource(place.file), traffic.onRequest);
    case "demo": {
      const { demonstration } = await import("../demo/demonstration.js");
      return slowSource(blobSource(demonstration(), { label: "demonstration" }), {
        latencyMs: 60,
        jitterMs: 60,
        bytesPerMs: 4000,
      });
    }
  }
}
