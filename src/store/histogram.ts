// Mergeable latency histograms: eight buckets per power of two of microseconds, kept sparse. Quantiles are within 6.25 %.

/** Bucket -> count. */
export type Histogram = Map<number, number>

/** Microseconds up to 2^32 (71 minutes); more counts as that. */
export function bucketOf(us: number): number {
  const value = us >= 0xffff_ffff ? 0xffff_ffff : us < 0 ? 0 : Math.floor(us)
  if (value < 8) return value
  const exponent = 31 - Math.clz32(value)
  return (exponent - 2) * 8 + ((value >>> (exponent - 3)) & 7)
}

/** The middle of a bucket, in microseconds. */
export function bucketMiddleUs(bucket: number): number {
  if (bucket < 16) return bucket
  const width = 2 ** ((bucket >> 3) - 1)
  return (8 + (bucket & 7)) * width + width / 2
}

export function addTo(histogram: Histogram, us: number): void {
  const bucket = bucketOf(us)
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + 1)
}

export function mergeInto(target: Histogram, source: Histogram): void {
  for (const [bucket, count] of source) target.set(bucket, (target.get(bucket) ?? 0) + count)
}

/** Value in microseconds at quantile 0 to 1; undefined when nothing was counted. */
export function quantileUs(histogram: Histogram, quantile: number): number | undefined {
  let total = 0
  for (const count of histogram.values()) total += count
  if (total === 0) return undefined
  let left = Math.max(1, Math.ceil(quantile * total))
  const buckets = [...histogram.keys()].sort((a, b) => a - b)
  for (const bucket of buckets) {
    left -= histogram.get(bucket) ?? 0
    if (left <= 0) return bucketMiddleUs(bucket)
  }
  return undefined
}

/** Pairs of varints: bucket, count. */
export function encodeHistogram(histogram: Histogram): Uint8Array {
  const bytes: number[] = []
  const varint = (value: number): void => {
    let rest = value
    while (rest >= 128) {
      bytes.push((rest % 128) | 128)
      rest = Math.floor(rest / 128)
    }
    bytes.push(rest)
  }
  for (const [bucket, count] of histogram) {
    varint(bucket)
    varint(count)
  }
  return Uint8Array.from(bytes)
}

export function decodeHistogram(bytes: Uint8Array): Histogram {
  const histogram: Histogram = new Map()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new RangeError('A histogram ends inside a number')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const bucket = varint()
    histogram.set(bucket, (histogram.get(bucket) ?? 0) + varint())
  }
  return histogram
}
