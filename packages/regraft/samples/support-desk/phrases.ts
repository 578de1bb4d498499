import { DELIVERY, ORDERS, REPAIRS, RETURNS, SALES } from './phrases-goods.ts'
import { BILLING, PLANS, REFUNDS } from './phrases-money.ts'
import { ACCOUNT_ACCESS, BUGS, PRIVACY, SETUP } from './phrases-service.ts'
import type { Phrases, Queue } from './queues.ts'

export const PHRASES: Record<Queue, Phrases> = {
  billing: BILLING,
  refunds: REFUNDS,
  delivery: DELIVERY,
  returns: RETURNS,
  orders: ORDERS,
  'account access': ACCOUNT_ACCESS,
  plans: PLANS,
  bugs: BUGS,
  setup: SETUP,
  repairs: REPAIRS,
  privacy: PRIVACY,
  sales: SALES,
}

/** The issue of the second half: a firmware update takes devices off the network. It is a bug, whatever it looks like. */
export const UPDATE_ISSUE: Phrases = {
  requests: [
    'Since [the 4.1 update|firmware 4.1|your update last night] my {product} [drops off the wifi|is offline|reconnects every few minutes], [please fix|when is it fixed|what did you change].',
    'The {product} [lost|forgets] its [network|schedule|settings] [after|since] [the update|4.1], [roll it back please|can I go back to 4.0|is a fix coming].',
    '[All|Both|Three] [lamps|thermostats|cameras] blink blue after [the 4.1 update|the firmware update], [pairing again does not help|a reset did nothing].',
    'Can I [undo|roll back|stop] the 4.1 [update|firmware]? [Nothing connects anymore.|The {product} is useless since.|]',
    'Your [automatic update|4.1 firmware] [killed the connection|took everything offline] [at {n} percent|over night|], [when will it work again|fix it].',
    'After the [update|new firmware 4.1] the hub [restarts all the time|does not find the {product}], [known issue|others have it too]?',
    'I did everything in the setup guide and the {product} still goes offline since 4.1.',
  ],
  situations: [
    'The {product} updated itself [last night|to 4.1].',
    'It worked for a year until 4.1.',
    'The forum is full of people with the 4.1 problem.',
  ],
  terse: [
    '4.1 [broke my wifi|update killed {product}|offline]',
    '{product} offline since [4.1|update]',
    'blue blinking after 4.1',
    'roll back 4.1 [please|now|!!]',
    'firmware 4.1 = [no connection|disaster]',
  ],
}

/** Things told on the way that fit any queue and decide none. */
export const ASIDES = [
  'I have been a customer [for years|since {month}].',
  'I already wrote [to you |]on the {day}.',
  'The chat [bot |]was no help.',
  'I called [twice|three times] and nobody [picked up|answered].',
  'This is [very |]frustrating.',
  'Otherwise I am happy with [the {product}|everything].',
  'I hope you can help.',
  'I am [travelling|away] from the {day}.',
  'My order number is {order}.',
  'It is about the {product} [from {month}|in the living room|].',
  'Order {order}, {name}.',
  'My account is {email}.',
  'Your [last |]answer did not help.',
  'It is [quite |]urgent.',
  'I [read|looked in] the help pages [already|first].',
]

export const OPENINGS = [
  'Hi',
  'Hello',
  'Hi there',
  'Hey',
  'Good morning',
  'Good afternoon',
  'Dear team',
  'Dear Sir or Madam',
  'Hello Fernwell',
  'Hi Fernwell team',
  'To whom it may concern',
  'Hello dear support',
  'Good day',
  'Hey guys',
  'Hello again',
]

export const CLOSINGS = [
  'Thanks',
  'Thank you',
  'Thanks in advance',
  'Many thanks',
  'Please help.',
  'Please reply soon.',
  'Kind regards',
  'Best regards',
  'Regards',
  'Cheers',
  'Waiting for your answer.',
  'Thx',
  'I look forward to your answer.',
  'Thanks for your help!',
  'Please call me: {tel}',
]

/** Joins to a second intent, which comes after the request and does not decide. */
export const JOINS = [
  'Also, ',
  'By the way, ',
  'And one more thing: ',
  'PS: ',
  'Besides, ',
  'On another note, ',
  'Oh and ',
  'Less important: ',
]
