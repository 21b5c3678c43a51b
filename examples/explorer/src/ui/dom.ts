/** Properties of a new element. An attribute `true` is set empty; `false` and undefined are not set. */
export interface Properties {
  readonly class?: string | undefined;
  readonly text?: string | undefined;
  readonly attributes?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly on?: { readonly [Type in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Type]) => void };
}

export type Child = Node | string | undefined | false;

/** Makes an element. Nothing is parsed as HTML, so that content of archives stays text. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties | string = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  const {
    class: className,
    text,
    attributes,
    on,
  } = typeof properties === "string" ? ({ class: properties } as Properties) : properties;
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  if (attributes !== undefined) setAttributes(element, attributes);
  for (const [type, listener] of Object.entries(on ?? {})) {
    element.addEventListener(type, listener as EventListener);
  }
  element.append(...existing(children));
  return element;
}

export function setAttributes(
  element: Element,
  attributes: Readonly<Record<string, string | number | boolean | undefined>>,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Replaces the children of an element. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...existing(children));
}

function existing(children: readonly Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => child !== undefined && child !== false);
}

const SVG = "http://www.w3.org/2000/svg";

/** Makes an SVG element. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: Node[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A custom property of the page's style, such as a color, for painting on a canvas. */
export function styleValue(element: Element, name: `--${string}`): string {
  return getComputedStyle(element).getPropertyValue(name).trim();
}
