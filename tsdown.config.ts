// Builds the library, its browser entry and the command line into dist/.
import { defineConfig } from 'tsdown';

const shared = { format: 'esm', fixedExtension: false, dts: true } as const;

export default defineConfig([
  {
    ...shared,
    entry: {
      index: 'src/index.ts',
      main: 'src/cli/main.ts',
      'decode-thread': 'src/audio/decode-thread.ts',
      'hear-thread': 'src/hearing/thread.ts',
      'batch-thread': 'src/hearing/batch-thread.ts',
    },
    platform: 'node',
    target: 'node20',
  },
  // Packages stay imports: the application's bundler resolves them, and takes the .wasm file along.
  {
    ...shared,
    entry: { browser: 'src/browser.ts', 'decode-worker': 'src/audio/decode-worker.ts' },
    platform: 'browser',
    target: 'es2022',
  },
]);
