import { PeekpackError } from "../errors.js";
import { exposure, networkFault } from "./answer.js";
import type { TransportAnswer } from "./range-transport.js";

/** The state of an object that every answer is held to. */
export interface VersionPin {
  /** Size in bytes, once known. */
  size: number | undefined;
  /** ETag as the server spells it, or version id. */
  readonly version: string | undefined;
  /** Value for `If-Match`, once the version is known to be an ETag. */
  readonly condition: string | undefined;
  /**
   * Holds an answer's version and size to those seen first. With `record`, makes them the ones seen first where there
   * were none: only for an answer that is valid otherwise.
   * @throws PeekpackError `changed`; `network` when the answer lacks what it must be held to
   */
  hold(headers: TransportAnswer["headers"], size: number | undefined, record: boolean): void;
}

/** An ETag without its quotes. Weak ones, and the `null` of an unversioned bucket, are no versions. */
export function strongTag(tag: string | null | undefined): string | undefined {
  const bare = tag?.replace(/^"(.*)"$/, "$1");
  return bare === undefined || /^(W\/.*|null|)$/.test(bare) ? undefined : bare;
}

/** The error for an object that is not the one seen first. */
export function changedObject(label: string): PeekpackError {
  return new PeekpackError("changed", `${label}: the object is no longer the one first seen.`, {
    section: "source",
  });
}

/** Makes a {@link VersionPin}, of a version that the caller knows or of the first answer's. */
export function versionPin(
  label: string,
  browser: boolean,
  known: { readonly version?: string | undefined; readonly size?: number | undefined },
): VersionPin {
  let { version, size } = known;
  let condition: string | undefined;
  let modified: string | null = null;
  return {
    get size() {
      return size;
    },
    set size(value) {
      size = value;
    },
    get version() {
      return version;
    },
    get condition() {
      return condition;
    },
    hold(headers, total, record) {
      const spelt = headers.get("etag");
      const tag = strongTag(spelt);
      const id = strongTag(headers.get("x-amz-version-id"));
      const time = headers.get("last-modified");
      if (version !== undefined) {
        const held = strongTag(version);
        if (tag === undefined && id === undefined) {
          throw networkFault(label, `no ETag${browser ? exposure : ""}.`, { again: !browser });
        }
        if (held !== tag && held !== id) throw changedObject(label);
      } else if (modified !== null && time !== null && time !== modified) {
        // Seconds are too coarse to prove that nothing changed, but a difference proves that something did.
        throw changedObject(label);
      }
      if (size !== undefined && total !== undefined && total !== size) throw changedObject(label);
      if (!record) return;
      if (tag !== undefined) {
        version ??= spelt!;
        if (tag === strongTag(version)) condition = `"${tag}"`;
      }
      version ??= id;
      modified ??= time;
      size ??= total;
    },
  };
}
