// OpenAI's JavaScript SDK, Responses.

import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { Ticket } from './ticket.mjs';

export class Client {
  constructor(baseUrl, key) {
    this.api = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey: key, maxRetries: 0, timeout: 30_000 });
  }

  async ask(cell, seen) {
    const reply = await this.api.responses.create(request(cell));
    seen.text = reply.output_text;
    seen.finish = reply.status;
    used(seen, reply.usage);
  }

  async stream(cell, seen) {
    for await (const event of await this.api.responses.create({ ...request(cell), stream: true })) {
      if (event.type === 'response.output_text.delta') {
        seen.piece(event.delta);
      } else if (event.type === 'response.failed') {
        // the SDK leaves it to its caller to notice
        seen.error = { classes: [event.type], status: null, message: event.response.error.message };
      } else if (event.type === 'response.completed') {
        seen.finish = event.response.status;
        used(seen, event.response.usage);
      }
    }
  }

  async call_tools(cell, seen) {
    const asked = { ...request(cell), tools: tools(cell) };
    const reply = await this.api.responses.create(asked);
    asked.input = [...asked.input, ...reply.output, ...results(reply, cell, seen)];
    seen.text = (await this.api.responses.create(asked)).output_text;
  }

  async stream_tools(cell, seen) {
    const stream = this.api.responses.stream({ ...request(cell), tools: tools(cell) });
    results(await stream.finalResponse(), cell, seen);
  }

  async structured(cell, seen) {
    const asked = { ...request(cell), text: { format: zodTextFormat(Ticket, 'Ticket') } };
    seen.parsed = (await this.api.responses.parse(asked)).output_parsed;
  }
}

function results(reply, cell, seen) {
  seen.finish = reply.status;
  const calls = reply.output.filter((item) => item.type === 'function_call');
  seen.calls = calls.map((c) => ({ id: c.call_id, name: c.name, arguments: JSON.parse(c.arguments) }));
  return calls.map((c) => ({ type: 'function_call_output', call_id: c.call_id, output: cell.results[c.name] }));
}

function request(cell) {
  const url = cell.image_url ?? (cell.image && `data:image/png;base64,${cell.image}`);
  const text = { type: 'input_text', text: cell.question };
  const content = url ? [text, { type: 'input_image', image_url: url, detail: 'auto' }] : cell.question;
  const [system, asked, said] = cell.before;
  return {
    model: cell.model,
    temperature: cell.temperature,
    max_output_tokens: cell.max_tokens,
    instructions: system,
    input: [
      { role: 'user', content: asked },
      { role: 'assistant', content: said },
      { role: 'user', content },
    ],
  };
}

function tools(cell) {
  return cell.tools.map((tool) => ({ type: 'function', strict: false, ...tool }));
}

function used(seen, usage) {
  const { input_tokens_details: read, output_tokens_details: written } = usage;
  seen.used(usage.input_tokens, usage.output_tokens, read?.cached_tokens, written?.reasoning_tokens);
}
