/**
 * What OTP's own test suites hold its supervisors to, case by case: each has a test whose title names it by its number, or it
 * is said here where it is shown, or why it has no meaning in this runtime.
 *
 * Fails when: a case is named by no test and not excused; an excuse names a test that is not there; a title names a case that
 * is not in the list.
 */
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

interface Case {
  readonly what: string;
  /** A test that shows it without naming it: its file, and words of its title. */
  readonly shownBy?: readonly [file: string, title: string];
  readonly noMeaning?: string;
}

const NO_INIT =
  'A supervisor is data that is checked before anything starts; it has no init that could ignore, fail or throw.';
const NO_UPGRADE = 'A running supervisor does not change its spec: there is no code change.';

const CASES: Readonly<Record<string, Case>> = {
  S01: { what: 'an empty supervisor starts, and ends when it is told to' },
  S02: { what: 'init ignores, returns garbage, throws', noMeaning: NO_INIT },
  S03: { what: 'a child that chooses not to run: its spec is kept, unless it is temporary' },
  S04: { what: 'a child whose start fails is not added' },
  S05: { what: 'the defaults of a child spec' },
  S06: { what: 'malformed specs and flags, each refused by its field' },
  S07: { what: 'a start that fails stops what was started, in reverse' },
  S08: { what: 'the order of starts, of group restarts and of the shutdown' },
  S09: { what: 'shutdown by infinity, by time and by brutal kill' },
  S10: { what: 'instances are stopped all at once, and killed when late' },
  S11: { what: 'children that exit by themselves during a shutdown' },
  S12: { what: 'start, terminate, restart and delete, with counts' },
  S13: { what: 'the same for instances, which have no specs of their own' },
  S14: {
    what: 'extra return values of a start',
    noMeaning:
      'A child says that it is up and nothing else; what a program wants to know of a worker it asks by a call.',
  },
  S15: { what: 'a permanent child is restarted after any exit' },
  S16: { what: 'a transient child is restarted after an abnormal exit only' },
  S17: { what: 'a temporary child is never restarted' },
  S18: { what: 'one_for_one, and its limit' },
  S19: { what: 'one_for_all, and its limit' },
  S20: { what: 'rest_for_one' },
  S21: { what: 'simple_one_for_one with arguments' },
  S22: { what: 'a temporary bystander of a group restart' },
  S23: { what: 'restarts that are further apart than the period' },
  S24: { what: 'a restart that always fails escalates' },
  S25: { what: 'a tree: branches do not touch each other, and come back with their static children' },
  S26: { what: 'counting thousands of instances' },
  S27: { what: 'significant children: who triggers, and when' },
  S28: { what: 'significant supervisors in a chain' },
  S29: { what: 'code change of a supervisor', noMeaning: NO_UPGRADE },
  N33: { what: 'another child fails in a restart of one_for_all' },
  N34: { what: 'another child fails in a restart of rest_for_one' },
  N35: { what: 'requests while a restart fails again and again' },
  N36: { what: 'the same in rest_for_one: later siblings are down' },
  N37: { what: 'the same with instances, which keep their places' },
  N38: { what: 'an intensity of 3 is three tries' },
  N39: { what: 'an intensity of 0 and a normal exit' },
  N40: { what: 'a group restart revives what had finished or was terminated' },
  N41: { what: 'a transient supervisor that gave up is not restarted' },
  N42: { what: 'an exit of a stranger is ignored' },
  N43: { what: 'a child that does not answer cannot hang its termination' },
  N44: {
    what: 'a start that was done elsewhere',
    noMeaning: 'Children are started by the driver alone: none can be alive before its supervisor has started it.',
  },
  N45: { what: 'a significant bystander of a group restart' },
  N46: { what: 'significance that could have no effect is refused' },
  N47: { what: 'auto-shutdown switched by code change', noMeaning: NO_UPGRADE },
  N48: { what: 'an instance that chooses not to run when it is restarted' },
  N49: { what: 'nothing is kept of temporary children and instances' },
  N50: { what: 'starting and terminating scales with the number of children' },
  N51: { what: 'instances after a temporary one has died' },
  N52: {
    what: 'a named table without an heir, and its owner restarted many times',
    noMeaning: 'A name stays with its table while the owner is dead, so there is none that a restart could find taken.',
  },
  N53: {
    what: 'the owner of a table crashes: the heir has it before the restart, and gives it back',
    shownBy: ['ownership.test.ts', 'can be nobody, and then the owner finds the table in its next life'],
  },
  N54: { what: 'the keeper is started before the owners and stopped after them' },
  N55: { what: 'an unexpected message is ignored' },
  N56: {
    what: 'a call that times out, and the late reply',
    shownBy: ['calls.test.ts', 'says that its outcome is unknown once it was sent, and is not run again'],
  },
};

const FOLDERS = ['.', '../packages/supervisor/test', '../packages/heirloom/test'];

async function testFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const folder of FOLDERS) {
    const place = new URL(`${folder}/`, import.meta.url);
    const names = (await readdir(place)).filter((name) => name.endsWith('.test.ts') && name !== 'otp-cases.test.ts');
    for (const name of names) files.set(`${folder}/${name}`, await readFile(new URL(name, place), 'utf8'));
  }
  return files;
}

/** The numbers of cases in the titles of a file: `(S15, N42)`, `(S15-S17)`, among guarantees. */
function casesIn(text: string): string[] {
  const titles = text.match(/^\s*\)?\(?.*\((?:S\d\d|N\d\d)[^)]*\)['`],?/gm) ?? [];
  return titles.flatMap((title) => {
    const ranges = [...title.matchAll(/\b([SN])(\d\d)-[SN](\d\d)\b/g)].flatMap(([, kind, from, to]) =>
      Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => `${kind}${Number(from) + index}`),
    );
    return [...ranges, ...(title.match(/\b[SN]\d\d\b/g) ?? [])];
  });
}

describe("the cases of OTP's suites for supervisors", async () => {
  const files = await testFiles();
  const named = new Set([...files.values()].flatMap(casesIn));

  it.each(Object.entries(CASES))('%s: $what', (name, { shownBy, noMeaning }) => {
    if (shownBy === undefined) {
      expect(named.has(name)).toBe(noMeaning === undefined);
      return;
    }
    const [file, title] = shownBy;
    expect(files.get(`./${file}`)).toContain(title);
  });

  it('are those that tests name, and no others', () => {
    expect([...named].filter((name) => CASES[name] === undefined)).toEqual([]);
    expect(Object.keys(CASES)).toHaveLength(53);
  });
});
