/*
 * The little XML that S3 responds with. Every function takes linear time, whatever a server sends.
 */

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The raw content of every element of this name. Ignores attributes and empty-element tags. */
export function xmlElements(xml: string, name: string): string[] {
  return [...contents(xml, name)];
}

/** The text of the first element of this name without child elements, entities resolved; undefined if there is none. */
export function xmlText(xml: string, name: string): string | undefined {
  for (const content of contents(xml, name)) {
    if (!content.includes("<")) return resolveEntities(content);
  }
  return undefined;
}

/** Escapes text for an element's content. */
export function xmlEscape(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

function* contents(xml: string, name: string): Generator<string> {
  const [startTag, endTag] = [`<${name}`, `</${name}>`];
  for (let position = 0; ; ) {
    const tag = xml.indexOf(startTag, position);
    if (tag < 0) return;
    const after = tag + startTag.length;
    position = after;
    // A longer name begins in the same way.
    if (!/^[\s>]$/.test(xml.charAt(after))) continue;
    const tagEnd = xml.indexOf(">", after);
    const end = tagEnd < 0 ? -1 : xml.indexOf(endTag, tagEnd);
    if (end < 0) return;
    yield xml.slice(tagEnd + 1, end);
    position = end + endTag.length;
  }
}

function resolveEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#[0-9]+|[a-z]+);/gi, (whole, name: string) => {
    if (name[0] !== "#") return ENTITIES[name] ?? whole;
    const point = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}
