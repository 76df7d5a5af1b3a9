import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from '../../shared/http/problems.ts';

/** Paths that Cloud Scheduler may call. All others are decisions for people. */
const SCHEDULED: ReadonlySet<string> = new Set(['/sweep', '/collect', '/rescan']);

/** Emails of the service accounts that call on behalf of machines. */
interface Callers {
  /** Account that Pub/Sub uses to push dead letters. */
  readonly deadLetters: string;
  /** Account that Cloud Scheduler uses. */
  readonly schedule: string;
}

/**
 * Cloud Run authorizes an account for the whole service, not for paths. Here each machine account is restricted to its
 * paths; any other caller that Cloud Run lets through is an operator.
 *
 * The token is not verified again: Cloud Run has checked its signature, its audience and the permission of its account,
 * and removes the signature (https://cloud.google.com/run/docs/troubleshooting#signature-removed).
 * @returns the email of the account
 * @throws {Problem} 403 if the account is unknown or may not call this path
 */
export function admitCaller(headers: IncomingHttpHeaders, path: string, callers: Callers): string {
  const email = emailOf(headers);
  if (email === undefined) {
    throw new Problem('forbidden', { detail: 'The identity token names no account (claim "email").' });
  }
  if (!mayCall(email, path, callers)) {
    throw new Problem('forbidden', { detail: `${email} may not call ${path}.` });
  }
  return email;
}

function mayCall(email: string, path: string, { deadLetters, schedule }: Callers): boolean {
  if (path === '/dead-letters') return email === deadLetters;
  if (email === deadLetters) return false;
  return email !== schedule || SCHEDULED.has(path);
}

/**
 * If both headers are present, Cloud Run checks only `X-Serverless-Authorization`; the other one is not trustworthy:
 * https://cloud.google.com/run/docs/authenticating/service-to-service
 */
function emailOf(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['x-serverless-authorization'] ?? headers.authorization;
  const [, payload = ''] = /^Bearer +[\w-]+\.([\w-]+)\.[\w-]*$/i.exec(String(header)) ?? [];
  try {
    const { email } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { email?: unknown };
    return typeof email === 'string' && email !== '' ? email : undefined;
  } catch {
    return undefined;
  }
}
