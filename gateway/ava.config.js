export default {
  files: ['test/**/*.spec.ts', '!test/kafka/**'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=tsx'],
  workerThreads: false
}
