// From the template of an endpoint (`Provider.endpoints`) to the path of one call.

/**
 * No model is called "." or "..". Encoded once they are still dot segments to a URL parser and would leave the endpoint's own path; encoded
 * twice they are a name that the provider doesn't know. Half a surrogate pair, which JSON may hold, has no encoding.
 */
function pathSegment(model: string): string {
  return /^\.{1,2}$/.test(model) ? model.replaceAll('.', '%252E') : encodeURIComponent(model.toWellFormed())
}

/** `{model}` is the model's id; of `{a|b}` the first is for whole answers, the second for streams. */
export function endpointPath(template: string, model: string, stream: boolean): string {
  return template.replace(/\{([^{}|]*)(?:\|([^{}|]*))?\}/g, (_, first: string, second: string | undefined) => {
    if (second !== undefined) return stream ? second : first
    return first === 'model' ? pathSegment(model) : `{${first}}`
  })
}
