// Answers that are given again: what makes two requests the same, who waits for whom, and what is kept for how long.
export { streamOf } from './answer.ts'
export { lookInCache, type CacheHost, type CacheLookup } from './lookup.ts'
export { createResponseCache, type CachedAnswer, type ResponseCache } from './response-cache.ts'
