// From the template of an endpoint (`Provider.endpoints`) to the path of one call.

/** A dot segment would leave the endpoint's own path. */
function pathSegment(model: string): string {
  return /^\.+$/.test(model) ? model.replaceAll('.', '%2E') : encodeURIComponent(model)
}

/** `{model}` is the model's id; of `{a|b}` the first is for whole answers, the second for streams. */
export function endpointPath(template: string, model: string, stream: boolean): string {
  return template.replace(/\{([^{}|]*)(?:\|([^{}|]*))?\}/g, (_, first: string, second: string | undefined) => {
    if (second !== undefined) return stream ? second : first
    return first === 'model' ? pathSegment(model) : `{${first}}`
  })
}
