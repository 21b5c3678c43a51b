/** What is known of an archive's page index. */
export interface PageIndexInfo {
  /**
   * `used`: values are found through it. `none`: there is none. `unneeded`: the table is here as a whole: it was read with
   * the end of the archive, or is local and fits `tocCacheBytes`. `stale`: it belongs to another table. `damaged`: it does
   * not decode, or contradicts itself or the table; that may be found while the archive is read. Without `used`, the whole
   * table is read.
   */
  readonly state: "used" | "none" | "unneeded" | "stale" | "damaged";
  /** Length of the index in bytes. 0 if it is not known. */
  readonly bytes: number;
  /** Whether it is an object of its own beside the archive. */
  readonly sidecar: boolean;
  /** What is wrong with it. */
  readonly reason?: string | undefined;
}
