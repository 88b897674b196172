// A worker thread of pool.ts: does tasks one after the other.
import { parentPort } from 'node:worker_threads';
import { type Answer, perform, type Task } from './task.ts';

/** For recordings of five seconds at 48 kHz, and 2 MB of a spectrogram. */
const room = { samples: new Float32Array(5 * 48_000), power: new Float64Array(2 ** 18) };

let turn = Promise.resolve();
parentPort?.on('message', (tasks: readonly Task[]) => {
  turn = turn.then(() => answer(tasks));
});

/** Spectrograms go in one buffer, since each that changes threads costs as much as a short clip's transforms. */
async function answer(tasks: readonly Task[]): Promise<void> {
  const answers: Answer[] = [];
  let [all, used] = [new Float64Array(0), 0];
  for (const [done, task] of tasks.entries()) {
    const answer = await perform(task, room);
    answers.push(answer);
    if (!('value' in answer && 'power' in answer.value)) continue;
    const { power } = answer.value;
    const { length } = power.data;
    // All of a list are equally large, but need not be.
    if (used === 0) all = new Float64Array((tasks.length - done) * length);
    const place = used + length > all.length ? new Float64Array(length) : all.subarray(used, used + length);
    place.set(power.data);
    power.data = place;
    used += length;
  }
  parentPort?.postMessage(answers, [all.buffer]);
}
