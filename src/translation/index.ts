// Requests and answers from one side's form into the other's: wires beside each other, seals given back, large bodies in a thread.
export { readAnswer, writeCalls, type AnswerToRead, type Piece, type WrittenCall, type WrittenCalls } from './embedding.ts'
export { createSealedCalls, type SealedCalls } from './seals.ts'
export { ownNamesIn, withOwnNames, type ToolNames } from './tool-names.ts'
export { cleanedOf, decodeAnswer, decodeFor, encodeFor, promptOf, type Cleaned, type Translation } from './translation.ts'
export { createTranslator, type Translator } from './translator.ts'
