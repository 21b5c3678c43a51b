/** A page that spools, uploads, resumes and reads. Tests control it through `peek.call`. */
import { type EncodeOptions, isPeekpackError, listOf, type WriteResult, writeArchive } from "@peekpack/core";
import type { ProgressListener, UploadProgress } from "@peekpack/s3";
import {
  discardUpload,
  type PendingUpload,
  pendingUploads,
  persistStorage,
  resumeUpload,
  type SpoolSinkOptions,
  spoolSink,
  storageQuota,
} from "@peekpack/web-storage";
import { rows } from "../rows.js";
import { fromJson, toJson } from "../typed-json.js";
import { faults } from "./faults.js";
import { features } from "./features.js";
import { cacheSize, read, readInWorker, writeDirectly } from "./reading.js";
import { inServiceWorker } from "./service.js";
import { addFile, storedData } from "./stored-data.js";
import { openTarget, type TargetChoice } from "./targets.js";

/** A write. */
export interface WriteJob {
  readonly target: TargetChoice;
  readonly rows: number;
  readonly rowBytes: number;
  readonly spool?: Omit<SpoolSinkOptions, "signal" | "onProgress" | "meter" | "worker"> & {
    readonly worker?: false;
  };
  readonly encode?: EncodeOptions;
  /** The generator waits before this row until the page is closed or the job is aborted. */
  readonly stopAtRow?: number;
}

/** Result of a job. */
export interface JobReport extends WriteResult {
  readonly storage: string | undefined;
  readonly phases: readonly string[];
  /** Names of the requests to S3: 'UploadPart 3', … */
  readonly sent: readonly string[];
  /** Number of progress events whose uploaded bytes were not a multiple of the part size. */
  readonly betweenParts: number;
}

/** A job in progress. */
interface Job {
  readonly end: Promise<JobReport>;
  readonly held: Promise<void>;
  readonly progress: () => UploadProgress | undefined;
  abort(): void;
}

const jobs = new Map<string, Job>();

function begin(
  choice: TargetChoice,
  partSize: number,
  work: (made: {
    readonly opened: ReturnType<typeof openTarget>;
    readonly signal: AbortSignal;
    readonly onProgress: ProgressListener;
    readonly stopped: () => void;
  }) => Promise<{ readonly result: WriteResult; readonly storage: string | undefined }>,
): Job {
  const controller = new AbortController();
  const opened = openTarget(choice);
  const phases: string[] = [];
  let betweenParts = 0;
  let latest: UploadProgress | undefined;
  let stopped = (): void => {};
  const stop = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  const onProgress: ProgressListener = (progress) => {
    if (phases.at(-1) !== progress.phase) phases.push(progress.phase);
    const { bytesUploaded, totalBytes } = progress;
    if (bytesUploaded !== totalBytes && bytesUploaded % partSize !== 0) betweenParts++;
    latest = progress;
  };
  const end = work({ opened, signal: controller.signal, onProgress, stopped }).then(
    ({ result, storage }) => ({
      ...result,
      storage,
      phases,
      betweenParts,
      sent: opened.sent,
    }),
  );
  end.catch(() => {});
  return {
    end,
    held: Promise.race([opened.held, stop, faults.reached]),
    progress: () => latest,
    abort: () => controller.abort(new DOMException("the test aborts", "AbortError")),
  };
}

const methods = {
  /** Starts a write. Use `end`, `held`, `progress` and `abort` with its name. */
  write(
    name: string,
    { target: choice, rows: count, rowBytes, spool = {}, encode, stopAtRow }: WriteJob,
  ): void {
    const job = begin(choice, spool.partSize ?? 1, async ({ opened, signal, onProgress, stopped }) => {
      const sink = spoolSink(opened.target, { ...spool, signal, meter: opened.meter, onProgress });
      async function* generate() {
        for (const row of rows(count, rowBytes)) {
          if (row.i === stopAtRow) {
            stopped();
            await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
          }
          yield row;
        }
      }
      const value = { rows: listOf(generate(), { count }) };
      const result = await writeArchive(sink, value, { ...encode, signal });
      return { result, storage: sink.storage };
    });
    jobs.set(name, job);
  },
  /** Starts to resume an upload. Use `end`, `held`, `progress` and `abort` with its name. */
  resume(name: string, pending: PendingUpload, choice: TargetChoice): void {
    const job = begin(choice, 1, async ({ opened, signal, onProgress }) => {
      const result = await resumeUpload(pending, opened.target, { signal, meter: opened.meter, onProgress });
      return { result, storage: pending.storage };
    });
    jobs.set(name, job);
  },
  end: (name: string) => jobs.get(name)!.end,
  /** Waits until a job reaches its held request. */
  async held(name: string): Promise<void> {
    const { held, end } = jobs.get(name)!;
    await Promise.race([held, end]);
  },
  progress: (name: string) => jobs.get(name)!.progress(),
  abort: (name: string) => jobs.get(name)!.abort(),
  pending: (directory: string, active = false) => pendingUploads({ directory, active }),
  discard: (pending: PendingUpload, choice: TargetChoice) =>
    discardUpload(pending, openTarget(choice).target),
  quota: () => storageQuota(),
  persist: () => persistStorage(),
  setFreeBytes: (free: number) => faults.setFreeBytes(free),
  features,
  storedData,
  addFile,
  read,
  cacheSize,
  readInWorker,
  writeDirectly,
  inServiceWorker,
  stopAtCommitOf: (state: string) => faults.stopAtCommitOf(state),
  refuseWorkers: () => faults.refuseWorkers(),
  refuseOpfs: () => faults.refuseOpfs(),
} satisfies Record<string, (...args: never[]) => unknown>;

export type Methods = typeof methods;

/** Outcome of a call. Errors are data, because their class cannot leave the page. */
export type Outcome<T> =
  | { readonly value: T; readonly error?: undefined }
  | {
      readonly error: { readonly name: string; readonly code?: string; readonly message: string };
      readonly value?: undefined;
    };

async function call(name: keyof Methods, args: readonly unknown[]): Promise<Outcome<unknown>> {
  try {
    return { value: await (methods[name] as (...args: unknown[]) => unknown)(...args) };
  } catch (error) {
    const { name: type, message } = error as Error;
    return { error: { name: type, message, ...(isPeekpackError(error) ? { code: error.code } : {}) } };
  }
}

const outcomes = new Map<string, string>();

/** Starts a call, whose outcome `take` returns. For WebDriver, which has only JSON and cannot wait in two tabs at once. */
function beginCall(id: string, name: keyof Methods, args: string): void {
  void call(name, fromJson(args) as unknown[]).then((outcome) => outcomes.set(id, toJson(outcome)));
}

/** Returns the outcome of a started call once; null if it has not ended. */
function take(id: string): string | null {
  const outcome = outcomes.get(id) ?? null;
  outcomes.delete(id);
  return outcome;
}

declare global {
  var peek: { readonly call: typeof call; readonly begin: typeof beginCall; readonly take: typeof take };
}
globalThis.peek = { call, begin: beginCall, take };
