import type { Locator } from "@playwright/test";

/**
 * A contrast, from 1, which is not seen, up to 21.
 * @param of an outline, the line under the name of a tab, or the texts on a canvas, each with the page; or a background
 *   with the one of the parent
 */
export async function contrast(
  element: Locator,
  of: "outline" | "underline" | "canvas" | "background",
): Promise<number> {
  return element.evaluate((element, of) => {
    const parsed = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })!;
    const rgba = (color: string): number[] => {
      parsed.clearRect(0, 0, 1, 1);
      parsed.fillStyle = color;
      parsed.fillRect(0, 0, 1, 1);
      return [...parsed.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([red, green, blue]: ArrayLike<number> & Iterable<number>): number =>
      [0.2126 * linear(red!), 0.7152 * linear(green!), 0.0722 * linear(blue!)].reduce((a, b) => a + b);
    const linear = (part: number): number =>
      part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4;
    const ratio = (a: number, b: number): number => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const page = luminance(rgba(getComputedStyle(document.body).backgroundColor));
    if (of === "outline") {
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
      if (outlineStyle === "none" || Number.parseFloat(outlineWidth) < 2) return 1;
      return ratio(luminance(rgba(outlineColor)), page);
    }
    if (of === "underline") {
      const { content, backgroundColor } = getComputedStyle(element, "::after");
      return content === "none" ? 1 : ratio(luminance(rgba(backgroundColor)), page);
    }
    if (of === "background") {
      const [own, around] = [element, element.parentElement!].map((each) =>
        luminance(rgba(getComputedStyle(each).backgroundColor)),
      );
      return ratio(own!, around!);
    }
    const canvas = element as HTMLCanvasElement;
    const { width, height } = canvas;
    // The labels of the vertical axis are in the first pixels.
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, Math.min(68, width), height);
    let best = 1;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3]! < 180) continue;
      best = Math.max(best, ratio(luminance(data.subarray(i, i + 3)), page));
    }
    return best;
  }, of);
}
