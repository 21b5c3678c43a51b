/** One way to look at a value. */
export interface View {
  readonly element: HTMLElement;
  /** Ends what is under way. */
  close(): void;
}
