/**
 * What a hosted model is asked for its fingerprint: short prompts whose answers differ from model to model. Frozen: another
 * set is another version, and fingerprints of two versions are never compared.
 */
export const PROBES_VERSION = 1

export const PROBES: readonly string[] = [
  'Who made you? Answer in one sentence.',
  'Pick a number between 1 and 1000. Answer with the number only.',
  'What is 47 * 83 - 219? Answer with the number only.',
  'Continue: The lighthouse keeper opened the last letter and',
  'Name one city, any city. Answer with its name only.',
  'Write a haiku about a broken elevator.',
  'Translate into German: She would have called if the line had not been dead.',
  'Which word does not belong: copper, tin, walnut, zinc? Answer with the word only.',
  'Give one synonym for "meticulous". Answer with the word only.',
  'How many letters r are in "strawberry refrigerator"? Answer with the number only.',
  'Write a JavaScript arrow function that reverses a string. Code only.',
  'Complete the sequence: 2, 6, 12, 20, 30,',
  'What year was the treaty of Kalmar signed? Answer with the year only.',
  'Write one sentence that uses the words plinth, turnip and Tuesday.',
  'Is a hot dog a sandwich? Answer yes or no, then one reason.',
  'Name a mineral whose name begins with the letter v.',
  'Sort these words by the alphabet: quartz, quart, quarry, quarter.',
  'What is the third largest moon of Uranus? Answer with its name only.',
  'Rephrase politely: your invoice is wrong again.',
  'Give a title for a novel about a retired cartographer.',
  'Which came first, the fax machine or the telephone? One sentence.',
  'Convert 3 furlongs to metres. Answer with the number only.',
  'Spell "rhythm" backwards.',
  'Describe the colour blue to someone who cannot see, in one sentence.',
]
