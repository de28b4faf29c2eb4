// Threads beside the event loop that run only while they are asked.
export { answerQuestions, createAskedThread, handedOver, type Answerer, type AskedThread, type HandedOver } from './asked-thread.ts'
export { giveWay } from './give-way.ts'
export { siblingModule } from './sibling.ts'
