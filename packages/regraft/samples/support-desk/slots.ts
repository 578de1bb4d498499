import type { Random } from '@regraft/methods'
import type { Slots } from './expand.ts'

// Fernwell, its products and its customers are invented.
const PRODUCTS = [
  'lamp',
  'Lumo lamp',
  'Lumo strip',
  'Aria thermostat',
  'thermostat',
  'Pip camera',
  'camera',
  'Pip doorbell',
  'doorbell',
  'Sprout sensor',
  'garden sensor',
  'hub',
  'Tide kettle',
  'window sensor',
  'smart plug',
  'bulb',
  'Haze speaker',
  'door lock',
]
/** Comes to market in the second half of the sample. */
export const NEW_PRODUCT = 'Mist humidifier'

const PLANS = ['Basic', 'Plus', 'Family', 'Pro', 'Team', 'Fernwell Plus']
const MONTHS = 'January February March April May June July August September October'.split(' ')
const CARRIERS = ['the courier', 'Postline', 'Swiftship', 'the post', 'Parcelo', 'Swiftship']
const CITIES = 'Leeds Dublin Vienna Lyon Porto Ghent Malmo Turin Cork Utrecht Bristol Graz'.split(' ')
const NAMES =
  'Anna Tom Priya Marek Sofia Liam Chen Fatima Jonas Elena Kwame Nora Diego Aisha Peter Yuki Ruth Omar'.split(
    ' ',
  )
const SURNAMES =
  'Keller Novak Byrne Rossi Patel Larsen Okafor Dupont Weber Silva Murphy Tanaka Moreau Haas'.split(' ')
const MAILBOXES = ['example.com', 'example.org', 'example.net']
const PHONES = ['iPhone', 'Android', 'Pixel', 'old phone', 'tablet', 'iPad', 'Samsung']
const OLD = ['heat pump', 'Hue bulbs', 'gas boiler', 'Google speaker', 'Apple TV', 'old doorbell', 'radiator']
const CODES = ['FALL10', 'WELCOME', 'HOME20', 'FERN5', 'SPRING15']
const ERRORS = ['E12', '502', '401', 'E-7', 'code 19', '0x3', 'E40', '500']
const VERSIONS = ['3.9', '3.9.2', '4.0', '4.0.1', '3.8']
const DAYS = ['3', '5', '6', '8', '10', 'ten', '12', '14', '15', '20', '21', '30', 'five', 'several']

/** What stays the same throughout one ticket. */
export interface Customer {
  name: string
  product: string
  products: readonly string[]
  order: string
  email: string
}

export function makeCustomer(random: Random, newProductShare: number): Customer {
  const first = random.choice(NAMES)
  const last = random.choice(SURNAMES)
  const isNew = random.uniform() < newProductShare
  return {
    name: random.uniform() < 0.5 ? first : `${first} ${last}`,
    product: isNew ? NEW_PRODUCT : random.choice(PRODUCTS),
    products: PRODUCTS,
    order: orderNumber(random),
    email: `${first.toLowerCase()}.${last.toLowerCase()}@${random.choice(MAILBOXES)}`,
  }
}

/** Slots of one phrase; a product or plan named twice in it is another one the second time. */
export function phraseSlots(customer: Customer): Slots {
  let lastProduct: string | undefined
  let lastPlan: string | undefined
  return (name, random) => {
    switch (name) {
      case 'product':
        lastProduct = lastProduct === undefined ? customer.product : other(random, PRODUCTS, lastProduct)
        return lastProduct
      case 'plan':
        lastPlan = other(random, PLANS, lastPlan)
        return lastPlan
      case 'order':
        return customer.order
      case 'order2':
        return orderNumber(random)
      case 'name':
        return customer.name
      case 'email':
        return customer.email
      default:
        return plainSlot(name, random)
    }
  }
}

function plainSlot(name: string, random: Random): string {
  switch (name) {
    case 'amount':
      return amount(random)
    case 'day':
      return ordinal(1 + random.integer(28))
    case 'days':
      return random.choice(DAYS)
    case 'month':
      return random.choice(MONTHS)
    case 'n':
      return String(3 + random.integer(28))
    case 'm':
      return String(2 + random.integer(8))
    case 'carrier':
      return random.choice(CARRIERS)
    case 'city':
      return random.choice(CITIES)
    case 'phone':
      return random.choice(PHONES)
    case 'old':
      return random.choice(OLD)
    case 'code':
      return random.choice(CODES)
    case 'error':
      return random.choice(ERRORS)
    case 'version':
      return random.choice(VERSIONS)
    case 'invoice':
      return `R${1000 + random.integer(9000)}`
    case 'track':
      return `SW${10000 + random.integer(90000)}`
    case 'tel':
      return `555 01${10 + random.integer(90)}`
    default:
      throw new Error(`there is no slot {${name}}`)
  }
}

function other(random: Random, choices: readonly string[], last: string | undefined): string {
  return random.choice(choices.filter((choice) => choice !== last))
}

function orderNumber(random: Random): string {
  const digits = 20000 + random.integer(70000)
  return random.choice([`${digits}`, `#${digits}`, `FW-${digits}`, `FW${digits}`])
}

function amount(random: Random): string {
  const whole = 4 + random.integer(190)
  return random.choice([`$${whole}`, `${whole} euros`, `${whole}.90`, `$${whole}.50`, `EUR ${whole}`])
}

function ordinal(day: number): string {
  const ending = day % 10 === 1 && day !== 11 ? 'st' : day % 10 === 2 && day !== 12 ? 'nd' : 'th'
  return `${day}${day % 10 === 3 && day !== 13 ? 'rd' : ending}`
}
