import { toBase64 } from "@peekpack/core/internal";
import type { Table } from "@uwdata/flechette";

/**
 * Tables as one CSV (RFC 4180), in chunks of about 64 KiB, as they come. Null is nothing, and an empty text is `""`. Byte
 * strings are base64, instants ISO 8601, lists and records JSON, whole.
 */
export async function* csvText(batches: AsyncIterable<Table> | Iterable<Table>): AsyncGenerator<string> {
  let isFirst = true;
  for await (const table of batches) {
    if (isFirst) yield `${table.names.map((name) => field(String(name))).join(",")}\r\n`;
    isFirst = false;
    const columns = table.names.map((_, i) => table.getChildAt(i));
    let text = "";
    for (let row = 0; row < table.numRows; row++) {
      text += `${columns.map((column) => cell(column.at(row))).join(",")}\r\n`;
      if (text.length < 65_536) continue;
      yield text;
      text = "";
    }
    yield text;
  }
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return field(value);
  if (value instanceof Uint8Array) return toBase64(value);
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? field(json(value)) : String(value);
}

function field(text: string): string {
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function json(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "bigint") return String(inner);
    if (inner instanceof Uint8Array) return toBase64(inner);
    if (ArrayBuffer.isView(inner)) return Array.from(inner as Float64Array);
    return typeof inner === "number" && !Number.isFinite(inner) ? String(inner) : inner;
  });
}
