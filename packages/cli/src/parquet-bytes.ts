import type { recordBatches } from "@peekpack/arrow";
import { PeekpackError } from "@peekpack/core";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";

type Table = Awaited<ReturnType<ReturnType<typeof recordBatches>["toArray"]>>[number];
type ArrowType = Table["schema"]["fields"][number]["type"];
type Element = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

/** Arrow's numbers of the types that a record batch has: `Type` of its format. */
const INT = 2;
const FLOAT = 3;
const BINARY = 4;
const UTF8 = 5;
const BOOL = 6;
const TIMESTAMP = 10;
const LIST = 12;
const STRUCT = 13;

/** Tables as one Parquet file, as they come: each table is a row group. */
export async function* parquetBytes(batches: AsyncIterable<Table>): AsyncGenerator<Uint8Array> {
  const writer = new ByteWriter();
  let file: ParquetWriter | undefined;
  const taken = (): Uint8Array => {
    const bytes = new Uint8Array(writer.buffer, 0, writer.index).slice();
    writer.index = 0;
    return bytes;
  };
  for await (const table of batches) {
    const { fields } = table.schema;
    if (fields.length === 0) throw new PeekpackError("unsupported-value", "A Parquet file needs a column.");
    file ??= new ParquetWriter({ writer, schema: schemaOf(table) });
    const columnData = fields.map(({ name, type }, i) => ({
      name: String(name),
      data: Array.from({ length: table.numRows }, (_, row) => plain(table.getChildAt(i).at(row), type)),
    }));
    if (table.numRows > 0) await file.write({ columnData, rowGroupSize: table.numRows });
    yield taken();
  }
  await file?.finish();
  yield taken();
}

function schemaOf({ schema: { fields } }: Table): Element[] {
  const columns = fields.flatMap(({ name, type }) => elements(String(name), type));
  return [{ name: "schema", num_children: fields.length }, ...columns];
}

/** The elements of a column, which may be null. */
function elements(name: string, type: ArrowType): Element[] {
  const column = { name, repetition_type: "OPTIONAL" } as const;
  const inner = "children" in type && type.children !== null ? (type.children ?? []) : [];
  switch (type.typeId as number) {
    case BOOL:
      return [{ ...column, type: "BOOLEAN" }];
    case FLOAT:
      return [{ ...column, type: "precision" in type && type.precision === 2 ? "DOUBLE" : "FLOAT" }];
    case INT: {
      const { bitWidth, signed } = type as unknown as { bitWidth: number; signed: boolean };
      if (bitWidth === 64)
        return [{ ...column, type: "INT64", ...(!signed && { converted_type: "UINT_64" }) }];
      // 32 bits do not hold every unsigned integer of 32 bits.
      return [{ ...column, type: bitWidth === 32 && !signed ? "INT64" : "INT32" }];
    }
    case UTF8:
      return [{ ...column, type: "BYTE_ARRAY", converted_type: "UTF8" }];
    case BINARY:
      return [{ ...column, type: "BYTE_ARRAY" }];
    case TIMESTAMP:
      return [{ ...column, type: "INT64", converted_type: "TIMESTAMP_MILLIS" }];
    case LIST:
      return [
        { ...column, num_children: 1, converted_type: "LIST" },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...elements("element", inner[0]!.type),
      ];
    case STRUCT:
      return [
        { ...column, num_children: inner.length },
        ...inner.flatMap((child) => elements(String(child.name), child.type)),
      ];
    default:
      throw new PeekpackError("unsupported-value", `The column ${name} has no type of Parquet.`);
  }
}

/** A value as the writer takes it: lists as arrays, and integers of 64 bits as bigints. */
function plain(value: unknown, type: ArrowType): unknown {
  if (value === null || value === undefined) return null;
  const inner = "children" in type && type.children !== null ? (type.children ?? []) : [];
  switch (type.typeId as number) {
    case LIST:
      return Array.from(value as Iterable<unknown>, (item) => plain(item, inner[0]!.type));
    case STRUCT:
      return Object.fromEntries(
        inner.map(({ name, type: of }) => [name, plain((value as { [key: string]: unknown })[name], of)]),
      );
    case INT:
      return elements("", type)[0]!.type === "INT64" ? BigInt(value as number) : value;
    default:
      return value;
  }
}
