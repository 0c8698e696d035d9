// The jars of Apache Kafka, from Maven Central, in a cache folder outside of the repository.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const POM = fileURLToPath(new URL('pom.xml', import.meta.url))
const OLDEST_JAVA = 17
const run = promisify(execFile)

/** Where everything of ours is kept between runs. */
export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'y-kafka-collabation-server')

/**
 * Resolves with the class path of a broker, downloading it the first time (43 MB).
 * Rejects with an `Error` whose message says what to do.
 */
export async function classPath() {
  await requireJava()
  const pom = await readFile(POM)
  const folder = join(CACHE, `kafka-${createHash('sha256').update(pom).digest('hex').slice(0, 16)}`)
  if (!(await exists(folder))) await download(folder)
  return join(folder, '*')
}

async function download(folder) {
  const unfinished = `${folder}.${process.pid}`
  await mkdir(unfinished, { recursive: true })
  // Copied, because Maven writes next to the pom.
  await copyFile(POM, join(unfinished, 'pom.xml'))
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=jars']
  try {
    await run('mvn', ['-B', '-q', '-f', join(unfinished, 'pom.xml'), ...goal])
    // In one step: other processes see all jars or none.
    await rename(join(unfinished, 'jars'), folder).catch(async (error) => {
      if (!(await exists(folder))) throw error // Another process was faster.
    })
  } catch (error) {
    throw new Error(`${reasonOf(error)}\n${ADVICE}`, { cause: error })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function requireJava() {
  let version
  try {
    const { stderr } = await run('java', ['-version'])
    version = Number(/version "(?:1\.)?(\d+)/.exec(stderr)?.[1])
  } catch (error) {
    throw new Error(`There is no java here.\n${ADVICE}`, { cause: error })
  }
  if (!(version >= OLDEST_JAVA)) throw new Error(`Apache Kafka needs Java ${OLDEST_JAVA}, not ${version}.\n${ADVICE}`)
}

const ADVICE = `A Kafka broker for tests needs Java ${OLDEST_JAVA} and Maven (on Debian: apt-get install maven default-jre-headless),
and Maven Central for the first run. Or set KAFKA_BROKERS=host:9092 to use a broker that is there already.`

function reasonOf({ code, stdout = '', stderr = '', message }) {
  if (code === 'ENOENT') return 'There is no mvn here.'
  return `Getting the jars of Apache Kafka failed: ${stdout}${stderr}`.trim() || message
}

async function exists(folder) {
  return (await readdir(folder).catch(() => [])).length > 0
}
