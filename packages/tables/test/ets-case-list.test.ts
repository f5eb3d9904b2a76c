/** Every case of the reference, C01 to C37 and N01 to N32, is that of a test, or of this list of those that have no meaning here. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { range } from './ets-items.js';

/**
 * Cases that have no meaning here, and why.
 *
 * - C03, C04, N28–N30, N32: names, heirs and owners are not the table's own: `ownership.ts` and its tests hold them.
 * - N31: access is judged where a request arrives; a table in memory is its owner's.
 * - C37: files are another package's.
 * - C23 `slot`: nobody needs the place of a row; pages go through a table from a place that outlasts changes.
 * - N10: a table has one `type` and one `access`, not a list of options that override each other.
 * - N16, N17 about the body of a match spec: there are no bodies; `fields` and functions of an owner stand for them.
 * - N23, N25, N27 (fixation): there is none, as every iteration is safe; what N24 and N26 say of walks holds without it.
 */
const NO_MEANING_HERE = 'C03 C04 C37 N10 N23 N25 N27 N28 N29 N30 N31 N32'.split(' ');

test('every case is that of a test, or has no meaning here', async () => {
  const named = new Set(NO_MEANING_HERE);
  for (const tests of ['rows', 'selections', 'updates']) {
    const source = await readFile(new URL(`./ets-${tests}.test.ts`, import.meta.url), 'utf8');
    const titles = source.slice(source.indexOf('describe('));
    for (const name of titles.match(/\b[CN]\d\d\b/g) ?? []) named.add(name);
  }
  const cases = [...range(37).map((at) => `C${at + 1}`), ...range(32).map((at) => `N${at + 1}`)];
  expect(cases.map((name) => name.replace(/^(.)(.)$/, '$10$2')).filter((name) => !named.has(name))).toEqual([]);
});
