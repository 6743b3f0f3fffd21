// Which values of a job its rows do not show.
import { expect, test } from 'vitest';
import { hiddenValues } from '../../../src/core/record/hidden-values.ts';
import { aSpec } from '../../support/builders.ts';
import { expectLinearTime } from '../../support/linear-time.ts';

const ofCommand = (command: string) => hiddenValues(aSpec({ command }));

test('they are those of its variables, at any depth', () => {
  const podTemplate = { spec: { containers: [{ name: 'main', env: [{ name: 'B', value: 'second' }] }] } };
  const env = [
    { name: 'A', value: 'first' },
    { name: 'C', valueFrom: { value: 'no value' } },
  ];
  const spec = aSpec({ env, job: { image: 'busybox', podTemplate } });
  expect(hiddenValues(spec)).toEqual(['first', 'second']);
  expect(hiddenValues({ ...spec, recordEnv: true })).toEqual([]);
});

test.each([
  ['PGPASSWORD=hunter22 psql', ['hunter22']],
  [`export API_TOKEN='a b' GITHUB_TOKEN="c d"; gh`, ['a b', 'c d']],
  ['curl --client-secret=s3 --api-key=k1;true', ['s3', 'k1']],
  ['pg_dump postgres://app:hunter22@db/app', ['hunter22']],
  ['curl -H "Authorization: Bearer abc.def" https://x', ['abc.def']],
  ['curl -H "Authorization: $TOKEN" -d "token=$TOKEN" --password=$(cat file)', []],
  ['scp a:/b c:/d; echo token; TOKEN_FILE=/run/token', []],
])('%s', (command, values) => {
  expect(ofCommand(command)).toEqual(values);
});

test('they are sought in arguments and in the Pod template, too', () => {
  const spec = aSpec({ args: ['psql', 'password=hunter22'], job: { podTemplate: { a: ['TOKEN=abc'] } } });
  expect(hiddenValues(spec)).toEqual(['hunter22', 'abc']);
});

test.each(['token=', 'password="', `secret='x" `, '://', '://a:', 'authorization: ', ' ', 'x'])(
  'a command of many %j is read in linear time',
  async (part) => {
    await expectLinearTime({
      what: 'hiddenValues',
      input: (size) => aSpec({ command: part.repeat(size).slice(0, 100_000) }),
      run: hiddenValues,
      size: 200,
    });
  },
);
