// Requests about the notices of a job.
import type { JobKey } from '../../core/job.ts';
import { rulesOf } from '../../core/decide/notices/notices-after.ts';
import type { ShownNotice } from '../../core/notices/explain-notices.ts';
import type { NoticeRule } from '../../core/notices/notice.ts';
import type { StoreJobSource } from '../jobs/job-source.ts';
import type { Handlers } from '../socket/server.ts';
import { knownJob } from './job-handlers.ts';

export interface NoticeHandlerOptions {
  source: StoreJobSource;
  /** For jobs without rules of their own. */
  rules: readonly NoticeRule[];
  /** The notices of a job that channels have, or have still to hear of. */
  noticesOf: (job: JobKey) => Promise<ShownNotice[]>;
}

export function noticeHandlers({
  source,
  rules,
  noticesOf,
}: NoticeHandlerOptions): Pick<Handlers, 'job.noticesOf'> {
  return {
    'job.noticesOf': async ({ name }) => {
      const { key, spec } = knownJob(source, name);
      return {
        rules: spec.notify === undefined ? rules : rulesOf(spec.notify),
        notices: await noticesOf(key),
      };
    },
  };
}
