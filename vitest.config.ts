// Tests run single-file at a time per core; ONNX Runtime brings its own threads. The command line is tested as built.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/support/cache.ts', 'test/support/build.ts', 'test/support/chromium.ts'],
    testTimeout: 60_000,
    maxWorkers: 2,
  },
});
