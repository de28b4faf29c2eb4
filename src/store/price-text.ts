// Prices <-> text, as records freeze them. They are frozen objects shared by many requests: each text is made once.
import type { Price, PriceRates } from '#ir'

const texts = new WeakMap<Price, string>()
const parsed = new Map<string, Price>()
const maxParsed = 256

/** What a plain price doesn't have. Short names: it is in every record of a price that has it. */
type Long = { readonly v: string } & LongRow & {
    readonly c?: readonly (LongRow & { readonly a?: number; readonly s?: string; readonly g?: string })[]
  }
/** `r`: nine rates in the order of the type. `i`: those of images, '' for none. `f`: calls. `t`: which rates they are. */
type LongRow = {
  readonly r: string
  readonly t?: string
  readonly i?: readonly [string, string]
  readonly f?: Readonly<Record<string, string>>
}

/** Of a plain price its rates in the order of the type, then the version, which may hold anything; of another one JSON. */
export function priceText(price: Price): string {
  const known = texts.get(price)
  if (known !== undefined) return known
  const isPlain = (price.rate ?? price.cases ?? price.calls ?? price.inputImage ?? price.outputImage) === undefined
  const text = isPlain ? `${plainRates(price)},${price.version}` : JSON.stringify(longPrice(price))
  texts.set(price, text)
  return text
}

/** undefined: there was none. Throws on what is no price. */
export function parsePrice(text: string): Price | undefined {
  if (text === '') return undefined
  const known = parsed.get(text)
  if (known !== undefined) return known
  const price = text.startsWith('{') ? fromLong(JSON.parse(text) as Long) : fromPlain(text)
  if (parsed.size >= maxParsed) parsed.clear()
  parsed.set(text, price)
  return price
}

function plainRates({
  input,
  output,
  cacheRead,
  cacheWrite,
  cacheWrite1h,
  reasoning,
  inputAudio,
  outputAudio,
  request,
}: PriceRates): string {
  return [input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning, inputAudio, outputAudio, request].join(',')
}

function ratesOf(words: readonly string[]): PriceRates {
  const rate = (index: number): bigint => BigInt(words[index] ?? '0')
  return {
    input: rate(0),
    output: rate(1),
    cacheRead: rate(2),
    cacheWrite: rate(3),
    cacheWrite1h: rate(4),
    reasoning: rate(5),
    inputAudio: rate(6),
    outputAudio: rate(7),
    request: rate(8),
  }
}

function fromPlain(text: string): Price {
  const words = text.split(',')
  return { version: words.slice(9).join(','), ...ratesOf(words) }
}

function longPrice(price: Price): Long {
  const cases = price.cases?.map(({ aboveInput, serviceTier, region, price: row }) => ({
    ...(aboveInput === undefined ? {} : { a: aboveInput }),
    ...(serviceTier === undefined ? {} : { s: serviceTier }),
    ...(region === undefined ? {} : { g: region }),
    ...longRow(row),
  }))
  return { v: price.version, ...longRow(price), ...(cases === undefined ? {} : { c: cases }) }
}

function longRow(price: Price): LongRow {
  const { rate, inputImage, outputImage, calls } = price
  return {
    r: plainRates(price),
    ...(rate === undefined ? {} : { t: rate }),
    ...((inputImage ?? outputImage) === undefined ? {} : { i: [String(inputImage ?? ''), String(outputImage ?? '')] }),
    ...(calls === undefined ? {} : { f: Object.fromEntries(Object.entries(calls).map(([kind, each]) => [kind, String(each)])) }),
  }
}

function fromLong({ v, c, ...row }: Long): Price {
  const price = fromLongRow(v, row)
  if (c === undefined) return price
  const cases = c.map(({ a, s, g, ...one }) => ({
    ...(a === undefined ? {} : { aboveInput: a }),
    ...(s === undefined ? {} : { serviceTier: s }),
    ...(g === undefined ? {} : { region: g }),
    price: fromLongRow(v, one),
  }))
  return { ...price, cases }
}

function fromLongRow(version: string, { r, t, i, f }: LongRow): Price {
  const [inputImage = '', outputImage = ''] = i ?? []
  return {
    version,
    ...(t === undefined ? {} : { rate: t }),
    ...ratesOf(r.split(',')),
    ...(inputImage === '' ? {} : { inputImage: BigInt(inputImage) }),
    ...(outputImage === '' ? {} : { outputImage: BigInt(outputImage) }),
    ...(f === undefined ? {} : { calls: Object.fromEntries(Object.entries(f).map(([kind, each]) => [kind, BigInt(each)])) }),
  }
}
