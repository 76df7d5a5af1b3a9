import { type Command, Option } from 'commander';
import type { GetContext } from './context.ts';
import { GRANTS, type Profile } from './login/profile.ts';
import { loginCommand, logoutCommand, whoamiCommand } from './login.ts';

/** Adds the commands that get tokens and forget them. */
export function addLogin(program: Command, context: GetContext): void {
  program
    .command('login')
    .description('get tokens from an identity provider; the options are kept in the profile')
    .option('--issuer <url>', 'the identity provider')
    .option('--client-id <id>', 'the client that is registered there')
    .addOption(
      new Option('--grant <grant>', 'how: a code that you enter in a browser, or the client alone').choices(
        GRANTS,
      ),
    )
    .option('--scope <scopes>', 'scopes with spaces between')
    .option('--audience <api>', 'the API that tokens are for')
    .option('--client-secret-file <file>', 'file with the secret of the client; or FILESHARE_CLIENT_SECRET')
    .option('--key-file <file>', 'private key of the client, PEM or JWK')
    .option('--key-id <kid>', 'the id under which that key is registered')
    .option('--certificate-file <file>', 'certificate of that key, for Entra ID')
    .option('--algorithm <alg>', 'of signatures by that key, such as RS256')
    .action((flags: Profile) => loginCommand(context(), flags));
  program
    .command('logout')
    .description('forget the tokens of the profile, here and at the identity provider')
    .action(() => logoutCommand(context()));
  program
    .command('whoami')
    .description('tell what the token says: who it is for, what it allows, until when')
    .action(() => whoamiCommand(context()));
}
