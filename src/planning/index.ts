// From a request to the targets that may answer it, in which order, and what would happen to one that nobody sent.
export { createDryRun, sampleOf, type DryRun, type DryRunInput, type DryRunStep, type Sample } from './dry-run.ts'
export { ownCredentialName } from './leaves.ts'
export { createPlanner, type Asked, type Planner, type PlannerDeps } from './planner.ts'
