import type { Random } from '@regraft/methods'

const MISSPELLINGS: Record<string, string[]> = {
  received: ['recieved', 'receved'],
  receive: ['recieve'],
  delivery: ['delivary', 'dilivery', 'delivry'],
  delivered: ['deliverd', 'delivred'],
  address: ['adress', 'addres'],
  account: ['acount', 'accout'],
  password: ['pasword', 'passwort', 'pw'],
  cancel: ['cancle', 'cancell'],
  refund: ['refound', 'refnd'],
  please: ['pls', 'plz', 'pleas'],
  because: ['becuase', 'cause', 'bcs'],
  package: ['pakage', 'packege'],
  parcel: ['parcle', 'parsel'],
  camera: ['camra', 'kamera'],
  thermostat: ['termostat', 'thermostate'],
  invoice: ['invoce', 'invoise'],
  warranty: ['waranty', 'warrenty', 'garanty'],
  subscription: ['subscribtion', 'subsription'],
  update: ['updat', 'upate'],
  working: ['workin', 'wroking'],
  tomorrow: ['tommorow'],
  which: ['wich'],
  there: ['ther', 'their'],
  though: ['tho'],
  you: ['u'],
  your: ['ur', 'you'],
  are: ['r'],
  and: ['&', 'an'],
  with: ['wit', 'w'],
  without: ['witout'],
  money: ['mony'],
  email: ['e-mail', 'mail'],
  again: ['agian'],
  before: ['befor'],
  weeks: ['wks'],
  week: ['wk'],
  return: ['retrun', 'retun'],
  replacement: ['replacment'],
  connect: ['conect'],
  wifi: ['wi-fi', 'WIFI', 'wlan'],
  charged: ['charegd', 'chargd'],
  still: ['stil'],
  thanks: ['thx', 'tnx'],
  battery: ['batery', 'battry'],
  bought: ['bougth', 'buyed'],
  doesn: ['dosn'],
  notifications: ['notificatons'],
  schedule: ['shedule'],
  device: ['devise'],
}

/** How careless the writer of one ticket is; each share is a probability. */
export interface Carelessness {
  misspelling: number
  slip: number
  lowerCase: boolean
  shouting: boolean
  noFullStops: boolean
  noArticles: boolean
  contracted: boolean
}

export function drawCarelessness(random: Random): Carelessness {
  const level = random.weighted([50, 32, 18])
  return {
    misspelling: [0, 0.2, 0.55][level]!,
    slip: [0, 0.02, 0.06][level]!,
    lowerCase: random.uniform() < [0.12, 0.4, 0.65][level]!,
    shouting: random.uniform() < 0.015,
    noFullStops: random.uniform() < [0.08, 0.25, 0.5][level]!,
    noArticles: random.uniform() < 0.07,
    contracted: random.uniform() < 0.55,
  }
}

/** Writes the text as this writer would: misspelled, uncapitalised, unpunctuated, or none of it. */
export function roughen(text: string, care: Carelessness, random: Random): string {
  let words = text.split(' ')
  if (care.noArticles) words = words.filter((word) => !/^(the|a|an)$/i.test(word) || random.uniform() < 0.3)
  let rough = words.map((word) => roughenWord(word, care, random)).join(' ')
  if (care.contracted) rough = contract(rough)
  if (care.noFullStops)
    rough = rough.replace(/[.,](?= |$)/g, random.uniform() < 0.3 ? ',' : '').replace(/,$/, '')
  if (random.uniform() < 0.05) rough = rough.replace(/\.$/, random.choice(['!!', '...', '!', ' ..']))
  if (random.uniform() < 0.06) rough = rough.replace(/\?$/, random.choice(['??', '???', '?!', ' ?']))
  if (care.lowerCase) rough = rough.toLowerCase()
  if (care.shouting) rough = rough.toUpperCase()
  return rough
}

function roughenWord(word: string, care: Carelessness, random: Random): string {
  const letters = word.replace(/[^A-Za-z]+$/, '')
  const tail = word.slice(letters.length)
  const known = MISSPELLINGS[letters.toLowerCase()]
  if (known && random.uniform() < care.misspelling) {
    const wrong = random.choice(known)
    const capital = letters[0] !== letters[0]!.toLowerCase()
    return (capital ? wrong[0]!.toUpperCase() + wrong.slice(1) : wrong) + tail
  }
  if (/^[A-Za-z]{4,}$/.test(letters) && random.uniform() < care.slip) return slip(letters, random) + tail
  return word
}

/** One slip of the fingers inside a word: swapped, dropped or doubled letters. */
function slip(word: string, random: Random): string {
  const at = 1 + random.integer(word.length - 2)
  switch (random.integer(3)) {
    case 0:
      return word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2)
    case 1:
      return word.slice(0, at) + word.slice(at + 1)
    default:
      return word.slice(0, at) + word[at] + word.slice(at)
  }
}

const CONTRACTIONS: [RegExp, string][] = [
  [/\bI am\b/g, "I'm"],
  [/\bI have (?=been|already|got|not|sent)/g, "I've "],
  [/\bdoes not\b/g, "doesn't"],
  [/\bdo not\b/g, "don't"],
  [/\bdid not\b/g, "didn't"],
  [/\bcannot\b/g, "can't"],
  [/\bis not\b/g, "isn't"],
  [/\bwas not\b/g, "wasn't"],
  [/\bhas not\b/g, "hasn't"],
  [/\bIt is\b/g, "It's"],
  [/\bit is\b/g, "it's"],
  [/\bI would\b/g, "I'd"],
  [/\bwhat is\b/gi, "what's"],
  [/\bwhere is\b/gi, "where's"],
]

function contract(text: string): string {
  let contracted = text
  for (const [pattern, short] of CONTRACTIONS) {
    contracted = contracted.replace(pattern, (found) =>
      found[0] === found[0]!.toUpperCase() ? short[0]!.toUpperCase() + short.slice(1) : short,
    )
  }
  return contracted
}
