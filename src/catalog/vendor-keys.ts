// Whose key it is, by its look, where the look says so.
import { keyShapeOf } from '#telemetry'
import { vendors, type Vendor } from './vendors.ts'

/** The vendor that gives out keys like this one. Undefined where nobody or several do: `sk-` alone says nothing. */
export function vendorOfKey(key: string): Vendor | undefined {
  return vendors.get(keyShapeOf(key.trim())?.vendor ?? '')
}
