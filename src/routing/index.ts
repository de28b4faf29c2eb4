// Which target next: the pure planner.
export { blamesRequest, nextTarget } from './next.ts'
export { planTargets, type Candidate, type Lane, type Plan, type PlannedTarget, type PlanRequest } from './plan.ts'
