// Marks the bytes at which a scan of JSON strings must stop, 64 at a time with the CPU's vector instructions (WebAssembly).

// Node's types leave this global to the browser's library.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> }
}

/** Bytes that are marked at once, at most. */
export const windowBytes = 32 << 10

/**
 * Marks stops of the text between `from` and `to`, at most `windowBytes`, of which all but the text's last piece are multiples of 64, and at least one byte.
 * `escaped` is 1 when the byte at `from` has an escaping backslash before it; returns the same for the byte at `to`.
 *
 * A stop is a quote that is not escaped, a control character, or an escaped byte that is none of `"\/bfnrt`: a `u`, or a mistake. All that
 * for a text whose backslashes are inside strings; outside of one they are an error, which a scanner meets before it needs the stops behind.
 */
export type MarkStops = (bytes: Uint8Array, from: number, to: number, escaped: number) => number

/** `bits` holds the stops that were marked last: bit `n & 31` of number `n >> 5` for the byte at `from + n`; then a number without zeros. */
export type StopMarker = { readonly bits: Int32Array; readonly mark: MarkStops }

const quote = 0x22
const backslash = 0x5c
const simpleEscapes = Buffer.from('"\\/bfnrt')

/** For a CPU without the vector instructions, or with its bytes the other way round. */
export function createPlainMarker(): StopMarker {
  const bits = new Int32Array(windowBytes / 32 + 1)
  function mark(bytes: Uint8Array, from: number, to: number, escaped: number): number {
    const length = to - from
    const words = (length + 31) >> 5
    bits.fill(0, 0, words)
    let escapes = escaped !== 0
    for (let at = 0; at < length; at++) {
      const byte = bytes[from + at]!
      if (byte < 0x20 || (escapes ? !simpleEscapes.includes(byte) : byte === quote)) bits[at >> 5]! |= 1 << (at & 31)
      escapes = !escapes && byte === backslash
    }
    bits[words] = -1
    return escapes ? 1 : 0
  }
  return { bits, mark }
}

/** Undefined where the module cannot run. */
export function createVectorMarker(): StopMarker | undefined {
  // WebAssembly's memory is little-endian everywhere, typed arrays are not.
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) return undefined
  let exported: Readonly<Record<string, unknown>>
  try {
    exported = new WebAssembly.Instance(new WebAssembly.Module(assemble())).exports
  } catch {
    return undefined
  }
  const { buffer } = exported['memory'] as { readonly buffer: ArrayBuffer }
  const markText = exported['mark'] as (length: number, escaped: number) => number
  const text = new Uint8Array(buffer, 0, windowBytes)
  const bits = new Int32Array(buffer, windowBytes, windowBytes / 32 + 2)
  function mark(bytes: Uint8Array, from: number, to: number, escaped: number): number {
    const length = to - from
    text.set(bytes.subarray(from, to))
    const escapes = markText(length, escaped)
    bits[(length + 31) >> 5] = -1
    return escapes
  }
  return { bits, mark }
}

// The module's one function, `mark(length, escaped)`: for each 64 bytes of the text at 0 it writes 64 bits, from `windowBytes` on.

const typeI32 = 0x7f
const typeI64 = 0x7e
const typeV128 = 0x7b
const noResult = 0x40
const [loop, ifNonZero, branchIf, end] = [0x03, 0x04, 0x0d, 0x0b]
const addI32 = 0x6a
const belowI32 = 0x49
const unequalI64 = 0x52
const wrapI32 = 0xa7
const [extendU, subI64, andI64, orI64, xorI64, shlI64, shrI64] = [0xad, 0x7d, 0x83, 0x84, 0x85, 0x86, 0x88]

const vector = (code: number, ...more: number[]) => [0xfd, ...unsigned(code), ...more]
const [equalBytes, belowBytes, orVector, topBits] = [vector(0x23), vector(0x26), vector(0x50), vector(0x64)]
const loadVector = (offset: number) => vector(0x00, 0, ...unsigned(offset))
const storeI64 = (offset: number) => [0x37, 0, ...unsigned(offset)]
const every = (byte: number) => [...i32(byte), ...vector(0x0f)]
const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const tee = (local: number) => [0x22, local]
const i32 = (value: number) => [0x41, ...signed(BigInt(value))]
const i64 = (value: bigint) => [0x42, ...signed(value)]

// Parameters, then locals.
const [length, escapedBefore, at, out, carry, quotes, backslashes, controls, escaped, starts] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
const vectors = [10, 11, 12, 13]
const oddBits = -0x5555555555555556n

/** 64 bits: whether the condition holds for each byte of the four vectors. */
function bitsWhere(condition: (bytes: number[]) => number[]): number[] {
  return vectors.flatMap((local, index) => {
    const sixteen = [...condition(get(local)), ...topBits, extendU]
    return index === 0 ? sixteen : [...sixteen, ...i64(BigInt(16 * index)), shlI64, orI64]
  })
}

const is = (bytes: number[], byte: number) => [...bytes, ...every(byte), ...equalBytes]

function instructions(): number[] {
  const isSimple = (bytes: number[]) => [...simpleEscapes].flatMap((byte, index) => [...is(bytes, byte), ...(index === 0 ? [] : orVector)])
  /** `local` without the bits of what follows on the stack; `a & ~b` is `a ^ (a & b)`. */
  const without = (local: number, other: number[]) => [...get(local), ...get(local), ...other, andI64, xorI64]
  return [
    [...get(escapedBefore), extendU, ...set(carry)],
    [loop, noResult],
    vectors.flatMap((local, index) => [...get(at), ...loadVector(16 * index), ...set(local)]),
    [...bitsWhere((bytes) => is(bytes, quote)), ...set(quotes)],
    [...bitsWhere((bytes) => is(bytes, backslash)), ...set(backslashes)],
    [...bitsWhere((bytes) => [...bytes, ...every(0x20), ...belowBytes]), ...set(controls)],
    [...get(out), ...get(quotes), ...get(controls), orI64, ...storeI64(windowBytes)],
    [...get(backslashes), ...get(carry), orI64, ...i64(0n), unequalI64, ifNonZero, noResult],
    // Of a run of backslashes every second one is escaped. The subtraction's borrow runs through a whole run (as in simdjson).
    [...without(backslashes, get(carry)), ...tee(starts)],
    [...i64(1n), shlI64, ...i64(oddBits), orI64, ...get(starts), subI64, ...i64(oddBits), xorI64, ...tee(starts)],
    [...get(backslashes), ...get(carry), orI64, xorI64, ...set(escaped)],
    [...get(starts), ...get(backslashes), andI64, ...i64(63n), shrI64, ...set(carry)],
    [...get(out), ...without(quotes, get(escaped)), ...get(controls), orI64],
    [...without(escaped, bitsWhere(isSimple)), orI64, ...storeI64(windowBytes)],
    [end],
    [...get(out), ...i32(8), addI32, ...set(out)],
    [...get(at), ...i32(64), addI32, ...tee(at), ...get(length), belowI32, branchIf, 0],
    [end],
    [...get(carry), wrapI32],
    [end],
  ].flat()
}

function assemble(): Uint8Array<ArrayBuffer> {
  const name = (text: string) => sized([...Buffer.from(text)])
  const locals = [3, 2, typeI32, 6, typeI64, 4, typeV128]
  const code = sized([...locals, ...instructions()])
  return Uint8Array.from(
    [
      [...Buffer.from('\0asm'), 1, 0, 0, 0],
      [1, ...sized([1, 0x60, 2, typeI32, typeI32, 1, typeI32])],
      [3, ...sized([1, 0])],
      [5, ...sized([1, 0, 1])],
      [7, ...sized([2, ...name('memory'), 2, 0, ...name('mark'), 0, 0])],
      [10, ...sized([1, ...code])],
    ].flat(),
  )
}

const sized = (bytes: readonly number[]) => [...unsigned(bytes.length), ...bytes]

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: bigint): number[] {
  const low = Number(value & 0x7fn)
  const rest = value >> 7n
  if (rest === (low & 0x40 ? -1n : 0n)) return [low]
  return [low | 0x80, ...signed(rest)]
}
