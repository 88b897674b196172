// The thread that decodes recordings for thread.ts.
import { parentPort } from 'node:worker_threads';
import { perform, type Task } from './decode-task.ts';

parentPort?.on('message', async (task: Task) => parentPort?.postMessage(...(await perform(task))));
parentPort?.postMessage('ready');
