import { PeekpackError } from "../errors.js";
import type { Header } from "../format/header.js";

/**
 * Lets one walk read each byte of an archive's data at most once. Nodes of a table lie beside each other, so that this is
 * enough. Where they overlap, a small archive would be read for ever.
 */
export class WalkedData {
  /** Bytes that are left, by where the archive starts. */
  readonly #left = new Map<number, number>();

  /** @throws PeekpackError `corrupt` if the walk reads more of an archive than its data */
  take({ start, header }: { readonly start: number; readonly header: Header }, bytes: number): void {
    const left = (this.#left.get(start) ?? header.tocStart) - bytes;
    this.#left.set(start, left);
    if (left < 0) {
      throw new PeekpackError("corrupt", "Values or archives in the table of contents overlap.", {
        section: "toc",
      });
    }
  }
}
