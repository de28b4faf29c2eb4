// HTTP surface for models: routes, credentials, body limits, response writer, drain.
export { createAccount, type Account, type AccountDeps } from './account.ts'
export { routeName } from './routes.ts'
export { createIngress, type Ingress, type IngressDeps } from './server.ts'
