// OpenAI's JavaScript SDK, Chat Completions.

import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { Ticket } from './ticket.mjs';

export class Client {
  constructor(baseUrl, key) {
    this.api = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey: key, maxRetries: 0, timeout: 30_000 });
  }

  async ask(cell, seen) {
    const reply = await this.api.chat.completions.create(request(cell));
    seen.text = reply.choices[0].message.content;
    seen.finish = reply.choices[0].finish_reason;
    used(seen, reply.usage);
  }

  async stream(cell, seen) {
    const asked = { ...request(cell), stream: true, stream_options: { include_usage: true } };
    for await (const chunk of await this.api.chat.completions.create(asked)) {
      const [choice] = chunk.choices;
      if (choice) {
        seen.piece(choice.delta.content);
        seen.finish = choice.finish_reason ?? seen.finish;
      }
      if (chunk.usage) used(seen, chunk.usage);
    }
  }

  async call_tools(cell, seen) {
    const asked = { ...request(cell), tools: tools(cell) };
    const [choice] = (await this.api.chat.completions.create(asked)).choices;
    asked.messages = [...asked.messages, choice.message, ...results(choice, cell, seen)];
    seen.text = (await this.api.chat.completions.create(asked)).choices[0].message.content;
  }

  async stream_tools(cell, seen) {
    const stream = this.api.chat.completions.stream({ ...request(cell), tools: tools(cell) });
    results((await stream.finalChatCompletion()).choices[0], cell, seen);
  }

  async structured(cell, seen) {
    const asked = { ...request(cell), response_format: zodResponseFormat(Ticket, 'Ticket') };
    seen.parsed = (await this.api.chat.completions.parse(asked)).choices[0].message.parsed;
  }
}

function results(choice, cell, seen) {
  seen.finish = choice.finish_reason;
  const calls = choice.message.tool_calls ?? [];
  seen.calls = calls.map((c) => ({ id: c.id, name: c.function.name, arguments: JSON.parse(c.function.arguments) }));
  return calls.map((c) => ({ role: 'tool', tool_call_id: c.id, content: cell.results[c.function.name] }));
}

function request(cell) {
  const url = cell.image_url ?? (cell.image && `data:image/png;base64,${cell.image}`);
  const text = { type: 'text', text: cell.question };
  const content = url ? [text, { type: 'image_url', image_url: { url } }] : cell.question;
  const [system, asked, said] = cell.before;
  return {
    model: cell.model,
    temperature: cell.temperature,
    max_completion_tokens: cell.max_tokens,
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: asked },
      { role: 'assistant', content: said },
      { role: 'user', content },
    ],
  };
}

function tools(cell) {
  return cell.tools.map((tool) => ({ type: 'function', function: tool }));
}

function used(seen, usage) {
  const { prompt_tokens_details: read, completion_tokens_details: written } = usage;
  seen.used(usage.prompt_tokens, usage.completion_tokens, read?.cached_tokens, written?.reasoning_tokens);
}
