import { expect, test } from 'vitest';
import { realClock, VirtualClock } from '../src/clock.js';

test('fires timers in the order in which they are due, those set on the way included', () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  clock.setTimer(20, () => fired.push(`c@${clock.now()}`));
  clock.setTimer(10, () => {
    fired.push(`a@${clock.now()}`);
    clock.setTimer(0, () => fired.push(`b@${clock.now()}`));
  });
  clock.setTimer(31, () => fired.push('late'));
  clock.advance(30);
  expect(fired).toEqual(['a@10', 'b@10', 'c@20']);
  expect(clock.now()).toBe(30);
  expect(clock.size).toBe(1);
});

test('a cleared timer does not fire', () => {
  const clock = new VirtualClock();
  const timer = clock.setTimer(1, () => expect.fail('it fired'));
  timer.clear();
  timer.clear();
  clock.advance(10);
});

test('the real clock clears timers and immediates, and a delay of 0 comes after what is queued', async () => {
  const order: string[] = [];
  realClock.setTimer(0, () => order.push('cleared')).clear();
  realClock.setTimer(1, () => order.push('cleared')).clear();
  await new Promise<void>((resolve) => {
    realClock.setTimer(0, () => {
      order.push('immediate');
      resolve();
    });
    queueMicrotask(() => order.push('microtask'));
  });
  const before = realClock.now();
  await new Promise<void>((resolve) => void realClock.setTimer(5, resolve));
  expect(realClock.now() - before).toBeGreaterThanOrEqual(4);
  expect(order).toEqual(['microtask', 'immediate']);
});
