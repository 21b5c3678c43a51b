import { type ReactElement, useState } from "react";
import { type OpenArchive, useArchive, useColumn, useQuery, useTraffic } from "../archive/use-archive.js";
import { ColumnPlot } from "./column-plot.js";
import { QueryForm } from "./query-form.js";
import { StationTable } from "./station-table.js";

const FIRST_QUERY = "$.stations[?@.elevation > 2500]";

const bytes = (count: number): string =>
  count < 1e6
    ? `${Math.round(count / 1e3)} kB`
    : count < 1e9
      ? `${(count / 1e6).toFixed(1)} MB`
      : `${(count / 1e9).toFixed(2)} GB`;

/** The page: opens the archive, and shows it. */
export function Dashboard(): ReactElement {
  const { opened, error } = useArchive();
  if (error !== undefined)
    return (
      <main>
        <h1>Weather stations</h1>
        <p role="alert">{error}</p>
      </main>
    );
  if (opened === undefined)
    return (
      <main>
        <h1>Weather stations</h1>
        <p role="status">Opening the archive…</p>
      </main>
    );
  return <Stations opened={opened} />;
}

function Stations({ opened }: { readonly opened: OpenArchive }): ReactElement {
  const { about } = opened;
  const [text, setText] = useState(FIRST_QUERY);
  const [chosen, setChosen] = useState<string>();
  const [name, setName] = useState(about.columns[0]!.name);
  const rows = useQuery(opened, text);
  // Until one is chosen: the first that was found.
  const station = chosen ?? rows.value[0]?.id;
  const column = useColumn(opened, station, name);
  const traffic = useTraffic(opened, rows, column);
  const { label, unit } = about.columns.find((described) => described.name === name)!;
  return (
    <main>
      <header>
        <h1>{about.title}</h1>
        <p>
          {about.stations.toLocaleString("en")} stations, {about.hours.toLocaleString("en")} hours each
        </p>
        {traffic && (
          <p className="traffic" role="status">
            You read <b>{bytes(traffic.bytes)}</b> in {traffic.requests} requests. The archive has{" "}
            {bytes(traffic.size)}.
          </p>
        )}
      </header>
      <section aria-labelledby="found">
        <h2 id="found">Query</h2>
        <QueryForm text={text} onSubmit={setText} />
        <StationTable rows={rows} chosen={station} onChoose={setChosen} />
      </section>
      <section aria-labelledby="plotted">
        <h2 id="plotted">{station ?? "No station"}</h2>
        <fieldset>
          <legend>Column</legend>
          {about.columns.map((described) => (
            <label key={described.name}>
              <input
                type="radio"
                name="column"
                checked={described.name === name}
                onChange={() => setName(described.name)}
              />
              {described.label}
            </label>
          ))}
        </fieldset>
        {column && <ColumnPlot column={column} start={about.start} label={label} unit={unit} />}
      </section>
    </main>
  );
}
