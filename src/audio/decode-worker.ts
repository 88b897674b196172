// The worker that decodes recordings for worker.ts, in a browser.
import { perform, type Task } from './decode-task.ts';

addEventListener('message', async ({ data }: MessageEvent<Task>) => {
  const [answer, transfer] = await perform(data);
  postMessage(answer, { transfer });
});
postMessage('ready');
