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

/** The stations that a query finds. They arrive in batches. */
export function useQuery({ archive }: OpenArchive, text: string): Growing<readonly Station[]> {
  const [rows, setRows] = useState<Growing<readonly Station[]>>({ value: [], state: "reading" });
  useEffect(() => {
    let current = true;
    let value: readonly Station[] = [];
    setRows({ value, state: "reading" });
    const onRows = proxy((more: readonly Station[]) => {
      value = [...value, ...more];
      if (current) setRows({ value, state: "reading" });
    });
    archive.query(text, onRows).then(
      (complete) => {
        if (current && complete) setRows({ value, state: "complete" });
      },
      (error: unknown) => {
        if (current) setRows({ value, state: "failed", error: textOf(error) });
      },
    );
    return () => {
      current = false;
    };
  }, [archive, text]);
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
    let current = true;
    let value: ColumnValues = { hours: new Array(about.hours).fill(null), arrived: 0 };
    setColumn({ value, state: "reading" });
    const onPiece = proxy((start: number, values: Float32Array) => {
      value = {
        hours: value.hours.toSpliced(start, values.length, ...values),
        arrived: start + values.length,
      };
      if (current) setColumn({ value, state: "reading" });
    });
    archive.column(station, name, onPiece).then(
      (complete) => {
        if (current && complete) setColumn({ value, state: "complete" });
      },
      (error: unknown) => {
        if (current) setColumn({ value, state: "failed", error: textOf(error) });
      },
    );
    return () => {
      current = false;
    };
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
