/**
 * Casts and dead letters in the store: with the batches that make and end them (G2, G3), told again after any death, submitted
 * once over the death of a keeper, and bounded (G9); what no honest worker sends fences its worker (G12).
 *
 * Mutations that make this fail, each tried: a submission is taken again whatever its number; one that was refused counts as done;
 * a cast is not deleted with the batch that ends it; the totals are not told at the welcome; a batch may end what is not there.
 */
import { OUTBOX_CASTS_MAX, OUTBOX_BYTES_MAX, decodeError, decodeValue, encodeError, encodeValue } from '@heirloom/wire';
import type { Batch, Cast, CastsPage, LettersPage, Submission } from '@heirloom/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Harness, declare, until } from './keeper-harness.js';
import type { WorkerEnd } from './keeper-harness.js';

let harness: Harness;
beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.dispose());

const cast = (to: string, number: number, bytes: Uint8Array = encodeValue([number])): Cast => ({
  to,
  name: 'note',
  arguments: bytes,
});
const submit = (number: number, submission: Submission, settledBefore = number): Promise<unknown> =>
  harness.request({ type: 'submit', number, settledBefore, submission });
const fromProgram = (number: number): Submission => ({ kind: 'cast', ...cast('bank', number) });
const castsOf = async (worker: string, after = 0): Promise<CastsPage> =>
  (await harness.request({ type: 'casts', worker, after })) as CastsPage;
const numbersOf = async (worker: string): Promise<unknown[]> =>
  (await castsOf(worker)).casts.map(({ sender, arguments: bytes }) => [sender, (decodeValue(bytes) as number[])[0]]);
const lettersOf = async (worker?: string, after = 0, limit = 100): Promise<LettersPage> =>
  (await harness.request({ type: 'letters', worker, after, limit, isWhole: true })) as LettersPage;
const threw = { callId: 1, threw: true, payload: encodeValue(encodeError(new RangeError('no'))) };
const returned = { callId: 1, threw: false, payload: encodeValue(undefined) };
const open = (worker: string): Promise<WorkerEnd> => harness.openWorker(worker, [declare('t')]);
/** Sends a batch and waits until it is stored. */
async function store(end: WorkerEnd, batch: Partial<Batch>): Promise<void> {
  end.send([], [], batch);
  await until(() => end.acks.includes(end.number), 'the batch is stored');
}

describe('casts of a batch', () => {
  it('are there from the commit of their batch until that of the batch that ends them', async () => {
    await harness.start();
    const sender = await open('sender');
    const bank = await open('bank');
    expect(bank.opened.outbox).toBeUndefined();
    await store(sender, { casts: [cast('bank', 1), cast('other', 2), cast('bank', 3)] });
    expect(harness.mail).toEqual([{ receivers: ['bank', 'other'], hasLetters: false }]);
    expect(await numbersOf('bank')).toEqual([['sender', 1], ['sender', 3]]); // prettier-ignore
    const [first] = (await castsOf('bank')).casts;
    await store(bank, {
      outcomes: [returned],
      ending: { id: first?.id ?? 0, how: 'done' },
      casts: [cast('sender', 9)],
    });
    expect(await numbersOf('bank')).toEqual([['sender', 3]]);
    expect(await numbersOf('sender')).toEqual([['bank', 9]]);
    await until(() => sender.consumed.length > 0, 'the sender is told');
    expect(sender.consumed.at(-1)?.count).toBe(1);
    const { casts } = await castsOf('bank', first?.id);
    expect(casts.map(({ sender: by, name }) => [by, name])).toEqual([['sender', 'note']]);
  });

  it('are still there for the next keeper and the next start, which says how many there are', async () => {
    await harness.start();
    const sender = await open('sender');
    await store(sender, { casts: [cast('bank', 1), cast('bank', 2)] });
    const bank = await open('bank');
    const [first] = (await castsOf('bank')).casts;
    await store(bank, { outcomes: [returned], ending: { id: first?.id ?? 0, how: 'done' } });
    await harness.stop();
    await harness.start();
    expect(harness.ready?.lastMail).toBe(2);
    expect(await numbersOf('bank')).toEqual([['sender', 2]]);
    const again = await open('sender');
    expect(again.opened.outbox).toMatchObject({ made: { count: 2 }, consumed: { count: 1 } });
    await until(() => again.consumed.length > 0, 'it is told behind its welcome');
    expect(again.consumed).toMatchObject([{ count: 1 }]);
  });

  it('are read in pages', async () => {
    await harness.start();
    const sender = await open('sender');
    await store(sender, { casts: Array.from({ length: 300 }, (_, number) => cast('bank', number)) });
    const first = await castsOf('bank');
    expect([first.casts.length, first.isLast]).toEqual([256, false]);
    const second = await castsOf('bank', first.casts.at(-1)?.id);
    expect([second.casts.length, second.isLast]).toEqual([44, true]);
  });
});

describe('a worker that sends what no honest one does is fenced (G12)', () => {
  const large = new Uint8Array(33 * 1024 * 1024);
  it.each<[string, Partial<Batch>]>([
    ['ends a cast that there is not', { outcomes: [returned], ending: { id: 7, how: 'done' } }],
    ['ends the cast of another', { outcomes: [returned], ending: { id: 1, how: 'done' } }],
    ['ends a cast of its own otherwise than it answers', { outcomes: [returned], ending: { id: 2, how: 'threw' } }],
    ['ends a cast and answers nothing', { ending: { id: 2, how: 'done' } }],
    ['casts to nobody', { casts: [cast('', 1)] }],
    ['casts to what is no name', { casts: [cast('x'.repeat(2_000), 1)] }],
    ['casts what is no call', { casts: [{ ...cast('bank', 1), name: '' }] }],
    ['casts too much at once', { casts: [cast('bank', 1, large)] }],
    ['casts too many', { casts: Array.from({ length: OUTBOX_CASTS_MAX + 1 }, (_, number) => cast('bank', number)) }],
  ])('%s', async (_name, batch) => {
    await harness.start();
    const sender = await open('sender');
    await store(sender, { casts: [cast('bank', 1), cast('evil', 2)] });
    const evil = await open('evil');
    evil.send([], [], batch);
    await until(() => harness.violations.length > 0, 'it is fenced');
    expect(harness.violations).toMatchObject([{ attachment: evil.attachment }]);
    expect(await numbersOf('bank')).toEqual([['sender', 1]]);
    expect(await numbersOf('evil')).toEqual([['sender', 2]]);
  });

  it('ends a cast twice, in one group', async () => {
    await harness.start();
    const sender = await open('sender');
    await store(sender, { casts: [cast('evil', 1), cast('evil', 2)] });
    const evil = await open('evil');
    for (let i = 0; i < 2; i++) evil.send([], [], { outcomes: [returned], ending: { id: 1, how: 'done' } });
    await until(() => harness.violations.length > 0, 'it is fenced');
    await until(() => sender.consumed.length > 0, 'the first one counts');
    expect(sender.consumed).toMatchObject([{ count: 1 }]);
    expect(await numbersOf('evil')).toEqual([['sender', 2]]);
  });
});

describe('a submission', () => {
  it('happens once, by its number, also for the next keeper of the same runtime', async () => {
    await harness.start();
    await Promise.all([submit(1, fromProgram(1)), submit(2, fromProgram(2)), submit(1, fromProgram(1))]);
    await submit(2, fromProgram(2));
    const instance = harness.ready?.instance ?? 0;
    await harness.stop();
    await harness.start({ instance });
    await submit(1, fromProgram(1));
    await submit(2, fromProgram(2));
    await submit(3, fromProgram(3));
    expect(await numbersOf('bank')).toEqual([['', 1], ['', 2], ['', 3]]); // prettier-ignore
    await harness.stop();
    await harness.start();
    // The numbers of another runtime are its own.
    await submit(1, fromProgram(4));
    expect(await numbersOf('bank')).toHaveLength(4);
  });

  it('that was refused is not taken for one that happened, by the next keeper either', async () => {
    await harness.start();
    await expect(submit(1, { kind: 'delete', id: 5 }, 1)).rejects.toMatchObject({ code: 'ERR_KEEPER_LETTER' });
    await submit(2, fromProgram(2), 1);
    await expect(submit(1, { kind: 'delete', id: 5 }, 1)).rejects.toMatchObject({ code: 'ERR_KEEPER_LETTER' });
    const instance = harness.ready?.instance ?? 0;
    await harness.stop();
    await harness.start({ instance });
    await expect(submit(1, { kind: 'delete', id: 5 }, 1)).rejects.toMatchObject({ code: 'ERR_KEEPER_LETTER' });
    await submit(2, fromProgram(2), 1);
    expect(await numbersOf('bank')).toEqual([['', 2]]);
  });

  it('of a cast is refused when the program has cast too much that was not run (G9)', async () => {
    await harness.start();
    const bytes = new Uint8Array(OUTBOX_BYTES_MAX / 4 - 128);
    for (let number = 1; number <= 4; number++) {
      await submit(number, { kind: 'cast', to: 'bank', name: 'note', arguments: bytes });
    }
    await expect(submit(5, fromProgram(5))).rejects.toMatchObject({ code: 'ERR_KEEPER_OUTBOX' });
    const bank = await open('bank');
    await store(bank, { outcomes: [returned], ending: { id: 1, how: 'done' } });
    await submit(6, fromProgram(6));
  });
});

describe('dead letters', () => {
  it('come of casts whose handler threw, that there is no call for, and that are given up; and of calls', async () => {
    await harness.start();
    const sender = await open('sender');
    await store(sender, { casts: [cast('bank', 1), cast('bank', 2), cast('bank', 3)] });
    const bank = await open('bank');
    await store(bank, { outcomes: [threw], ending: { id: 1, how: 'threw' } });
    await store(bank, { outcomes: [threw], ending: { id: 2, how: 'unknown_call' } });
    const error = encodeValue(encodeError(new Error('it died')));
    await submit(1, { kind: 'bury', worker: 'bank', id: 3, error, tries: 3 });
    await submit(1, { kind: 'bury', worker: 'bank', id: 3, error, tries: 3 });
    await submit(2, { kind: 'letter', worker: 'bank', name: 'pay', arguments: encodeValue([8]), error, tries: 3 });
    await submit(2, { kind: 'letter', worker: 'bank', name: 'pay', arguments: encodeValue([8]), error, tries: 3 });
    expect(await numbersOf('bank')).toEqual([]);
    expect(sender.consumed.at(-1)?.count).toBe(3);
    const { letters } = await lettersOf();
    expect(letters).toMatchObject([
      { id: 4, worker: 'bank', sender: 'sender', name: 'note', kind: 'cast', reason: 'threw', tries: 1 },
      { id: 5, kind: 'cast', reason: 'unknown_call', tries: 1 },
      { id: 6, kind: 'cast', reason: 'poisoned', tries: 3 },
      { id: 7, sender: undefined, name: 'pay', kind: 'call', reason: 'poisoned', tries: 3 },
    ]);
    expect(letters.map(({ arguments: bytes }) => decodeValue(bytes))).toEqual([[1], [2], [3], [8]]);
    expect(decodeError(decodeValue(letters[0]?.error ?? new Uint8Array()))).toMatchObject({ message: 'no' });
    expect((await lettersOf('bank', 5, 1)).letters.map(({ id }) => id)).toEqual([6]);
    expect((await lettersOf('sender')).letters).toEqual([]);
  });

  it('are gone when they were run to an end or deleted, and stay with more tries when they threw or killed', async () => {
    await harness.start();
    const error = encodeValue(encodeError(new Error('it died')));
    const letter = {
      kind: 'letter',
      worker: 'bank',
      name: 'pay',
      arguments: encodeValue([8]),
      error,
      tries: 3,
    } as const;
    for (let number = 1; number <= 3; number++) await submit(number, letter);
    const bank = await open('bank');
    await store(bank, { outcomes: [threw], ending: { id: 1, how: 'threw' } });
    await submit(4, { kind: 'bury', worker: 'bank', id: 2, error, tries: 2 });
    expect((await lettersOf()).letters).toMatchObject([
      { id: 1, reason: 'threw', tries: 4 },
      { id: 2, reason: 'poisoned', tries: 5 },
      { id: 3, tries: 3 },
    ]);
    await store(bank, { outcomes: [returned], ending: { id: 1, how: 'done' } });
    await submit(5, { kind: 'delete', id: 3 });
    await expect(submit(6, { kind: 'delete', id: 3 })).rejects.toMatchObject({ code: 'ERR_KEEPER_LETTER' });
    expect((await lettersOf()).letters.map(({ id }) => id)).toEqual([2]);
  });

  it('are not dropped when there are too many: a cast stays a cast, and still counts for its sender (G9)', async () => {
    await harness.start({}, { lettersMax: 1 });
    const sender = await open('sender');
    await store(sender, { casts: [cast('bank', 1), cast('bank', 2)] });
    const bank = await open('bank');
    await store(bank, { outcomes: [threw], ending: { id: 1, how: 'threw' } });
    await store(bank, { outcomes: [threw], ending: { id: 2, how: 'threw' } });
    expect((await lettersOf()).letters.map(({ id }) => id)).toEqual([3]);
    expect(await numbersOf('bank')).toEqual([['sender', 2]]);
    expect(sender.consumed.at(-1)?.count).toBe(1);
    await submit(1, { kind: 'delete', id: 3 });
    // As when its worker is started again.
    await store(bank, { outcomes: [threw], ending: { id: 2, how: 'threw' } });
    expect((await lettersOf()).letters.map(({ arguments: bytes }) => decodeValue(bytes))).toEqual([[2]]);
    expect(await numbersOf('bank')).toEqual([]);
  });
});
