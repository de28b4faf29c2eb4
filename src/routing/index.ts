// Which target next: the pure planner.
export { blamesRequest, nextTarget } from './next.ts'
export {
  otherKind,
  planTargets,
  type Candidate,
  type Lane,
  type Operation,
  type Plan,
  type PlannedTarget,
  type PlanRequest,
} from './plan.ts'
