/** What tests put in the place of time, processes and children. */
export { VirtualClock } from './clock.js';
export { FakeChild, FakeDriver } from './fake-driver.js';
export { FakeProcess, FakeProcessPort } from './fake-process.js';

export type { FakeBehaviour } from './fake-driver.js';
