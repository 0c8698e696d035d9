// The tests that need a real Redis: `npm run test:redis` in the repository, with redis-server installed.
import config from './ava.config.js'

export default { ...config, files: ['test/redis/**/*.spec.ts'] }
