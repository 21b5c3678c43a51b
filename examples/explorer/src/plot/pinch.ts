/** Fingers on a plot: one reads, two zoom. Positions in pixels from the left and the top. */
export interface Touches {
  read(x: number, y: number): void;
  /**
   * @param from the left edge of what is to fill the width, and `to` the right one
   * @param y the middle between the fingers
   */
  zoom(from: number, to: number, y: number): void;
}

interface Position {
  readonly x: number;
  readonly y: number;
}

/** Fingers that move less do not zoom. */
const LEAST_CHANGE = 8;

/** Lets fingers read and zoom. By hand, because the library of plots knows the mouse alone. */
export class Pinch {
  /** Whether the last pointer was a finger. Browsers let a mouse follow it, which leaves at any time: the reading stays. */
  byTouch = false;
  readonly #touches: Touches;
  readonly #element: HTMLElement;
  /** Where each finger is. */
  readonly #fingers = new Map<number, Position>();
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

  #position({ clientX, clientY }: PointerEvent): Position {
    const { left, top } = this.#element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  #down(event: PointerEvent): void {
    this.byTouch = event.pointerType === "touch";
    if (!this.byTouch) return;
    this.#fingers.set(event.pointerId, this.#position(event));
    const [first, second] = [...this.#fingers.values()];
    if (second === undefined) this.#touches.read(first!.x, first!.y);
    else this.#start = { distance: Math.abs(first!.x - second.x), middle: (first!.x + second.x) / 2 };
  }

  #move(event: PointerEvent): void {
    this.byTouch = event.pointerType === "touch";
    if (!this.#fingers.has(event.pointerId)) return;
    const at = this.#position(event);
    this.#fingers.set(event.pointerId, at);
    if (this.#fingers.size === 1) this.#touches.read(at.x, at.y);
  }

  #up(event: PointerEvent): void {
    const [first, second] = [...this.#fingers.values()];
    const start = this.#start;
    this.#fingers.delete(event.pointerId);
    this.#start = undefined;
    if (start === undefined || second === undefined) return;
    const distance = Math.max(1, Math.abs(first!.x - second.x));
    if (Math.abs(distance - start.distance) < LEAST_CHANGE) return;
    const width = this.#element.clientWidth;
    const shown = width * (start.distance / distance);
    // What was between the fingers stays between them.
    const left = start.middle - ((first!.x + second.x) / 2) * (shown / width);
    this.#touches.zoom(left, left + shown, (first!.y + second.y) / 2);
  }
}
