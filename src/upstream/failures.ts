// Errors of sockets, DNS and TLS in the gateway's own words.
import { Failure, type FailureKind } from '#kernel'
import { connectTimeout, isNotHttp } from './connection.ts'
import { privateAddress } from './private-network.ts'

const notHttp: [FailureKind, string] = ['bad_response', 'The provider did not answer in HTTP.']

/** `headSeen`: the response had begun. The cause is kept for the log; its text never reaches a client. */
export function connectionFailure(error: Error, headSeen: boolean): Failure {
  const { code = '' } = error as NodeJS.ErrnoException
  const [kind, sentence] = isNotHttp(error) ? notHttp : classify(code, headSeen)
  return new Failure(kind, sentence, { cause: error })
}

function classify(code: string, headSeen: boolean): [FailureKind, string] {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return ['dns_failed', "The provider's host name does not resolve."]
  if (code === connectTimeout || code === 'ETIMEDOUT') return ['connect_timeout', 'The provider did not accept a connection in time.']
  if (code === privateAddress)
    return [
      'private_address',
      "The provider's address is in a private network, which its configuration does not allow: set allow_private_network to true if it really runs there.",
    ]
  if (code === 'ECONNREFUSED') return ['connect_failed', 'The provider refused the connection.']
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EADDRNOTAVAIL')
    return ['connect_failed', 'The provider cannot be reached over the network.']
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/.test(code))
    return ['tls_failed', 'TLS to the provider failed.']
  if (code === '') return ['internal_error', 'The gateway could not send this request; the request id finds it in the log.']
  if (headSeen) return ['cut', 'The provider closed the connection before its answer was complete.']
  return ['cut', 'The provider closed the connection without an answer.']
}
