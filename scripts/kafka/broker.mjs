// A real Apache Kafka broker in a process of its own: one KRaft node on free loopback ports with a log of its own.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { classPath } from './distribution.mjs'

/** Time in ms in which a broker has to answer after its start, and to end after being asked to. */
const START_DEADLINE = 90_000
const STOP_DEADLINE = 30_000

/** Small and quick to start; a broker for tests lives for a minute. */
const JVM = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/** Somebody else may take a free port before the broker does. */
const ATTEMPTS = 3

export class KafkaBroker {
  #classPath
  #folder
  #port
  #securePort
  #child
  #killOnExit = () => this.#child?.kill('SIGKILL')

  constructor(path, folder) {
    this.#classPath = path
    this.#folder = folder
  }

  /**
   * Resolves with a broker that answers. Rejects with an `Error` that says what to do where none can be had.
   *
   * `secure` is `{ keystore, password, username, userPassword }`: it listens at `secureAddress` as well then, with TLS
   * (from a PKCS 12 file) and SASL (PLAIN and SCRAM-SHA-256).
   */
  static async start({ properties = {}, secure } = {}) {
    const path = await classPath()
    for (let attempt = 1; ; attempt++) {
      const broker = new KafkaBroker(path, await mkdtemp(join(tmpdir(), 'kafka-')))
      try {
        await broker.#format(properties, secure)
        await broker.restart()
        return broker
      } catch (error) {
        await broker.stop()
        if (attempt === ATTEMPTS) throw error
      }
    }
  }

  /** `host:port`, the same after a restart. */
  get address() {
    return `127.0.0.1:${this.#port}`
  }

  get secureAddress() {
    return `127.0.0.1:${this.#securePort}`
  }

  get pid() {
    return this.#child?.pid
  }

  /** The folder of its log and its output; removed by `stop`. */
  get folder() {
    return this.#folder
  }

  /** Starts it again after `halt` or `kill`, with its log and its address. Resolves when it answers. */
  async restart() {
    const output = openSync(join(this.#folder, 'output'), 'a')
    const child = this.#java(['kafka.Kafka', join(this.#folder, 'server.properties')], ['ignore', output, output])
    closeSync(output)
    this.#child = child
    process.on('exit', this.#killOnExit)
    await this.#answering(child)
  }

  /** Ends it in order, as an operator would. Its log stays. */
  async halt() {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const isOver = await Promise.race([exit, delay(STOP_DEADLINE, false, { ref: false })])
    if (!isOver) await this.kill()
    this.#forget()
  }

  /** Ends it at once, as `kill -9` does. Its log stays. */
  async kill() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await exit
    }
    this.#forget()
  }

  /** Ends it and removes its log. */
  async stop() {
    if (this.#child !== undefined) await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Lets the process of this object end while the broker goes on; `process.kill(pid)` ends it. */
  detach() {
    this.#child.unref()
    process.off('exit', this.#killOnExit)
  }

  async #format(properties, secure) {
    const [port, controllerPort, securePort] = await freePorts(3)
    this.#port = port
    this.#securePort = securePort
    const file = join(this.#folder, 'server.properties')
    const plain = settings(port, controllerPort, join(this.#folder, 'log'))
    await writeFile(file, render({ ...plain, ...(secure && secured(plain, securePort, secure)), ...properties }))
    const storage = (...args) =>
      promisify(execFile)('java', [...JVM, '-cp', this.#classPath, 'kafka.tools.StorageTool', ...args])
    const { stdout } = await storage('random-uuid')
    const scram = secure && `SCRAM-SHA-256=[name=${secure.username},password=${secure.userPassword}]`
    await storage('format', '-t', stdout.trim(), '-c', file, ...(scram ? ['--add-scram', scram] : []))
  }

  #java(args, stdio) {
    return spawn('java', [...JVM, '-cp', this.#classPath, ...args], { stdio, detached: true })
  }

  async #answering(child) {
    const deadline = Date.now() + START_DEADLINE
    while (!(await answers(this.#port))) {
      const isOver = child.exitCode !== null || child.signalCode !== null
      if (isOver || Date.now() > deadline) {
        const output = await readFile(join(this.#folder, 'output'), 'utf8')
        throw new Error(`the broker ${isOver ? 'ended' : 'did not answer'}: ${output.slice(-2000)}`)
      }
      await delay(50)
    }
  }

  #forget() {
    this.#child = undefined
    process.off('exit', this.#killOnExit)
  }
}

function settings(port, controllerPort, folder) {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': folder,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    // A node alone, back from kill -9, would wait for the session of its former self to end.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500
  }
}

function secured(plain, port, { keystore, password, username, userPassword }) {
  const module = 'org.apache.kafka.common.security'
  return {
    listeners: `${plain.listeners},SECURE://127.0.0.1:${port}`,
    'advertised.listeners': `${plain['advertised.listeners']},SECURE://127.0.0.1:${port}`,
    'listener.security.protocol.map': `${plain['listener.security.protocol.map']},SECURE:SASL_SSL`,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
    'listener.name.secure.plain.sasl.jaas.config': `${module}.plain.PlainLoginModule required user_${username}="${userPassword}";`,
    'listener.name.secure.scram-sha-256.sasl.jaas.config': `${module}.scram.ScramLoginModule required;`,
    'ssl.keystore.location': keystore,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': password
  }
}

function render(properties) {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** Whether Kafka answers there with at least one broker: before that, an open port leads to a node that is not ready. */
async function answers(port) {
  const request = Buffer.alloc(18)
  request.writeInt32BE(14, 0) // what follows: Metadata (3) version 0, correlation id, no client id, no topics
  request.writeInt16BE(3, 4)
  request.writeInt16BE(-1, 12)
  const socket = connect(port, '127.0.0.1').setTimeout(1000, () => socket.destroy())
  try {
    socket.write(request)
    let answer = Buffer.alloc(0)
    for await (const chunk of socket) {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= 12) return answer.readInt32BE(8) > 0 // behind length and correlation id
    }
    return false
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
