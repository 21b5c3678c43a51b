import { crc32 } from "node:zlib";
import { PeekpackError } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import type { OpenUpload, StoredObject, UploadedPart } from "@peekpack/s3/internal";

/** An upload target in memory. */
export interface MemoryTarget extends UploadTarget {
  object: Uint8Array | undefined;
  readonly uploads: Map<string, Map<number, Uint8Array>>;
  /** Names of the calls, such as 'uploadPart 3'. */
  readonly calls: string[];
  /** Called before each call, which fails with its error. */
  before: (call: string) => void | Promise<void>;
}

/**
 * Makes a {@link MemoryTarget}.
 * @param sibling another target of the same object
 */
export function memoryTarget(
  label = "s3://bucket/key",
  put: UploadTarget["put"] = "overwrite",
  sibling?: MemoryTarget,
): MemoryTarget {
  const uploads: MemoryTarget["uploads"] = sibling?.uploads ?? new Map();
  const etag = (bytes: Uint8Array): string => `"${crc32(bytes).toString(16)}-${bytes.length}"`;
  const called = async (name: string, signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    target.calls.push(name);
    await target.before(name);
  };
  const uploadOf = ({ id }: OpenUpload): Map<number, Uint8Array> => {
    const upload = uploads.get(id);
    if (upload === undefined) throw new PeekpackError("not-found", "There is no such upload.");
    return upload;
  };
  const partOf = (number: number, bytes: Uint8Array): UploadedPart => ({
    number,
    size: bytes.length,
    etag: etag(bytes),
  });
  /** Stores the object, unless the put mode forbids it. A write that is repeated finds its own object. */
  const commit = (bytes: Uint8Array, again: boolean | undefined): StoredObject => {
    const old = target.object && etag(target.object);
    const stored = { size: bytes.length, etag: etag(bytes) };
    if (again && old === stored.etag) return stored;
    if (target.put === "create" && old !== undefined) throw new PeekpackError("exists", "It exists.");
    if (typeof target.put === "object" && target.put.ifMatch !== old) {
      throw new PeekpackError("changed", "It is another version.");
    }
    target.object = bytes;
    return stored;
  };
  const own: { object: Uint8Array | undefined } = { object: undefined };
  const target: MemoryTarget = {
    label,
    put,
    get object() {
      return (sibling ?? own).object;
    },
    set object(bytes) {
      (sibling ?? own).object = bytes;
    },
    uploads,
    calls: [],
    before: () => {},
    async putObject(body, { signal, again } = {}) {
      await called("putObject", signal);
      return commit(body.slice(), again);
    },
    async createUpload({ signal } = {}) {
      await called("createUpload", signal);
      const id = `upload-${uploads.size + 1}-${crypto.randomUUID()}`;
      uploads.set(id, new Map());
      return { id, crc32: false };
    },
    async uploadPart(upload, number, body, { signal } = {}) {
      await called(`uploadPart ${number}`, signal);
      uploadOf(upload).set(number, body.slice());
      return partOf(number, body);
    },
    async listParts(upload, { signal } = {}) {
      await called("listParts", signal);
      return [...uploadOf(upload)]
        .map(([number, bytes]) => partOf(number, bytes))
        .sort((a, b) => a.number - b.number);
    },
    async completeUpload(upload, parts, { signal, again } = {}) {
      await called("completeUpload", signal);
      const existing = target.object;
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      if (!uploads.has(upload.id) && again && existing?.length === size) {
        return { size, etag: etag(existing) };
      }
      const all = parts.map(({ number }) => uploadOf(upload).get(number)!);
      const stored = commit(Buffer.concat(all), again);
      uploads.delete(upload.id);
      return stored;
    },
    async abortUpload({ id }, { signal } = {}) {
      await called("abortUpload", signal);
      uploads.delete(id);
    },
  };
  return target;
}
