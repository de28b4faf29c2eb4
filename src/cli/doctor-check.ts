// One finding of `doctor`.

export type Check = {
  readonly state: 'ok' | 'warn' | 'fail'
  /** What was looked at: `disk`, `provider openai`. */
  readonly name: string
  readonly message: string
  readonly fix?: string
}
