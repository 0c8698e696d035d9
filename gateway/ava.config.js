export default {
  files: ['test/**/*.spec.ts', '!test/kafka/**', '!test/redis/**'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=tsx'],
  workerThreads: false,
  timeout: '1m'
}
