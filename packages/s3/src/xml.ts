const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The raw content of every element of this name. Ignores attributes. */
export function xmlElements(xml: string, name: string): string[] {
  const found: string[] = [];
  for (const match of xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, "g"))) {
    found.push(match[1] ?? "");
  }
  return found;
}

/** The text of the first element of this name, entities resolved; undefined if there is none. */
export function xmlText(xml: string, name: string): string | undefined {
  const raw = xml.match(new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`))?.[1];
  return raw?.replace(/&(#x[0-9a-f]+|#[0-9]+|[a-z]+);/gi, (whole, name: string) => {
    if (name[0] !== "#") return ENTITIES[name] ?? whole;
    const point =
      name[1] === "x" || name[1] === "X" ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

/** Escapes text for an element's content. */
export function xmlEscape(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
