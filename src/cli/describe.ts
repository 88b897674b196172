// Errors as the command line tells them: one line each.
import { CommanderError } from 'commander';
import { EarmarkError } from '../errors.ts';

/** An error in one line; what nobody foresaw is said to be that. */
export function describeError(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ').trim();
  if (error instanceof EarmarkError) return `earmark: ${message}`;
  if (error instanceof CommanderError) return `earmark: ${message.replace(/^error: /, '')}`;
  return `earmark: unexpected error: ${message}. Please report it with the command; EARMARK_DEBUG=1 shows where it happened.`;
}
