export { csvText } from "./csv-text.js";
export { ipcFile, ipcStream } from "./ipc.js";
export {
  COLUMN_TYPES,
  type ColumnType,
  recordBatches,
  type TableOptions,
  toTable,
} from "./record-batches.js";
export { type Row, rowsOf, type TableSource, tableRows } from "./rows.js";
