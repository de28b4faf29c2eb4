// Secrets of a config are found under every name that they are written, and nothing else is hidden.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretsOfConfig, withoutSecrets } from './routing-config-secrets.ts'

test('keys are found at every depth, in every spelling, and shown as what they are', () => {
  const config = {
    api_key: 's1',
    targets: [
      { provider: 'openai', apiKey: 's2', weight: 1 },
      { Authorization: 'Bearer s3', targets: [{ 'api-key': 's4' }] },
      { aws_access_key_id: 's5', awsSecretAccessKey: 's6', aws_session_token: 's7', aws_region: 'eu-west-1' },
      { azure_ad_token: 's8', azureEntraClientSecret: 's9', azure_entra_client_id: 'public' },
      { vertex_service_account_json: { private_key: 's10', client_email: 's11' }, vertex_region: 'x' },
      { oracle_private_key: 's12', oracle_key_passphrase: 's13', oracle_fingerprint: 'public', anthropicApiKey: 's14' },
    ],
    before_request_hooks: [{ id: 'x', checks: [{ id: 'webhook', parameters: { headers: { 'x-api-key': 's15', Authorization: 's16' } } }] }],
  }
  const secrets = secretsOfConfig(config)
  assert.deepEqual(
    new Set(secrets),
    new Set(['s1', 's2', 'Bearer s3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 's12', 's13', 's14', 's15', 's16']),
  )
  const shown = withoutSecrets(config)
  assert.doesNotMatch(JSON.stringify(shown), /"(?:Bearer )?s\d+"/)
  assert.deepEqual((shown['targets'] as object[])[0], { provider: 'openai', apiKey: '[secret]', weight: 1 })
  assert.deepEqual((shown['targets'] as object[])[4], { vertex_service_account_json: '[secret]', vertex_region: 'x' })
})

test('what a request carries is shown, whatever its fields are called', () => {
  const config = {
    override_params: { max_tokens: 5, token: 'x', secret: 'y' },
    default_params: { max_completion_tokens: 3 },
    virtual_key: 'openai-4110dd',
    cache: { mode: 'simple', max_age: 60 },
    strategy: { mode: 'conditional', conditions: [{ query: { 'metadata.token': 'a' } }] },
    forward_headers: ['Authorization'],
  }
  assert.deepEqual(secretsOfConfig(config), [])
  assert.deepEqual(withoutSecrets(config), config)
})

test('what is no config has no secrets', () => {
  for (const value of [null, undefined, 5, 'text', []]) {
    assert.deepEqual(secretsOfConfig(value), [])
    assert.deepEqual(withoutSecrets(value), {})
  }
  assert.deepEqual(secretsOfConfig({ api_key: '' }), [])
})
