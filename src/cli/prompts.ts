// Questions to a person at the terminal. Asked on stderr, so that stdout stays the answer.
import { CliFailure } from './failure.ts'

export type Choice<T> = { readonly value: T; readonly label: string; readonly hint?: string }

export interface Prompts {
  text(question: string, options?: { readonly initial?: string; readonly check?: (text: string) => string | undefined }): Promise<string>
  /** What is typed is not shown. */
  secret(question: string, options?: { readonly optional?: true }): Promise<string>
  confirm(question: string, initial?: boolean): Promise<boolean>
  choose<T>(question: string, choices: readonly Choice<T>[]): Promise<T>
}

/** Loaded when the first question is asked: most commands ask nothing. */
export function createPrompts(): Prompts {
  const output = process.stderr
  const load = () => import('@clack/prompts')
  const answered = <T>(answer: T): Exclude<T, symbol> => {
    if (typeof answer === 'symbol') throw new CliFailure('Cancelled; nothing more was done.')
    return answer as Exclude<T, symbol>
  }
  return {
    async text(question, { initial, check } = {}) {
      const { text } = await load()
      return answered(
        await text({
          message: question,
          output,
          ...(initial === undefined ? {} : { initialValue: initial }),
          validate: (value) => (check === undefined ? undefined : check((value ?? '').trim())),
        }),
      ).trim()
    },
    async secret(question, { optional } = {}) {
      const { password } = await load()
      const answer = await password({
        message: question,
        output,
        validate: (value) => (optional !== true && (value ?? '').trim() === '' ? 'Nothing was entered.' : undefined),
      })
      return (answered(answer) ?? '').trim()
    },
    async confirm(question, initial = true) {
      const { confirm } = await load()
      return answered(await confirm({ message: question, output, initialValue: initial }))
    },
    async choose<T>(question: string, choices: readonly Choice<T>[]) {
      const { autocomplete, select } = await load()
      // By its place: clack's types tell values that are primitive from others.
      const options = choices.map(({ label, hint }, value) => ({ value, label, ...(hint === undefined ? {} : { hint }) }))
      const place =
        choices.length > 10
          ? await autocomplete<number>({ message: question, output, options, maxItems: 10, placeholder: 'type to search' })
          : await select<number>({ message: question, output, options })
      return choices[answered(place)]!.value
    },
  }
}
