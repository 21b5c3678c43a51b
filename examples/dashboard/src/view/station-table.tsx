import type { ReactElement } from "react";
import type { Station } from "../archive/schema.js";
import { MAX_ROWS } from "../archive/station-archive.js";
import type { Growing } from "../archive/use-archive.js";

const degrees = (value: number): string => `${value.toFixed(1)} °C`;

/** What a query has found, as a table. A click on a station chooses it. */
export function StationTable({
  rows,
  chosen,
  onChoose,
}: {
  readonly rows: Growing<readonly Station[]>;
  readonly chosen: string | undefined;
  readonly onChoose: (station: string) => void;
}): ReactElement {
  const { value, state, error } = rows;
  const count = value.length === MAX_ROWS ? `The first ${MAX_ROWS} stations` : `${value.length} stations`;
  return (
    <>
      {error === undefined ? (
        <p role="status">{state === "reading" ? `${count} so far…` : count}</p>
      ) : (
        <p role="alert">{error}</p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it by keys */}
      <section className="rows" aria-label="Stations" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Station</th>
              <th scope="col">Elevation</th>
              <th scope="col">Latitude</th>
              <th scope="col">Coldest</th>
              <th scope="col">Mean</th>
              <th scope="col">Warmest</th>
            </tr>
          </thead>
          <tbody>
            {value.map((station) => (
              <tr key={station.id}>
                <th scope="row">
                  <button
                    type="button"
                    aria-pressed={station.id === chosen}
                    onClick={() => onChoose(station.id)}
                  >
                    {station.id}
                  </button>
                </th>
                <td>{station.elevation} m</td>
                <td>{station.latitude}°</td>
                <td>{degrees(station.coldest)}</td>
                <td>{degrees(station.mean)}</td>
                <td>{degrees(station.warmest)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
