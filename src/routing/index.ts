// Which target next: the pure planner.
export { blamesRequest, nextStep } from './next.ts'
export { retryWait } from './retry.ts'
export {
  otherKind,
  planTargets,
  type Candidate,
  type Exit,
  type Lane,
  type Operation,
  type ParamDefault,
  type ParamEdit,
  type Plan,
  type PlannedTarget,
  type PlanRequest,
  type Skipped,
  type Step,
  type TargetParams,
  type TargetTimeouts,
  unwatched,
} from './plan.ts'
export type { Ended, Health, HealthRow, Trouble, Vitals } from './health.ts'
export { createHealth, type HealthOptions } from './targets.ts'
