// Counts tokens for a question of a client, in a thread that lives only while it is asked: the tables take 50 MB.
import { createAskedThread, siblingModule } from '#threads'

export interface TokenCounter {
  /** Tokens of the text in OpenAI's o200k encoding: near enough for an estimate of any current model. */
  count(text: string): Promise<number>
  close(): Promise<void>
}

export function createThreadedTokenCounter(): TokenCounter {
  const thread = createAskedThread<string>({
    module: siblingModule(import.meta.url, 'token-thread'),
    data: undefined,
    idleMs: 60_000,
    closed: 'The gateway is stopping.',
    died: () => 'The thread that counts tokens has stopped.',
    startsAnew: true,
  })
  return { count: (text) => thread.ask<number>(text), close: () => thread.close() }
}
