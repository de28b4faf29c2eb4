// A drill: each target of a request's plan fails in turn, and a client inside the process says what it saw.
export { createDrill, type Drill, type DrillDeps, type DrillFault, type DrillInput, type DrillRun } from './drill.ts'
