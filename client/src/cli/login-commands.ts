import { type Command, Option } from 'commander';
import type { GetContext } from './context.ts';
import { GRANTS, type Profile } from './login/profile.ts';
import { loginCommand, logoutCommand, whoamiCommand } from './login.ts';

/** Adds the commands that get tokens and forget them. */
export function addLogin(program: Command, context: GetContext): void {
  program
    .command('login')
    .description('get tokens from an identity provider, and save the options in the profile')
    .option('--issuer <url>', 'URL of the identity provider')
    .option('--client-id <id>', 'client ID that is registered there')
    .addOption(
      new Option('--grant <grant>', 'a code to enter in a browser, or client credentials').choices(GRANTS),
    )
    .option('--scope <scopes>', 'scopes to request, separated by spaces')
    .option('--audience <api>', 'API that the token is for')
    .option('--client-secret-file <file>', 'file with the client secret; or FILESHARE_CLIENT_SECRET')
    .option('--key-file <file>', 'private key of the client, PEM or JWK')
    .option('--key-id <kid>', 'ID of that key at the identity provider')
    .option('--certificate-file <file>', 'certificate of the key, for Entra ID')
    .option('--algorithm <alg>', 'signature algorithm, such as RS256')
    .action((flags: Profile) => loginCommand(context(), flags));
  program
    .command('logout')
    .description('delete the tokens of the profile and revoke them at the identity provider')
    .action(() => logoutCommand(context()));
  program
    .command('whoami')
    .description('show the subject, the scopes and the expiry of the token')
    .action(() => whoamiCommand(context()));
}
