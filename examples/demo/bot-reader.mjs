// Bot three, native: knows nothing, and reads everything back from the log.
import { commonCues, NativeBot } from './native-bot.mjs'
import { perform } from './stage.mjs'

const [, , url] = process.argv
perform(commonCues(new NativeBot('reader', url)))
