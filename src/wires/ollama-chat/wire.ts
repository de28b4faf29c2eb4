// The name of this wire.

export const wire = 'ollama-chat'
