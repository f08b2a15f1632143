// The Vercel AI SDK with its providers for OpenAI (both protocols), Anthropic and Google.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, jsonSchema, Output, streamText, tool } from 'ai';
import { Ticket } from './ticket.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;

const MODELS = {
  chat: (baseUrl, apiKey) => createOpenAI({ baseURL: `${baseUrl}/v1`, apiKey }).chat,
  responses: (baseUrl, apiKey) => createOpenAI({ baseURL: `${baseUrl}/v1`, apiKey }).responses,
  anthropic: (baseUrl, apiKey) => createAnthropic({ baseURL: `${baseUrl}/v1`, apiKey }),
  gemini: (baseUrl, apiKey) => createGoogle({ baseURL: `${baseUrl}/v1beta`, apiKey }),
};

export class Client {
  constructor(baseUrl, key, { speaks }) {
    this.model = MODELS[speaks](baseUrl, key);
  }

  async ask(cell, seen) {
    const reply = await generateText(this.request(cell));
    seen.text = reply.text;
    seen.finish = reply.finishReason;
    used(seen, reply.usage);
  }

  async stream(cell, seen) {
    const reply = streamText({ ...this.request(cell), onError: () => {} });
    for await (const part of reply.stream) {
      if (part.type === 'text-delta') {
        seen.piece(part.text);
      } else if (part.type === 'error') {
        seen.failed(part.error);
      } else if (part.type === 'finish') {
        seen.finish = part.finishReason;
        used(seen, part.totalUsage);
      }
    }
  }

  async call_tools(cell, seen) {
    const asked = { ...this.request(cell), tools: tools(cell) };
    const reply = await generateText(asked);
    const results = noted(reply.toolCalls, cell, seen);
    seen.finish = reply.finishReason;
    asked.messages = [...asked.messages, ...reply.response.messages, { role: 'tool', content: results }];
    seen.text = (await generateText(asked)).text;
  }

  async stream_tools(cell, seen) {
    const reply = streamText({ ...this.request(cell), tools: tools(cell) });
    noted(await reply.toolCalls, cell, seen);
    seen.finish = await reply.finishReason;
  }

  async structured(cell, seen) {
    seen.parsed = (await generateText({ ...this.request(cell), output: Output.object({ schema: Ticket }) })).output;
  }

  request(cell) {
    const data = cell.image_url ? new URL(cell.image_url) : cell.image;
    const text = { type: 'text', text: cell.question };
    const content = data ? [text, { type: 'file', mediaType: 'image/png', data }] : cell.question;
    const [instructions, asked, said] = cell.before;
    return {
      model: this.model(cell.model),
      temperature: cell.temperature,
      maxOutputTokens: cell.max_tokens,
      maxRetries: 0,
      instructions,
      messages: [
        { role: 'user', content: asked },
        { role: 'assistant', content: said },
        { role: 'user', content },
      ],
    };
  }
}

function noted(calls, cell, seen) {
  seen.calls = calls.map((c) => ({ id: c.toolCallId, name: c.toolName, arguments: c.input }));
  return calls.map((c) => ({
    type: 'tool-result',
    toolCallId: c.toolCallId,
    toolName: c.toolName,
    output: { type: 'text', value: cell.results[c.toolName] },
  }));
}

function tools(cell) {
  return Object.fromEntries(
    cell.tools.map((t) => [t.name, tool({ description: t.description, inputSchema: jsonSchema(t.parameters) })]),
  );
}

function used(seen, usage) {
  const { inputTokenDetails: read, outputTokenDetails: written } = usage;
  seen.used(usage.inputTokens, usage.outputTokens, read.cacheReadTokens, written.reasoningTokens);
}
