/** A view of a value. */
export interface View {
  readonly element: HTMLElement;
  /** Aborts reads and removes listeners. */
  close(): void;
}
