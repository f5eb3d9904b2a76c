/**
 * A process that streams frames into a journal until it is killed: `node journal-writer.js SOCKET one-way|two-way`.
 *
 * It prints, as lines, the number of each frame that it knows to be with the operating system, before it goes on, and `full`
 * when it can send no more for now, as its reader is behind.
 */
import { connect, FrameKind } from '@heirloom/wire';
import { writeSync } from 'node:fs';

const [path = '', way = 'one-way'] = process.argv.slice(2);
const SMALL_BYTES = 512;
/** Every tenth frame, so that a kill often cuts one off. */
const LARGE_BYTES = 60_000;
const FRAMES_AHEAD_BYTES = 64 * 1024;

const connection = await connect(path, {
  hello: { role: 'journal', token: new Uint8Array(32) },
  kinds: new Set(way === 'one-way' ? [] : [FrameKind.ack]),
  ...(way === 'one-way' ? { oneWay: 'write' } : {}),
  onFrame: () => undefined,
  onClose: () => undefined,
});

const small = new Uint8Array(SMALL_BYTES);
const large = new Uint8Array(LARGE_BYTES);
let sent = 0;
let printed = 0;
let isFull = false;

function stream(): void {
  if (connection.queuedBytes === 0 && printed < sent) {
    // Nothing waits in this process, so everything that was sent is with the operating system.
    printed = sent;
    isFull = false;
    writeSync(1, `${printed}\n`);
  }
  if (connection.queuedBytes >= FRAMES_AHEAD_BYTES && !isFull) {
    isFull = true;
    writeSync(1, 'full\n');
  }
  for (let i = 0; i < 5 && connection.queuedBytes < FRAMES_AHEAD_BYTES; i++) {
    sent++;
    connection.send(FrameKind.batch, (writer) => {
      writer.uint53(sent);
      writer.raw(sent % 10 === 0 ? large : small);
    });
  }
  connection.flushNow();
  setImmediate(stream);
}
stream();
