// The tests that need a real Kafka: `npm run test:kafka` in the repository starts one.
import config from './ava.config.js'

export default { ...config, files: ['test/kafka/**/*.spec.ts'], timeout: '10m', concurrency: 1 }
