/** Fingers on a plot: one reads, two zoom. Positions in pixels from the left. */
export interface Touches {
  read(x: number): void;
  /** The part of the width that is to fill it. */
  zoom(from: number, to: number): void;
}

/** Fingers that move less do not zoom. */
const LEAST_CHANGE = 8;

/** Lets fingers read and zoom. By hand, because the library of plots knows the mouse alone. */
export class Pinch {
  readonly #touches: Touches;
  readonly #element: HTMLElement;
  /** Where each finger is. */
  readonly #fingers = new Map<number, number>();
  /** The distance of two fingers, and the middle between them, when they came. */
  #start: { readonly distance: number; readonly middle: number } | undefined;

  constructor(element: HTMLElement, touches: Touches) {
    this.#element = element;
    this.#touches = touches;
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"] as const) {
      element.addEventListener(type, (event) => this.#up(event));
    }
  }

  #x({ clientX }: PointerEvent): number {
    return clientX - this.#element.getBoundingClientRect().left;
  }

  #down(event: PointerEvent): void {
    if (event.pointerType !== "touch") return;
    this.#fingers.set(event.pointerId, this.#x(event));
    const [first, second] = [...this.#fingers.values()];
    if (second === undefined) this.#touches.read(first!);
    else this.#start = { distance: Math.abs(first! - second), middle: (first! + second) / 2 };
  }

  #move(event: PointerEvent): void {
    if (!this.#fingers.has(event.pointerId)) return;
    this.#fingers.set(event.pointerId, this.#x(event));
    if (this.#fingers.size === 1) this.#touches.read(this.#x(event));
  }

  #up(event: PointerEvent): void {
    const [first, second] = [...this.#fingers.values()];
    const start = this.#start;
    this.#fingers.delete(event.pointerId);
    this.#start = undefined;
    if (start === undefined || second === undefined) return;
    const distance = Math.max(1, Math.abs(first! - second));
    if (Math.abs(distance - start.distance) < LEAST_CHANGE) return;
    const width = this.#element.clientWidth;
    const shown = width * (start.distance / distance);
    // What was between the fingers stays between them.
    const left = start.middle - ((first! + second) / 2) * (shown / width);
    this.#touches.zoom(left, left + shown);
  }
}
