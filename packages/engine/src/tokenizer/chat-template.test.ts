import { expect, test } from 'vitest'
import { renderChat } from './chat-template.ts'

const specialTokens = { bos: '<s>', eos: '</s>', unk: '<unk>', pad: null }
const QUESTION = [{ role: 'user', content: 'Where is my card?' }]
const CONVERSATION = [
  { role: 'system', content: ' Be brief. ' },
  { role: 'user', content: ' Hi\n' },
  { role: 'assistant', content: 'Hello {{x}} é' },
  { role: 'user', content: 'Bye' },
]

// The template inside SmolLM2-135M-Instruct's GGUF file.
const SMOLLM2 =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

// In the manner of Llama 2's template, with every variable and function that templates may use.
const LLAMA_2 =
  "{% if messages[0]['role'] == 'system' %}\n  {% set loop_messages = messages[1:] %}\n  {% set system_message = messages[0]['content'] | trim %}\n{% else %}\n  {% set loop_messages = messages %}\n  {% set system_message = false %}\n{% endif %}\n{%- if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}no clock{% endif %}\n{% for message in loop_messages %}\n  {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\n    {{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}\n  {% endif %}\n  {% if loop.index0 == 0 and system_message != false %}\n    {% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}\n  {% else %}\n    {% set content = message['content'] %}\n  {% endif %}\n  {% if message['role'] == 'user' %}\n    {{- bos_token + '[INST] ' + content | trim + ' [/INST]' }}\n  {% elif message['role'] == 'assistant' %}\n    {{- ' ' + content | trim + ' ' + eos_token }}\n  {% endif %}\n{% endfor %}\n{% for i in range(2, 8, 3) %}{{ i }},{% endfor %}\n{{ pad_token }}{{ unk_token }}\n"

const render = (chatTemplate: string, messages: typeof QUESTION, addGenerationPrompt = true) =>
  renderChat({ chatTemplate, specialTokens }, messages, { addGenerationPrompt })

// Rendered texts: Jinja2 3.1.6 for Python with trim_blocks and lstrip_blocks, as in transformers.
test("renders SmolLM2's template as Jinja2 does, default system prompt included", () => {
  expect(render(SMOLLM2, QUESTION)).toBe(
    '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\nWhere is my card?<|im_end|>\n<|im_start|>assistant\n',
  )
  expect(render(SMOLLM2, CONVERSATION, false)).toBe(
    '<|im_start|>system\n Be brief. <|im_end|>\n<|im_start|>user\n Hi\n<|im_end|>\n<|im_start|>assistant\nHello {{x}} é<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n',
  )
})

test('renders whitespace control, loops, functions and special tokens as Jinja2 does', () => {
  expect(render(LLAMA_2, QUESTION)).toBe('no clock<s>[INST] Where is my card? [/INST]\n2,5,<unk>')
  expect(render(LLAMA_2, CONVERSATION)).toBe(
    'no clock<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n Hi [/INST]\n Hello {{x}} é </s>\n<s>[INST] Bye [/INST]\n2,5,<unk>',
  )
})

test('a refusal of the template is told as one', () => {
  const answerFirst = [{ role: 'assistant', content: 'Hello' }]
  expect(() => render(LLAMA_2, answerFirst)).toThrow(
    expect.objectContaining({
      code: 'invalid-input',
      message: expect.stringContaining('Conversation roles must alternate'),
    }),
  )
})

test('a template that is missing, broken or calls the unknown is an error of the base', () => {
  const error = (message: string) => expect.objectContaining({ code: 'incompatible', message })
  expect(() => render('', QUESTION)).toThrow(error('The base has no chat template'))
  expect(() => render('{% for', QUESTION)).toThrow(error(expect.stringContaining('cannot be parsed')))
  expect(() => render('{{ strftime_then("%Y") }}', QUESTION)).toThrow(error(expect.stringContaining('fails')))
})

test('a template that demands a date gets the same one every day', () => {
  // datetime(2024, 7, 26).strftime of Python 3.11.
  const format = '%d %B %Y, %a %A %b %m/%d/%y %H:%M:%S %I %p %j %%'
  expect(render(`{{ strftime_now("${format}") }}`, QUESTION)).toBe(
    '26 July 2024, Fri Friday Jul 07/26/24 00:00:00 12 AM 208 %',
  )
  expect(() => render('{{ strftime_now("%Q") }}', QUESTION)).toThrow('does not know %Q')
})
