/**
 * Waits until no more callers come in this turn of the event loop: as long as promises that settle bring new ones it goes on,
 * a while. `callers`: how many there are by now, one at least.
 */
export async function endOfTurn(callers: () => number): Promise<void> {
  for (let round = 0, before = 0; before < callers() && round < 16; round++) {
    before = callers();
    for (let hop = 0; hop < 4; hop++) await undefined;
  }
}
