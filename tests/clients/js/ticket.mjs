// What the structured output is asked to be: the same as in ../python/ticket.py.

import { z } from 'zod';

export const Ticket = z.object({
  title: z.string(),
  priority: z.enum(['low', 'high']),
  tags: z.array(z.string()),
  owner: z.object({ name: z.string(), age: z.int() }),
});
