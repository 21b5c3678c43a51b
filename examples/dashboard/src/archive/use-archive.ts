import { proxy, type Remote, wrap } from "comlink";
import { useEffect, useState } from "react";
import type { About, Station } from "./schema.js";
import type { StationArchive, Traffic } from "./station-archive.js";

/** An open archive, in its worker. */
export interface OpenArchive {
  readonly archive: Remote<StationArchive>;
  readonly about: About;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Opens the archive in a worker while the component is mounted. Undefined until it is open. */
export function useArchive(): {
  readonly opened: OpenArchive | undefined;
  readonly error: string | undefined;
} {
  const [opened, setOpened] = useState<OpenArchive>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    let mounted = true;
    const open = async (): Promise<void> => {
      const Archive = wrap<typeof StationArchive>(worker);
      const archive = await new Archive(new URL("archive", document.baseURI).href);
      const about = await archive.about();
      if (mounted) setOpened({ archive, about });
    };
    const fail = (why: unknown): void => {
      if (mounted) setError(textOf(why));
    };
    worker.onerror = () => fail("The worker's script could not be loaded.");
    open().catch(fail);
    return () => {
      mounted = false;
      worker.terminate();
    };
  }, []);
  return { opened, error };
}

/** A result that grows while it is read. */
export interface Growing<T> {
  readonly value: T;
  readonly state: "reading" | "complete" | "failed";
  readonly error?: string;
}

/**
 * Reads a result in pieces, and shows it after each. The returned function ends the showing.
 * @param read adds each piece by `grow`. It resolves to false if another read has ended it.
 */
function showGrowing<T>(
  empty: T,
  show: (result: Growing<T>) => void,
  read: (grow: (add: (value: T) => T) => void) => Promise<boolean>,
): () => void {
  let current = true;
  let value = empty;
  let how: Omit<Growing<T>, "value"> = { state: "reading" };
  const update = (): void => {
    if (current) show({ value, ...how });
  };
  update();
  // Pieces come through a port of their own: the last ones may arrive after the end of the read.
  const grow = (add: (value: T) => T): void => {
    value = add(value);
    update();
  };
  read(grow).then(
    (complete) => {
      if (!complete) return;
      how = { state: "complete" };
      update();
    },
    (error: unknown) => {
      how = { state: "failed", error: textOf(error) };
      update();
    },
  );
  return () => {
    current = false;
  };
}

/** The stations that a query finds. They arrive in batches. */
export function useQuery({ archive }: OpenArchive, text: string): Growing<readonly Station[]> {
  const [rows, setRows] = useState<Growing<readonly Station[]>>({ value: [], state: "reading" });
  useEffect(
    () =>
      showGrowing<readonly Station[]>([], setRows, (grow) => {
        const onRows = (more: readonly Station[]): void => grow((found) => [...found, ...more]);
        return archive.query(text, proxy(onRows));
      }),
    [archive, text],
  );
  return rows;
}

/** Values of a column by hour. What has not arrived yet is null. */
export interface ColumnValues {
  readonly hours: readonly (number | null)[];
  /** How many values have arrived. */
  readonly arrived: number;
}

/** A column of a station. Undefined without a station. It arrives in pieces. */
export function useColumn(
  { archive, about }: OpenArchive,
  station: string | undefined,
  name: string,
): Growing<ColumnValues> | undefined {
  const [column, setColumn] = useState<Growing<ColumnValues>>();
  useEffect(() => {
    if (station === undefined) return;
    const empty: ColumnValues = { hours: new Array(about.hours).fill(null), arrived: 0 };
    return showGrowing(empty, setColumn, (grow) => {
      const onPiece = (start: number, values: Float32Array): void =>
        grow(({ hours }) => ({
          hours: hours.toSpliced(start, values.length, ...values),
          arrived: start + values.length,
        }));
      return archive.column(station, name, proxy(onPiece));
    });
  }, [archive, about, station, name]);
  return column;
}

/** What reading has cost. It is asked for whenever `after` changes. */
export function useTraffic({ archive }: OpenArchive, ...after: readonly unknown[]): Traffic | undefined {
  const [traffic, setTraffic] = useState<Traffic>();
  useEffect(() => {
    archive.traffic().then(setTraffic, () => {});
  }, [archive, ...after]);
  return traffic;
}
