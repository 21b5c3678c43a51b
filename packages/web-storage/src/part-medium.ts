/** Storage of parts: the origin private file system, or IndexedDB. */
export type PartStorage = "opfs" | "indexeddb";

/** Writes one part. The part does not exist before it is sealed. */
export interface PartWriter {
  /** Appends bytes. The caller must not use the array afterwards: its buffer may be transferred. */
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Resolves when the complete part is on the disk. */
  seal(): Promise<void>;
  /** Abandons the part. Never rejects. */
  cancel(): Promise<void>;
}

/** Stores the sealed parts of spools, each as a file or record of its own. */
export interface PartMedium {
  readonly storage: PartStorage;
  /** What was tried before, and why it could not be used. Undefined if nothing was. */
  readonly notice?: string | undefined;
  /** Begins a part. Replaces an existing one. Several parts may be begun. */
  begin(spool: string, number: number): Promise<PartWriter>;
  /** Reads bytes of a sealed part; fewer if it is shorter. @throws PeekpackError `truncated` if it does not exist */
  read(spool: string, number: number, start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Removes a part, if it exists. */
  remove(spool: string, number: number): Promise<void>;
  /** Removes all parts of a spool. */
  removeAll(spool: string): Promise<void>;
  /** The spools that have parts. `foreign`: it has something else, which this version must keep. */
  spools(): Promise<{ readonly id: string; readonly foreign: boolean }[]>;
  /** Ends workers and closes connections. */
  close(): void;
}
