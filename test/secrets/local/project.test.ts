// A project has one name in every clone and worktree, whatever the address of its remote.
import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ofRemote, projectOf } from '../../../src/secrets/local/project.ts';
import { tempDir } from '../../support/temp-dir.ts';

function aRepository(remote?: string): string {
  const directory = join(tempDir(), 'app');
  mkdirSync(directory);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: directory,
      stdio: 'pipe',
    });
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'first');
  if (remote !== undefined) git('remote', 'add', 'origin', remote);
  return realpathSync(directory);
}

test.each([
  ['git@github.com:Acme/App.git', 'github.com/acme/app'],
  ['ssh://git@github.com:22/acme/app.git', 'github.com/acme/app'],
  ['https://user:token@github.com/acme/app', 'github.com/acme/app'],
  ['https://gitlab.com/group/sub/app.git/', 'gitlab.com/group/sub/app'],
  ['git://host/app', 'host/app'],
  ['/srv/git/app.git', undefined],
  ['../app.git', undefined],
  ['file:///srv/app.git', undefined],
])('the remote %s is %s', (url, project) => {
  expect(ofRemote(url)).toBe(project);
});

describe('a directory', () => {
  test('has the name of its remote, and so has a worktree', () => {
    const root = aRepository('git@github.com:Acme/App.git');
    const worktree = join(tempDir(), 'branch');
    execFileSync('git', ['worktree', 'add', '-q', worktree], { cwd: root, stdio: 'pipe' });
    expect(projectOf(root)).toMatchObject({ id: 'github.com/acme/app', root, isGit: true });
    expect(projectOf(worktree).id).toBe('github.com/acme/app');
  });

  test('below the root is a sub-project', () => {
    const root = aRepository('https://github.com/acme/app');
    mkdirSync(join(root, 'services', 'api'), { recursive: true });
    expect(projectOf(join(root, 'services', 'api'))).toMatchObject({
      id: 'github.com/acme/app/services/api',
      root,
    });
  });

  test('without a remote has a name of this machine, the same in each worktree', () => {
    const root = aRepository();
    const worktree = join(tempDir(), 'branch');
    execFileSync('git', ['worktree', 'add', '-q', worktree], { cwd: root, stdio: 'pipe' });
    const { id } = projectOf(root);
    expect(id).toMatch(/^local\/app-[0-9a-f]{8}$/);
    expect(projectOf(worktree).id).toBe(id);
    expect(projectOf(tempDir()).id).toMatch(/^local\/.*-[0-9a-f]{8}$/);
  });

  test('takes the name that LSH_PROJECT or .lsh/project.json gives', () => {
    const root = aRepository('https://github.com/acme/app');
    mkdirSync(join(root, '.lsh'));
    const settings = (text: string) => writeFileSync(join(root, '.lsh', 'project.json'), text);
    settings('{"project": "shop", "secrets": "in-repo"}');
    expect(projectOf(root)).toMatchObject({
      id: 'shop',
      settings: { secrets: 'in-repo' },
      settingsDirectory: root,
    });
    expect(projectOf(root, 'named').id).toBe('named');
    for (const text of ['', '{"secrets": "x"}', '{"projct": "x"}']) {
      settings(text);
      expect(() => projectOf(root)).toThrow(expect.objectContaining({ code: 'PROJECT_SETTINGS_INVALID' }));
    }
  });

  test('takes the only remote where none is origin, and no key of another section', () => {
    const root = aRepository();
    const config = join(root, '.git', 'config');
    writeFileSync(
      config,
      '[branch "x"]\n\turl = https://no/no\n[remote "up"]\n\tURL = "https://h/a/b.git"\n[x]\nurl=y\n',
    );
    expect(projectOf(root).id).toBe('h/a/b');
  });
});
