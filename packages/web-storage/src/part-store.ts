/** Where parts lie: in the origin private file system, or in IndexedDB. */
export type PartStorage = "opfs" | "indexeddb";

/** Takes the bytes of one part. Nothing of it counts before it is sealed. */
export interface PartWriter {
  /** Takes the next bytes, and the array with them: the caller never touches it again. Its buffer may be transferred. */
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Resolves when the part is on the disk, whole. */
  seal(): Promise<void>;
  /** Gives the part up. Never rejects. */
  cancel(): Promise<void>;
}

/** Keeps the sealed parts of spools: each a file or record of its own, removed as soon as it is no longer needed. */
export interface PartStore {
  readonly storage: PartStorage;
  /** Begins a part; one that was there is replaced. */
  begin(spool: string, number: number): Promise<PartWriter>;
  /** Some bytes of a sealed part, or fewer where it ends before. @throws PeekpackError `truncated` when it is not there */
  read(spool: string, number: number, start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Removes a part. One that is gone is no error. */
  remove(spool: string, number: number): Promise<void>;
  /** Removes all that there is of a spool. */
  removeAll(spool: string): Promise<void>;
  /** The spools of which there is anything. */
  spools(): Promise<string[]>;
  /** Lets go of workers and connections. */
  close(): void;
}
