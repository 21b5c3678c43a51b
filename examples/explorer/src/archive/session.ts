import {
  type Archive,
  blobSource,
  httpSource,
  isPeekpackError,
  openArchive,
  type RangeSource,
  withEvents,
} from "@peekpack/core";
import { slowSource } from "@peekpack/core/testing";
import { type DemoName, generatedSimulations } from "../demo/demonstration.js";
import { type Address, addressName, type PublicAddress, publicAddress } from "./address.js";
import type { Allowance } from "./allowance.js";
import type { BrowserCache } from "./browser-cache.js";
import { Entry } from "./entry.js";
import { FreshAddress } from "./fresh-address.js";
import type { Traffic } from "./traffic.js";

/** The widest gap between two values that one request reads. */
const GAP_BYTES = 32 * 1024;

/** A mobile connection, which reads of generated archives wait for: 8 Mbit/s. */
export const DEMO_LINK = { latencyMs: 30, jitterMs: 25, bytesPerMs: 1000 } as const;

/** An open archive, its address, and what reading it costs. */
export interface Session {
  readonly archive: Archive;
  readonly address: PublicAddress;
  readonly name: string;
  readonly traffic: Traffic;
  readonly root: Entry;
  /** Whether all that was read so far came from the browser's cache, because the server did not respond. */
  readonly unverified: boolean;
  /** Replaces an address that has expired. Undefined if the archive has none. */
  readonly fresh: FreshAddress | undefined;
  /**
   * Opens the archive once more, with what is known of its table, for a walk that reads no more than it is allowed. Closing
   * it leaves the session open.
   */
  walker(allowance: Allowance): Promise<Archive>;
}

/** Opens the archive at an address. Reads the header and the table of contents, and nothing else. */
export async function openSession(
  address: Address,
  cache: BrowserCache,
  traffic: Traffic,
  signal: AbortSignal,
): Promise<Session> {
  const fresh =
    address.kind === "url" && new URL(address.url).search !== "" ? new FreshAddress(address.url) : undefined;
  const source = await sourceAt(address, { cache, traffic, fresh, signal });
  const engine = {
    onRequest: traffic.onRequest,
    // This page shows what each read costs: no read-ahead, and only small gaps are read too. By default core reads larger
    // gaps if that saves time.
    readAhead: 0,
    gap: GAP_BYTES,
  };
  let compressedSize: number | undefined;
  // Checksums need WebAssembly, which the policy of this page does not allow.
  const decompressed = async (compressed: RangeSource): Promise<RangeSource> => {
    // Decompression is a chunk of its own, which other archives do not need.
    const { zstdSource } = await import("@peekpack/zstd");
    return zstdSource(compressed, { ...engine, checksum: false });
  };
  const archive = await openArchive(source, { ...engine, signal }).catch(async (error: unknown) => {
    if (!isPeekpackError(error) || error.code !== "not-an-archive") throw error;
    const { isZstd } = await import("@peekpack/zstd");
    const { head, size } = await source.probe({ head: 4, tail: 0 }, { signal });
    if (!isZstd(head)) throw error;
    compressedSize = size;
    return openArchive(await decompressed(source), { signal });
  });
  traffic.size = compressedSize ?? archive.info.objectSize ?? archive.info.offset + archive.info.size;
  traffic.changed.emit();
  const shown = publicAddress(address);
  const name = addressName(shown);
  return {
    archive,
    fresh,
    unverified:
      (address.kind === "url" || address.kind === "s3") &&
      !traffic.events.some(({ from, error }) => from === "network" && error === undefined),
    address: shown,
    name,
    traffic,
    root: Entry.root(archive, name),
    async walker(allowance) {
      const bounded = allowance.wrap(source);
      const walked = compressedSize === undefined ? bounded : await decompressed(bounded);
      return openArchive(walked, { ...engine, index: archive.index() });
    },
  };
}

interface Surroundings {
  readonly cache: BrowserCache;
  readonly traffic: Traffic;
  readonly fresh: FreshAddress | undefined;
  readonly signal: AbortSignal;
}

async function sourceAt(
  address: Address,
  { cache, traffic, fresh, signal }: Surroundings,
): Promise<RangeSource> {
  switch (address.kind) {
    case "url":
      return cache.wrap(
        httpSource(fresh?.provide ?? address.url, {
          ...(fresh && { label: (publicAddress(address) as { readonly url: string }).url }),
          fetch: (url, init) => {
            traffic.requestSent(new Headers(init.headers).get("range"));
            return fetch(url, init);
          },
        }),
      );
    case "s3": {
      // Signing is a chunk of its own, which a plain URL does not need.
      const { s3Store } = await import("@peekpack/s3");
      const { endpoint, region, path, credentials } = address;
      const store = s3Store({
        endpoint,
        region,
        credentials: credentials ?? null,
        fetch: (request) => {
          traffic.requestSent(request.headers.get("range"));
          return fetch(request);
        },
      });
      return cache.wrap(store.source(path));
    }
    case "file":
      // Reads of a file make no requests. They are shown like requests all the same.
      return probingByReads(withEvents(blobSource(address.file), traffic.onRequest), address.file.size);
    case "demo": {
      const source = await demoSource(address.name, signal);
      const { size } = await source.probe({ head: 0, tail: 0 }, { signal });
      return probingByReads(slowSource(source, DEMO_LINK), size);
    }
  }
}

async function demoSource(name: DemoName, signal: AbortSignal): Promise<RangeSource> {
  if (name === "simulations") return blobSource(await generatedSimulations(signal), { label: "simulations" });
  // A chunk of its own, because it needs the writer.
  const { fortyGigabytes } = await import("../demo/forty-gigabytes.js");
  return fortyGigabytes();
}

/** Replaces the probe by two reads. Unlike the event of a probe, their events say which bytes were read. */
function probingByReads(source: RangeSource, size: number): RangeSource {
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
