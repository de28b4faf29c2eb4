// The writer's thread: sleeps until there is something to load, gathers for a moment, loads it, and answers flushes.
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import type { LoggingMode, RetentionLimits } from '#store'
import { createControl } from './control.ts'
import type { SharedBody } from './port.ts'
import type { RecoverySummary } from './recovery.ts'
import { createWriter, type WriterStats } from './writer.ts'

export type WriterThreadData = {
  readonly home: string
  readonly logging: LoggingMode
  readonly retention: RetentionLimits
  readonly control: SharedArrayBuffer
  readonly ring: SharedArrayBuffer
  /** Read synchronously: this thread never returns to its event loop while it runs. */
  readonly commands: MessagePort
  /** For tests. */
  readonly coldAfterMs?: number
}

export type WriterCommand =
  | { readonly op: 'flush'; readonly number: number }
  | { readonly op: 'body'; readonly body: SharedBody }
  | { readonly op: 'configure'; readonly logging: LoggingMode; readonly retention: RetentionLimits }
  | { readonly op: 'close' }

export type WriterReport =
  | { readonly type: 'recovered'; readonly recovery: RecoverySummary; readonly generation: number }
  | { readonly type: 'flushed'; readonly number: number; readonly error: string | undefined; readonly stats: ThreadStats }
  /** Bodies that were handed over, their bytes. */
  | { readonly type: 'stored'; readonly bytes: number }
  | { readonly type: 'trouble'; readonly message: string }

export type ThreadStats = WriterStats & {
  /** CPU time of this thread, microseconds. */
  readonly cpuUs: number
}

const gatherMs = 100
/** Under load: a commit costs as much for three hundred requests as for thirty. */
const busyGatherMs = 250
const busyFrom = 64
const retryMs = 250
const retainEveryMs = 60_000
const retainForMs = 200
const retainAgainMs = 2000
/** Bodies are read soon or hardly ever: from then on they are worth compressing. */
const usuallyColdAfterMs = 600_000
/** Of this thread's time, and nothing while it is busy. */
const coldShare = 0.05

const port = parentPort
if (port === null) throw new Error('writer-thread.ts runs as a worker thread')
const data = workerData as WriterThreadData
const control = createControl(data.control)
const { coldAfterMs = usuallyColdAfterMs } = data
let lastTrouble = ''

function report(message: WriterReport): void {
  port?.postMessage(message)
}

/** The same trouble is said once until something else happens. */
function onTrouble(error: Error): void {
  if (error.message === lastTrouble) return
  lastTrouble = error.message
  report({ type: 'trouble', message: error.message })
}

const writer = createWriter({
  home: data.home,
  logging: data.logging,
  retention: data.retention,
  control,
  ring: data.ring,
  onTrouble,
  onStored: (bytes) => report({ type: 'stored', bytes }),
})
report({ type: 'recovered', recovery: writer.recovery, generation: writer.generation })

let closing = false
let handled = 0
let retainAtMs = 0
let compressAtMs = 0
let batchMs = gatherMs
while (!closing) {
  const flushes: number[] = []
  handled = control.asked()
  for (let message = receiveMessageOnPort(data.commands); message !== undefined; message = receiveMessageOnPort(data.commands)) {
    const command = message.message as WriterCommand
    if (command.op === 'flush') flushes.push(command.number)
    else if (command.op === 'close') closing = true
    else if (command.op === 'body') writer.take(command.body)
    else {
      writer.configure(command.logging, command.retention)
      retainAtMs = 0
    }
  }
  const error = drain()
  const cpu = process.threadCpuUsage()
  for (const number of flushes) report({ type: 'flushed', number, error, stats: { ...writer.stats(), cpuUs: cpu.user + cpu.system } })
  if (closing) break
  if (error !== undefined) control.sleep(true, retryMs, isAsked)
  else if (performance.now() >= retainAtMs) retain()
  else if (batchMs === gatherMs && performance.now() >= compressAtMs) compress()
  else if (writer.hasWork()) control.sleep(true, batchMs, isAsked)
  else {
    const untilMs = Math.min(retainAtMs, compressAtMs) - performance.now()
    control.sleep(false, Math.max(1, untilMs), () => isAsked() || writer.hasWork())
    // Rung by the first record after a pause: others follow, and one transaction takes them all.
    if (writer.hasWork()) control.sleep(true, batchMs, isAsked)
  }
}
writer.close()
data.commands.close()

function drain(): string | undefined {
  try {
    batchMs = writer.drain() >= busyFrom ? busyGatherMs : gatherMs
    lastTrouble = ''
    return undefined
  } catch (error) {
    const { message } = error as Error
    onTrouble(new Error(`The record store cannot be written; the journal keeps everything until it can: ${message}`))
    return message
  }
}

function retain(): void {
  let done = true
  try {
    done = writer.retain(Date.now(), retainForMs)
  } catch (error) {
    onTrouble(new Error(`Retention failed: ${(error as Error).message}`))
  }
  retainAtMs = performance.now() + (done ? retainEveryMs : retainAgainMs)
}

/** One block; the next one when this has taken no more than its share. */
function compress(): void {
  const startedMs = performance.now()
  let waitMs = coldAfterMs / 10
  try {
    if (writer.compress(Date.now() - coldAfterMs)) waitMs = (performance.now() - startedMs) / coldShare
  } catch (error) {
    onTrouble(new Error(`Compressing old bodies failed; they stay as they are: ${(error as Error).message}`))
  }
  compressAtMs = performance.now() + waitMs
}

/** A command has come since the last look. The message is sent before the count goes up. */
function isAsked(): boolean {
  return control.asked() !== handled
}
