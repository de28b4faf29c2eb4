// Which target next: the pure planner, what it remembers, and how targets are doing.
export { blamesRequest, nextStep } from './next.ts'
export { retryWait } from './retry.ts'
export type {
  Candidate,
  Exit,
  Lane,
  Operation,
  ParamDefault,
  ParamEdit,
  ParamRemoval,
  Plan,
  PlannedTarget,
  Skipped,
  Step,
  TargetParams,
  TargetTimeouts,
} from './plan.ts'
export { withoutPart } from './plan-params.ts'
export { visibleHeaders, type Facts, type Moment, type Needs, type Pin } from './plan-facts.ts'
export { configTree, servedTree, type LeafCandidate, type ResolvedLeaf, type RouteRequest, type RouteTree } from './plan-route.ts'
export { planSteps, type Planned } from './plan-steps.ts'
export { createSticky, type Sticky } from './sticky.ts'
export type { Ended, Health, HealthRow, Trouble, Vitals } from './health.ts'
export { createHealth, type HealthOptions } from './targets.ts'
export { judgeChanged } from './changed-providers.ts'
export { providerCounts, targetStates } from './provider-states.ts'
