// About how many tokens a request's body is: read from its bytes, without parsing them.

/** Bytes of an average token in a JSON request, where nothing better is known. */
export const bytesPerToken = 4
/** The same where money depends on it; a JSON body has more bytes than its text, so this is on the safe side. */
const leastBytesPerToken = 3
/** What a picture or a page costs at most in most models, however many bytes it has. */
const tokensPerMedium = 2000
/** A PDF has many pages: about so many characters of base64 for a token of them, text and picture; scans have more, hence the second figure. */
const charactersPerPdfToken = 16
const mostPdfTokens = 100_000
/** Shorter runs are ordinary text. */
const leastMediumBytes = 1024

/** Media in base64 count a flat amount each, and PDFs by their size; everything else by its bytes. `body` is only looked at where it may have some. */
export function inputTokensOf(length: number, body: () => Buffer): number {
  return length <= 4 * leastMediumBytes ? Math.ceil(length / leastBytesPerToken) : tokensOf(body())
}

function tokensOf(body: Buffer): number {
  let text = body.length
  let tokens = 0
  for (const mark of marks) {
    for (let at = body.indexOf(mark); at >= 0;) {
      const start = at + mark.length
      const end = body.indexOf(0x22, start)
      const length = (end < 0 ? body.length : end) - start
      if (length >= leastMediumBytes && isBase64(body, start) && (mark !== dataUrl || isUrl(body, at))) {
        text -= length
        tokens += isPdf(body, start) ? Math.min(mostPdfTokens, Math.max(tokensPerMedium, length / charactersPerPdfToken)) : tokensPerMedium
      }
      at = body.indexOf(mark, start + Math.max(length, 0))
    }
  }
  return Math.ceil(text / leastBytesPerToken + tokens)
}

/** A data URL; and the field that Anthropic's, Gemini's and OpenAI's wires have for bytes. */
const dataUrl = Buffer.from(';base64,')
const marks = [dataUrl, ...['"data":"', '"data": "', '"file_data":"'].map((mark) => Buffer.from(mark))]

/** Words that somebody put into such a field have spaces or marks soon. */
function isBase64(body: Buffer, start: number): boolean {
  return /^[A-Za-z0-9+/_-]+$/.test(body.toString('latin1', start, start + 256))
}

/** `%PDF-` */
function isPdf(body: Buffer, start: number): boolean {
  return body.toString('latin1', start, start + 6) === 'JVBERi'
}

/** It is all of a field for media; in a text that somebody wrote, it is text. */
function isUrl(body: Buffer, at: number): boolean {
  return /"(?:url|image_url|file_url|file_data|data|uri)"\s*:\s*"data:[^"]*$/.test(body.toString('latin1', Math.max(0, at - 200), at))
}
