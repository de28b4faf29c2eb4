// Who asks, who waits, and who is told what.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFlights, type Landing } from './flights.ts'

function joined(count: number) {
  const flights = createFlights<string>()
  const told: [number, Landing<string>][] = []
  const followers = Array.from({ length: count }, (_, at) => (landing: Landing<string>) => void told.push([at, landing]))
  const leads = followers.map((follower) => flights.join('k', follower))
  return { flights, told, followers, leads }
}

test('the first one leads, the others wait and get its answer', () => {
  const { flights, told, leads } = joined(4)
  assert.deepEqual(leads, [true, false, false, false])
  assert.equal(flights.waiting, 3)
  assert.equal(
    flights.join('another', () => assert.fail()),
    true,
  )
  flights.settle('k', { answer: 'A' })
  assert.deepEqual(
    told,
    [1, 2, 3].map((at) => [at, { answer: 'A' }]),
  )
  assert.equal(flights.waiting, 0)
  assert.equal(
    flights.join('k', () => assert.fail()),
    true,
    'the flight is over',
  )
})

test('where there is nothing to share, all ask at once', () => {
  const { flights, told } = joined(3)
  flights.settle('k', 'ask')
  assert.deepEqual(told, [[1, 'ask'], [2, 'ask']]) // prettier-ignore
})

test('a leader whose client has left is followed by the next, and the others go on waiting', () => {
  const { flights, told } = joined(3)
  flights.settle('k', 'lead')
  assert.deepEqual(told, [[1, 'lead']])
  assert.equal(flights.waiting, 1)
  flights.settle('k', { answer: 'B' })
  assert.deepEqual(told[1], [2, { answer: 'B' }])
  flights.settle('k', 'lead')
  assert.equal(
    flights.join('k', () => assert.fail()),
    true,
  )
})

test('who has left is told nothing', () => {
  const { flights, told, followers } = joined(3)
  flights.leave('k', followers[1]!)
  flights.leave('k', followers[1]!)
  flights.leave('nowhere', followers[2]!)
  assert.equal(flights.waiting, 1)
  flights.settle('k', 'lead')
  assert.deepEqual(told, [[2, 'lead']])
})

test('the last leader leaves nothing behind', () => {
  const { flights, followers } = joined(2)
  flights.leave('k', followers[1]!)
  flights.settle('k', 'lead')
  assert.equal(flights.join('k', followers[0]!), true)
})

test('who is told to ask may join again at once', () => {
  const flights = createFlights<string>()
  const again: boolean[] = []
  flights.join('k', () => assert.fail())
  for (let i = 0; i < 2; i++) flights.join('k', () => void again.push(flights.join('k', () => undefined)))
  flights.settle('k', 'ask')
  assert.deepEqual(again, [true, false])
})
