import { beforeNextFrame } from "./next-frame.js";

/** The rows of a list. */
export interface RowSource {
  /** What stays above the rows inside the scroller. */
  readonly header?: HTMLElement;
  /** How many rows there are. */
  count(): number;
  /** Makes an empty row. */
  create(): HTMLElement;
  /** Puts the content of row `index` into an element that may have shown another row. */
  render(index: number, row: HTMLElement): void;
  /** Called with the rows in view, whenever they change and after every refresh. `last` is not included. */
  shown?(first: number, last: number): void;
}

/** Browsers limit the height of an element. Firefox draws 17.9 million pixels. */
const TALLEST = 8_000_000;
const OVERSCAN = 6;

/**
 * Rows of equal height. Only the rows in view exist, so that a million rows cost what fifty do. If the rows are taller than
 * browsers can draw, the scrollbar is scaled, and the wheel still moves row by row. By hand: libraries of virtual rows do not
 * scale, and end where the browser does.
 */
export class VirtualRows {
  readonly #scroller: HTMLElement;
  readonly #sizer: HTMLElement;
  readonly #source: RowSource;
  readonly #rows = new Map<number, HTMLElement>();
  readonly #spare: HTMLElement[] = [];
  readonly #observer: ResizeObserver;
  readonly refreshSoon: () => void;
  #rowHeight = 28;
  /** Height of the rows above the view. */
  #top = 0;
  /** The scroll position that the program set, to tell it from the user's scrolling. */
  #set = -1;

  /** @param scroller an element that scrolls. The rows are put into a child of it */
  constructor(scroller: HTMLElement, source: RowSource) {
    this.#scroller = scroller;
    this.#source = source;
    this.#sizer = document.createElement("div");
    this.#sizer.className = "rows";
    this.#sizer.setAttribute("role", "presentation");
    scroller.append(this.#sizer);
    this.refreshSoon = beforeNextFrame(() => this.refresh());
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    scroller.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    this.#observer = new ResizeObserver(() => this.refresh());
    this.#observer.observe(scroller);
  }

  get rowHeight(): number {
    return this.#rowHeight;
  }

  /** How many whole rows fit into the view. */
  get page(): number {
    return Math.max(1, Math.floor(this.#room / this.#rowHeight) - 1);
  }

  /** The element of a row, if it exists. */
  row(index: number): HTMLElement | undefined {
    return this.#rows.get(index);
  }

  /** Redraws all rows in view. */
  refresh(): void {
    const height = Number.parseFloat(getComputedStyle(this.#scroller).getPropertyValue("--row-height"));
    if (height > 0) this.#rowHeight = height;
    this.#sizer.style.height = `${Math.min(this.#height, TALLEST)}px`;
    this.#top = Math.max(0, Math.min(this.#top, this.#height - this.#room));
    this.#draw(true);
  }

  /** Scrolls a row into view: as little as possible, or to a third from the top. */
  reveal(index: number, where: "nearest" | "third" = "nearest"): void {
    const room = this.#room;
    const from = index * this.#rowHeight;
    const above = from < this.#top;
    const below = from + this.#rowHeight > this.#top + room;
    if (!above && !below) return;
    this.#moveTo(where === "third" ? from - room / 3 : above ? from : from + this.#rowHeight - room);
  }

  /** Scrolls by some rows: down, or up if they are negative. */
  scrollRows(rows: number): void {
    this.#moveTo(this.#top + rows * this.#rowHeight);
  }

  /** Scrolls to the first row. */
  toTop(): void {
    this.#moveTo(0);
  }

  close(): void {
    this.#observer.disconnect();
    this.#sizer.remove();
  }

  /** Pixels for rows. */
  get #room(): number {
    return this.#scroller.clientHeight - (this.#source.header?.offsetHeight ?? 0);
  }

  get #height(): number {
    return this.#source.count() * this.#rowHeight;
  }

  /** Pixels of rows for one pixel of the scrollbar. */
  get #scale(): number {
    const room = this.#room;
    return this.#height <= TALLEST ? 1 : (this.#height - room) / (TALLEST - room);
  }

  #moveTo(top: number): void {
    this.#sizer.style.height = `${Math.min(this.#height, TALLEST)}px`;
    this.#top = Math.max(0, Math.min(top, this.#height - this.#room));
    this.#scroller.scrollTop = this.#top / this.#scale;
    this.#set = this.#scroller.scrollTop;
    this.#draw(false);
  }

  #scrolled(): void {
    const { scrollTop } = this.#scroller;
    if (scrollTop !== this.#set) this.#top = scrollTop * this.#scale;
    this.#set = -1;
    this.#draw(false);
  }

  #wheeled(event: WheelEvent): void {
    if (this.#scale === 1 || event.ctrlKey || event.deltaY === 0) return;
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? this.#rowHeight : 1;
    this.#moveTo(this.#top + event.deltaY * unit);
  }

  #draw(all: boolean): void {
    const count = this.#source.count();
    const room = this.#room;
    const inView = Math.floor(this.#top / this.#rowHeight);
    const first = Math.max(0, inView - OVERSCAN);
    const last = Math.min(count, Math.ceil((this.#top + room) / this.#rowHeight) + OVERSCAN);
    for (const [index, row] of this.#rows) {
      if (index >= first && index < last) continue;
      this.#rows.delete(index);
      this.#spare.push(row);
    }
    const shift = this.#scroller.scrollTop - this.#top;
    for (let index = first; index < last; index++) {
      let row = this.#rows.get(index);
      if (row === undefined) {
        row = this.#spare.pop() ?? this.#source.create();
        this.#rows.set(index, row);
        this.#source.render(index, row);
        if (row.parentNode === null) this.#sizer.append(row);
      } else if (all) {
        this.#source.render(index, row);
      }
      row.style.transform = `translateY(${index * this.#rowHeight + shift}px)`;
    }
    for (const row of this.#spare.splice(0)) row.remove();
    this.#source.shown?.(inView, Math.min(count, Math.ceil((this.#top + room) / this.#rowHeight)));
  }
}
