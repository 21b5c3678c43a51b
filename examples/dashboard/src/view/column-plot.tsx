import { type ReactElement, useEffect, useMemo, useRef } from "react";
import UPlot from "uplot";
import type { ColumnValues, Growing } from "../archive/use-archive.js";

const HEIGHT = 340;

/** Draws a column over time, while it arrives. Dragging zooms, a double click shows all again. */
export function ColumnPlot({
  column: { value, state, error },
  start,
  label,
  unit,
}: {
  readonly column: Growing<ColumnValues>;
  readonly start: Date;
  readonly label: string;
  readonly unit: string;
}): ReactElement {
  const parent = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const { hours, arrived } = value;
  const times = useMemo(
    () => Array.from({ length: hours.length }, (_, hour) => start.getTime() / 1000 + hour * 3600),
    [hours.length, start],
  );

  useEffect(() => {
    const style = getComputedStyle(parent.current!);
    const axis = { stroke: style.color, grid: { stroke: style.getPropertyValue("--line"), width: 1 } };
    const options: UPlot.Options = {
      width: parent.current!.clientWidth,
      height: HEIGHT,
      series: [
        {},
        { label: `${label} (${unit})`, stroke: style.getPropertyValue("--accent"), spanGaps: false },
      ],
      axes: [axis, { ...axis, size: 64 }],
      tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), "UTC"),
    };
    const drawn = new UPlot(options, [times, []], parent.current!);
    plot.current = drawn;
    const resized = new ResizeObserver(([entry]) =>
      drawn.setSize({ width: Math.floor(entry!.contentRect.width), height: HEIGHT }),
    );
    resized.observe(parent.current!);
    return () => {
      resized.disconnect();
      drawn.destroy();
    };
  }, [times, label, unit]);

  useEffect(() => {
    plot.current?.setData([times, hours as (number | null)[]]);
  }, [times, hours, label, unit]);

  const count = arrived.toLocaleString("en");
  return (
    <>
      <div ref={parent} className="plot" role="img" aria-label={`${label} by hour: ${count} values`} />
      {error === undefined ? (
        <p role="status">
          {state === "reading" ? `${count} of ${hours.length.toLocaleString("en")} hours…` : `${count} hours`}
        </p>
      ) : (
        <p role="alert">{error}</p>
      )}
    </>
  );
}
