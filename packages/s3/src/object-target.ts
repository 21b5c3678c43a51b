import { crc32 } from "@peekpack/core/internal";
import { combineCrc32 } from "./crc32.js";
import { multipartEtag, putEtag, sameTag } from "./etag.js";
import type { FoundObject, ObjectOperations } from "./object-operations.js";
import { checkPutMode } from "./put-mode.js";
import { type Attempt, type WriteRetryOptions, withRetries } from "./retry.js";
import { S3Error, s3Error } from "./s3-error.js";
import type {
  CommitOptions,
  OpenUpload,
  PutMode,
  StoredObject,
  TransferOptions,
  UploadedPart,
  UploadTarget,
} from "./upload-target.js";
import { checkMark } from "./write-mark.js";

/** What is known of an endpoint. Shared by all targets of a store. */
export interface EndpointTraits {
  /** Whether it accepts CRC32 checksums of whole objects. True until it rejects them. */
  crc32: boolean;
}

/** Options of {@link objectTarget}. */
export interface ObjectTargetOptions {
  readonly put?: PutMode | undefined;
  readonly retry?: WriteRetryOptions | undefined;
  readonly traits?: EndpointTraits | undefined;
}

/** Makes an {@link UploadTarget} of operations. Adds retries, checksums, and the look-up of the object after a lost response. */
export function objectTarget(operations: ObjectOperations, options: ObjectTargetOptions = {}): UploadTarget {
  const { label } = operations;
  const { retry, traits = { crc32: true } } = options;
  const put = checkPutMode(options.put ?? "overwrite");

  const request = <T>(
    action: string,
    { signal, again, bytes }: CommitOptions & { readonly bytes?: number },
    attempt: (context: Attempt) => Promise<T>,
  ): Promise<T> => withRetries(attempt, { retry, signal, action, label, bytes, mayHaveCommitted: again });

  const head = (options: TransferOptions): Promise<FoundObject | undefined> =>
    request("look up the object", options, ({ signal }) => operations.head({ signal }));

  /** Sends the request that makes the object appear. If it may have been committed, looks the object up. */
  const commit = async (
    action: string,
    size: number,
    mark: string | undefined,
    options: CommitOptions & { readonly bytes?: number },
    send: (context: Attempt) => Promise<Omit<StoredObject, "size">>,
    expectedEtag: () => string | undefined,
    confirm?: (stored: StoredObject) => Promise<void>,
  ): Promise<StoredObject> => {
    const isOwn = async (existing: FoundObject): Promise<boolean> =>
      (mark !== undefined && existing.mark === mark) || sameTag(existing.etag, await expectedEtag());
    let mayHaveCommitted = options.again ?? false;
    let stored: StoredObject;
    try {
      stored = await request(action, options, async (context) => {
        mayHaveCommitted ||= context.mayHaveCommitted;
        return { ...(await send(context)), size };
      });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof S3Error)) throw error;
      if (!mayHaveCommitted && !error.mayHaveCommitted && error.status !== 404) throw error;
      const existing = await head(options).catch(() => undefined);
      options.signal?.throwIfAborted();
      if (existing?.size === size && (await isOwn(existing))) {
        const { etag, versionId } = existing;
        return { size, etag, versionId };
      }
      // A 404 under If-Match means that the object does not exist, or that the upload does not and the object is unchanged.
      if (error.status === 404 && typeof put === "object" && sameTag(existing?.etag, put.ifMatch)) {
        throw s3Error(error, { action, label });
      }
      throw error;
    }
    if (mayHaveCommitted) await confirm?.(stored);
    return stored;
  };

  /**
   * Checks that a completed upload has made the object. A server that was killed while it completed the upload may call it
   * complete (versitygw 1.8 does) although the object is the old one.
   */
  const confirmComplete =
    (options: TransferOptions) =>
    async ({ etag, size }: StoredObject): Promise<void> => {
      let existing: StoredObject | undefined;
      try {
        existing = await head(options);
      } catch (error) {
        options.signal?.throwIfAborted();
        // An identity that may write need not be allowed to read.
        if (error instanceof S3Error && error.code !== "denied") throw error;
        return;
      }
      if (existing?.size === size && (etag === undefined || sameTag(existing.etag, etag))) return;
      const message = `${label}: the server calls the upload complete, but the object is another.`;
      throw new S3Error("not-found", message, { status: 200 });
    };

  /** Calls `send` with checksums, and again without if the endpoint rejects them. */
  const withChecksums = async <T>(send: (checksums: boolean) => Promise<T>): Promise<T> => {
    if (!traits.crc32) return send(false);
    try {
      return await send(true);
    } catch (error) {
      if (!(error instanceof S3Error) || !rejectsChecksums(error)) throw error;
      const result = await send(false);
      traits.crc32 = false;
      return result;
    }
  };

  const target: UploadTarget = {
    label,
    put,
    putObject(body, options = {}) {
      const mark = checkMark(options.mark);
      return commit(
        "put the object",
        body.length,
        mark,
        { ...options, bytes: body.length },
        ({ signal }) =>
          withChecksums((checksums) =>
            operations.put(body, { put, mark, signal, ...(checksums ? { crc32: crc32(body) } : {}) }),
          ),
        () => putEtag(body),
      );
    },
    createUpload({ checksums = true, signal, ...options } = {}) {
      const mark = checkMark(options.mark);
      const begin = (inner: AbortSignal): Promise<OpenUpload> =>
        request("begin an upload", { signal: inner }, (attempt) => {
          const create = async (crc32: boolean): Promise<OpenUpload> => ({
            id: await operations.create({ signal: attempt.signal, crc32, mark }),
            crc32,
            mark,
          });
          return checksums ? withChecksums(create) : create(false);
        });
      return beginOrAbort(begin, (upload, inner) => target.abortUpload(upload, { signal: inner }), signal);
    },
    uploadPart(upload, number, body, options = {}) {
      const { signal: outer, crc32: known } = options;
      const sum = upload.crc32 ? { crc32: known ?? crc32(body) } : {};
      return request(`upload part ${number}`, { signal: outer, bytes: body.length }, async ({ signal }) => {
        const etag = await operations.uploadPart(upload, number, body, { signal, ...sum });
        return { number, size: body.length, etag, ...sum };
      });
    },
    ...(operations.copyPart && {
      copyPart(upload, number, source, options = {}) {
        return request(`copy part ${number}`, options, async ({ signal }) => {
          const etag = await operations.copyPart!(upload, number, source, { signal });
          return { number, size: source.end - source.start, etag };
        });
      },
    }),
    ...(operations.remove && {
      removeObject: ({ ifMatch, signal: outer } = {}) =>
        request("remove the object", { signal: outer }, ({ signal, mayHaveCommitted }) =>
          removeOnce(ifMatch, signal, mayHaveCommitted),
        ),
    }),
    async listParts(upload, options = {}) {
      const parts: UploadedPart[] = [];
      for (let after: number | undefined; ; ) {
        const page = await request("list the parts", options, ({ signal }) =>
          operations.listParts(upload, after, { signal }),
        );
        parts.push(...page.parts);
        // The marker must advance, or this would not end.
        if (page.next === undefined || page.next <= (after ?? 0)) return parts;
        after = page.next;
      }
    },
    completeUpload(upload, parts, options = {}) {
      const gap = parts.findIndex(({ number }, index) => number !== index + 1);
      if (parts.length === 0 || gap >= 0) throw new RangeError("Parts are numbered from 1 without a gap.");
      const whole = wholeCrc32(upload, parts);
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      return commit(
        "complete the upload",
        size,
        upload.mark,
        options,
        ({ signal }) =>
          operations.complete(upload, parts, {
            put,
            signal,
            ...(whole === undefined ? {} : { crc32: whole }),
          }),
        () => multipartEtag(parts),
        confirmComplete(options),
      );
    },
    async abortUpload(upload, options = {}) {
      for (let round = 0; round < 3; round++) {
        try {
          await request("abort the upload", options, ({ signal }) => operations.abort(upload, { signal }));
        } catch (error) {
          if (error instanceof S3Error && error.code === "not-found") return;
          throw error;
        }
        // A part that was in transit when the upload was aborted may recreate it.
        if (!(await hasParts(upload, options))) return;
      }
      throw s3Error({}, { action: "abort the upload, which reappeared", label });
    },
  };

  const removeOnce = async (
    ifMatch: string | undefined,
    signal: AbortSignal,
    mayHaveCommitted: boolean,
  ): Promise<void> => {
    try {
      await operations.remove!({ ifMatch, signal });
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      // A server that does not know the condition.
      if (ifMatch !== undefined && error.status === 501)
        return removeOnce(undefined, signal, mayHaveCommitted);
      // Some servers report an object that does not exist.
      if (ifMatch === undefined && error.s3Code === "NoSuchKey") return;
      // An earlier attempt may have removed it.
      const gone = mayHaveCommitted && (error.status === 404 || error.status === 412);
      if (!gone || (await operations.head({ signal })) !== undefined) throw error;
    }
  };

  /** Whether an aborted upload has parts. Servers respond differently for one that is gone: 404, or an empty list. */
  const hasParts = async (upload: OpenUpload, options: TransferOptions): Promise<boolean> => {
    try {
      const { parts } = await request("list the parts", options, ({ signal }) =>
        operations.listParts(upload, undefined, { signal }),
      );
      return parts.length > 0;
    } catch (error) {
      // An identity that may abort need not be allowed to list.
      if (error instanceof S3Error && (error.code === "not-found" || error.code === "denied")) return false;
      throw error;
    }
  };
  return target;
}

/** How long a cancelled upload waits for its id, and then for its removal. */
const CANCEL_MS = 2000;

/**
 * Begins an upload. The server may have begun it when the signal aborts, but only the response has its id. So this waits for the
 * response for a moment, and aborts the upload.
 */
async function beginOrAbort(
  begin: (signal: AbortSignal) => Promise<OpenUpload>,
  abort: (upload: OpenUpload, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<OpenUpload> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const timers: ReturnType<typeof setTimeout>[] = [];
  const cancelLater = (inner: AbortController): void => {
    timers.push(setTimeout(() => inner.abort(signal?.reason), CANCEL_MS));
  };
  const cancel = (): void => cancelLater(controller);
  signal?.addEventListener("abort", cancel);
  try {
    const upload = await begin(controller.signal);
    if (!signal?.aborted) return upload;
    const aborting = new AbortController();
    cancelLater(aborting);
    await abort(upload, aborting.signal).catch(() => {});
    throw signal.reason;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
    for (const timer of timers) clearTimeout(timer);
  }
}

/** CRC32 of the whole object, combined from those of the parts. Undefined if one is missing. */
function wholeCrc32(upload: OpenUpload, parts: readonly UploadedPart[]): number | undefined {
  if (!upload.crc32) return undefined;
  let whole: number | undefined;
  for (const part of parts) {
    if (part.crc32 === undefined) return undefined;
    whole = whole === undefined ? part.crc32 : combineCrc32(whole, part.crc32, part.size);
  }
  return whole;
}

function rejectsChecksums({ status, s3Code }: S3Error): boolean {
  if (status === 501) return true;
  return (
    status === 400 &&
    /^(InvalidRequest|InvalidArgument|NotImplemented|XNotImplemented|UnsupportedArgument)$/.test(s3Code ?? "")
  );
}
