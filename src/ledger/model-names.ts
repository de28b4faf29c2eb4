// The names that patterns of budgets are held against: the same while a request runs and when it is read from the ledger.

/** `models`: as it was asked for, the provider's id, the canonical one. */
export function namesAt(slug: string, models: readonly string[]): readonly string[] {
  return models.flatMap((name) => [name, name.slice(name.indexOf('/') + 1), `${slug}/${name}`, `@${slug}/${name}`])
}
