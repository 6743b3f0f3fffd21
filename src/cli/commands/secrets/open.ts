// Opens the secrets of the project in the working directory, for the verbs.
import type { ProjectSecrets } from '../../../processes/secrets/project-secrets.ts';
import type { Context } from '../../context.ts';

export async function openHere({ io }: Context): Promise<ProjectSecrets> {
  const { openProject } = await import('../../../processes/secrets/project-secrets.ts');
  return openProject(process.cwd(), io.now);
}
