// Looks for a member in the bytes of a whole answer, without parsing them.

const maxTextBytes = 64

/**
 * The short string that is the value of the last member of this name (`"name"`, quotes included); undefined when there is none. What is
 * looked for stands behind the big fields, so the end is looked at first.
 */
export function textBehind(body: Buffer, name: Buffer): string | undefined {
  for (let at = body.lastIndexOf(name); at >= 0; at = at === 0 ? -1 : body.lastIndexOf(name, at - 1)) {
    const text = textAfterColon(body, at + name.length)
    if (text !== undefined) return text
  }
  return undefined
}

/** The string that is the value of the key that ends at `at`; undefined when it is another value, or escaped. */
function textAfterColon(body: Buffer, at: number): string | undefined {
  let i = afterSpace(body, at)
  if (body[i] !== 0x3a) return undefined
  i = afterSpace(body, i + 1)
  if (body[i] !== 0x22) return undefined
  const end = body.indexOf(0x22, i + 1)
  if (end < 0 || end > i + maxTextBytes) return undefined
  const text = body.toString('latin1', i + 1, end)
  return text.includes('\\') ? undefined : text
}

function afterSpace(body: Buffer, at: number): number {
  let i = at
  while (body[i] === 0x20 || body[i] === 0x0a || body[i] === 0x0d || body[i] === 0x09) i++
  return i
}
