// Which target next: the pure planner.
export { blamesRequest, nextStep } from './next.ts'
export {
  otherKind,
  planTargets,
  type Candidate,
  type Exit,
  type Lane,
  type Operation,
  type Plan,
  type PlannedTarget,
  type PlanRequest,
  type Step,
} from './plan.ts'
export type { Ended, Health, HealthRow, Trouble, Vitals } from './health.ts'
