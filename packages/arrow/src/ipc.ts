import { columnFromArray, type Table, tableFromColumns, tableToIPC } from "@uwdata/flechette";

/** The end of a stream: a continuation marker and the length 0. */
const END = 8;
/** "ARROW1", and two bytes of padding. */
const MAGIC = Uint8Array.from([0x41, 0x52, 0x52, 0x4f, 0x57, 0x31, 0, 0]);
/** A block of the footer: offset (8 bytes), length of the metadata (4, and 4 of padding), length of the body (8). */
const BLOCK = 24;

/**
 * Tables as one stream in Arrow's IPC format (`.arrows`), as they come.
 * @param batches tables with the same columns, as `recordBatches` gives them
 */
export async function* ipcStream(
  batches: AsyncIterable<Table> | Iterable<Table>,
): AsyncGenerator<Uint8Array> {
  let end: Uint8Array | undefined;
  for await (const table of batches) {
    const bytes = tableToIPC(table, { format: "stream" })!;
    yield bytes.subarray(end === undefined ? 0 : schemaLength(bytes), bytes.length - END);
    end = bytes.subarray(bytes.length - END);
  }
  if (end !== undefined) yield end;
}

/**
 * Tables as a file in Arrow's IPC format (`.arrow`, Feather), as they come: the footer says where each record batch is.
 * @param batches tables with the same columns, as `recordBatches` gives them
 */
export async function* ipcFile(batches: AsyncIterable<Table> | Iterable<Table>): AsyncGenerator<Uint8Array> {
  const blocks: Block[] = [];
  let schema: Table | undefined;
  let at = MAGIC.length;
  for await (const table of batches) {
    const bytes = tableToIPC(table, { format: "stream" })!;
    const head = schemaLength(bytes);
    if (schema === undefined) {
      schema = emptyLike(table);
      yield MAGIC;
      yield bytes.subarray(0, head);
      at += head;
    }
    const message = bytes.subarray(head, bytes.length - END);
    yield message;
    if (message.length > 0) {
      const metadata = 8 + lengthAt(message, 4);
      blocks.push({ offset: at, metadata, body: message.length - metadata });
      at += message.length;
    }
  }
  if (schema !== undefined) yield footer(schema, blocks);
}

interface Block {
  readonly offset: number;
  readonly metadata: number;
  readonly body: number;
}

/** How long the first message of a stream is: the schema, which has no body. */
function schemaLength(bytes: Uint8Array): number {
  return 8 + lengthAt(bytes, 4);
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return view(bytes).getInt32(at, true);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A table with the same columns and one row, which is null. */
function emptyLike(table: Table): Table {
  return tableFromColumns(
    table.names.map((name, i) => [String(name), columnFromArray([null], table.getChildAt(i).type)]),
  );
}

/**
 * The end of a file: the end of the stream, and the footer. The library writes the footer of a whole table. It gets one of
 * as many small batches, and the offsets of the real ones are put into its blocks.
 */
function footer(schema: Table, blocks: readonly Block[]): Uint8Array {
  const columns = schema.names.map((name, i): [string, ReturnType<typeof columnFromArray>] => {
    const { type } = schema.getChildAt(i);
    const rows = new Array(blocks.length).fill(null);
    return [String(name), columnFromArray(rows, type, { maxBatchRows: 1 })];
  });
  const bytes = tableToIPC(tableFromColumns(columns), { format: "file" })!.slice();
  const data = view(bytes);
  // The last bytes: the footer, its length, "ARROW1".
  const end = bytes.length - 10;
  const start = end - data.getInt32(end, true);
  // A flatbuffer: an offset to the root table, which has an offset to its fields. Field 3 is the list of record batches.
  const root = start + data.getUint32(start, true);
  const fields = root - data.getInt32(root, true);
  const field = root + data.getUint16(fields + 4 + 3 * 2, true);
  const list = field + data.getUint32(field, true);
  for (const [i, { offset, metadata, body }] of blocks.entries()) {
    const block = list + 4 + i * BLOCK;
    data.setBigInt64(block, BigInt(offset), true);
    data.setInt32(block + 8, metadata, true);
    data.setBigInt64(block + 16, BigInt(body), true);
  }
  return bytes.subarray(start - END);
}
