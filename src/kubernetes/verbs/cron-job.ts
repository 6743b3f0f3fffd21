// A CronJob as the server has it, for the conversion into an LshJob.
import { LshError } from '../../core/errors.ts';
import { isNotFound, statusBody } from '../api/api-errors.ts';
import { callError } from './call-errors.ts';
import type { Scope } from './lsh-job-calls.ts';

/** Newest first: servers before 1.21 know the second only. */
const API_VERSIONS = ['batch/v1', 'batch/v1beta1'];

/** The object with its apiVersion and kind; CRONJOB_NOT_FOUND where there is none. */
export async function readCronJob({ client, namespace }: Scope, name: string): Promise<unknown> {
  for (const version of API_VERSIONS) {
    try {
      return await client.json({ path: `/apis/${version}/namespaces/${namespace}/cronjobs/${name}` });
    } catch (error) {
      const resource = 'cronjobs.batch';
      if (!isNotFound(error))
        throw callError(error, { server: client.server, verb: 'get', resource, namespace, name });
      // Without the name in the answer it is the version that the server does not know.
      if (statusBody(error)?.details?.name !== undefined) break;
    }
  }
  throw new LshError('CRONJOB_NOT_FOUND', { name, namespace });
}
