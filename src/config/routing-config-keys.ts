// Every key that a routing config may have: what is honoured, what waits for its feature, and what other gateways mean by the rest.

/** Of a config and of each target; a target with `targets` is a config itself. */
export const honouredKeys = [
  'strategy',
  'targets',
  'provider',
  'model',
  'override_params',
  'default_params',
  'drop_params',
  'weight',
  'name',
  'retry',
  'cache',
  'request_timeout',
  'timeouts',
  'breaker',
  'cb_config',
  'api_key',
  'authorization',
  'custom_host',
  'forward_headers',
  'virtual_key',
  'on_status_codes',
  'mode',
  'options',
  'fallback',
  'passthrough',
] as const

/** Accepted, and a request that would pass them is refused until they exist. */
export const guardrailKeys = [
  'input_guardrails',
  'output_guardrails',
  'before_request_hooks',
  'after_request_hooks',
  'default_input_guardrails',
  'default_output_guardrails',
  'input_mutators',
  'output_mutators',
  'guardrails',
] as const

/** Portkey's, and why they do nothing here. */
export const ignoredKeys: ReadonlyMap<string, string> = new Map([
  ['strict_open_ai_compliance', "answers are in the client's wire, with what it has no field for left out"],
  ['metadata', 'metadata comes with a request or belongs to its key'],
  ['prompt_id', 'there are no stored prompts'],
  ['cache_namespace', 'a namespace is written as cache.namespace'],
  ['cache_force_refresh', 'it is for one request, in its header x-turnpike-cache-force-refresh'],
  ['force_refresh', 'it is for one request, in its header x-turnpike-cache-force-refresh'],
  ['trace_id', 'it is for one request, in its header x-turnpike-trace-id'],
  ['debug', 'it is for one request, in its header x-turnpike-debug'],
  ['model_pricing_config', 'prices belong to models'],
  ['transform_to_form_data', 'the provider decides the form of its requests'],
  ['url_to_fetch', 'the provider decides its addresses'],
  ['filename', 'files go to the provider that is named'],
  ['checks', 'there are no checks outside of guardrails'],
  ['id', 'a config is known by its slug'],
  ['index', "a target's place says it"],
])

/** Written into many files by editors; means nothing, so nothing is said about it. */
export const silentKeys: readonly string[] = ['$schema']

/** Accounts of providers, as Portkey writes them into a target: `aws_region`, `vertex_project_id`, `azure_deployment_id`. */
export const accountKeys =
  /^(?:aws|amzn|azure|vertex|google|workers_ai|openai|anthropic|fireworks|snowflake|stability|huggingface|mistral|oracle|databricks|sagemaker|cortex)_[a-z0-9_]+$|^(?:resource_name|deployment_id|deployments|api_version|ad_auth|foundation_model)$/

export const accountReason = "accounts belong to providers, and the provider's own is used"

/** What other gateways, and guides that mix them up, call a key of ours. */
export const namesElsewhere: ReadonlyMap<string, string> = new Map([
  ['base_url', 'custom_host'],
  ['api_base', 'custom_host'],
  ['fallbacks', 'targets'],
  ['timeout', 'request_timeout'],
  ['ttl', 'max_age'],
  ['max_retries', 'attempts'],
])

export const knownKeys: ReadonlySet<string> = new Set([...honouredKeys, ...guardrailKeys, ...ignoredKeys.keys(), ...silentKeys])

export const strategyKeys: ReadonlySet<string> = new Set([
  'mode',
  'on_status_codes',
  'conditions',
  'default',
  'by',
  'sticky',
  'sticky_session',
  'cb_config',
  'breaker',
  'least_latency_config',
])
