import { defineConfig } from 'vitest/config';

// The suffix of a test says what it needs: nothing, servers, or the running apps.
const conditions = ['source'];
const base = { resolve: { conditions }, ssr: { resolve: { conditions } } };

export default defineConfig({
  test: {
    projects: [
      {
        ...base,
        test: {
          name: 'unit',
          include: ['{apps,libs,sandbox,migrations,bench,test}/**/*.test.ts'],
          exclude: ['**/*.{int,e2e}.test.ts', '**/node_modules/**'],
          // They share nothing but modules, and starting a worker for each file takes longer than most of them.
          isolate: false,
          // A limit against hanging, far above what any of them takes on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        ...base,
        test: {
          name: 'int',
          include: ['{apps,libs,sandbox,migrations,test}/**/*.int.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...base,
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
