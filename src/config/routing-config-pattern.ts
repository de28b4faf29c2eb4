// Regular expressions of conditions, in time that is linear in the text whatever the expression is: RE2's language, which has no
// look-around and no back references.
import { RE2JS, RE2JSException } from 're2js'
import type { LinearPattern } from './routing-config.ts'
import { fault } from './routing-config-values.ts'

const mostSourceCharacters = 1000
/** Instructions: what one character of a text costs at worst. */
const mostProgram = 1000
/** Of a text; what is behind is not looked at. */
const mostTextCharacters = 65_536
/** Of all that a config has: what it takes to read them. */
const mostPrograms = 10_000

/** `read`: what the config's other expressions have come to. Throws ConfigError for `path` where the expression is wrong or too large. */
export function linearPattern(source: string, path: string, read: { programs: number }): LinearPattern {
  if (source.length > mostSourceCharacters)
    throw fault(path, `is an expression of ${source.length} characters, and at most ${mostSourceCharacters} are allowed.`)
  const pattern = compile(source, path)
  const program = pattern.programSize()
  if (program > mostProgram) throw fault(path, 'is an expression that grows too large. Repeat fewer things.')
  read.programs += program
  if (read.programs > mostPrograms)
    throw fault(path, 'is one expression too many: together they grow too large. Repeat fewer things, or have fewer of them.')
  return (text, spare) => {
    const looked = Math.min(text.length, mostTextCharacters, Math.floor(spare.steps / program))
    spare.steps -= looked * program
    return pattern.test(text.length > looked ? text.slice(0, looked) : text)
  }
}

function compile(source: string, path: string): RE2JS {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(source))
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    // The rest of the message quotes the expression, which is shown as it was written.
    const why = error.message.replace(/^error parsing regexp: /, '').replace(/: `[^]*$/, '')
    throw fault(
      path,
      `is no regular expression that runs in linear time: ${why}. RE2's are taken, without look-around and back references.`,
    )
  }
}
