/** A date that a server states, in a header or in XML. Undefined if it states none that is valid. */
export function serverDate(text: string | null | undefined): Date | undefined {
  const date = new Date(text ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
