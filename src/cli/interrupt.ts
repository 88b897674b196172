// Ctrl-C, or being told to end, in the middle of something: it is undone, then the process ends as it would have.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `act`; where a signal ends the process meanwhile, `undo` runs first. What `act` does without waiting is not
 * interrupted.
 */
export async function undoneByInterrupt<T>(undo: () => void, act: () => Promise<T>): Promise<T> {
  const release = () => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
  const end = (signal: NodeJS.Signals) => {
    release();
    undo();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  try {
    return await act();
  } finally {
    release();
  }
}
