import { el, styleValue } from "../ui/dom.js";
import { beforeNextFrame } from "../ui/next-frame.js";
import { onNewColors } from "../ui/theme.js";

/** What painting needs. Sizes in CSS pixels. */
export interface Paint {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** A color of the page's style. */
  color(name: `--${string}`): string;
}

/** A canvas that is repainted when its size, the screen's resolution or the theme changes, at most once a frame. */
export class Canvas {
  readonly element: HTMLCanvasElement;
  readonly paintSoon: () => void;
  readonly #paint: (paint: Paint) => void;
  readonly #sizes: ResizeObserver;
  readonly #unlisten: () => void;

  constructor(name: string, paint: (paint: Paint) => void) {
    this.element = el("canvas", { class: name });
    this.#paint = paint;
    this.paintSoon = beforeNextFrame(() => this.paint());
    this.#sizes = new ResizeObserver(() => this.paint());
    this.#sizes.observe(this.element);
    this.#unlisten = onNewColors(this.paintSoon);
  }

  paint(): void {
    const { element } = this;
    const { clientWidth: width, clientHeight: height } = element;
    if (width === 0 || height === 0) return;
    const ratio = devicePixelRatio || 1;
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    const context = element.getContext("2d")!;
    context.scale(ratio, ratio);
    context.font = `11px ${styleValue(element, "--mono")}`;
    this.#paint({ context, width, height, color: (name) => styleValue(element, name) });
  }

  close(): void {
    this.#sizes.disconnect();
    this.#unlisten();
  }
}
