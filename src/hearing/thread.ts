// A worker thread of pool.ts: does tasks one after the other.
import { parentPort } from 'node:worker_threads';
import { type Answer, perform, type Task } from './task.ts';

/** Five seconds at 48 kHz. */
const room = new Float32Array(5 * 48_000);

let turn = Promise.resolve();
parentPort?.on('message', (tasks: readonly Task[]) => {
  turn = turn.then(() => answer(tasks));
});

async function answer(tasks: readonly Task[]): Promise<void> {
  const answers: Answer[] = [];
  for (const task of tasks) answers.push(await perform(task, room));
  const buffer = together(answers);
  parentPort?.postMessage(answers, [buffer]);
}

/** Puts all spectrograms into one buffer, since each that changes threads costs as much as a short clip's transforms. */
function together(answers: readonly Answer[]): ArrayBuffer {
  const powers = answers.flatMap((a) => ('value' in a && 'power' in a.value ? [a.value.power] : []));
  const all = new Float64Array(powers.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const power of powers) {
    const place = all.subarray(at, at + power.data.length);
    place.set(power.data);
    power.data = place;
    at += place.length;
  }
  return all.buffer;
}
