// The thread that counts tokens.
import { answerQuestions } from '#threads'
import { createTokenCounter } from './estimate.ts'

answerQuestions<string>(() => ({ answer: createTokenCounter(), close() {} }))
