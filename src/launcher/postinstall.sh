#!/bin/sh
# npm runs this script after it has installed the package. On a machine without a Node that every user can run and
# that is new enough, it installs one into this folder. docs/adr/0001 says why `node` is no dependency.
cd -P -- "$(dirname -- "$0")" || exit 0

# Without HOME, because a version manager's Node serves one user, who may remove it.
env -i PATH="$PATH" sh ./lsh --version >/dev/null 2>&1 && exit 0

# The outer npm exports its options; these would redirect the inner npm.
unset npm_config_global npm_config_location npm_config_prefix npm_config_workspace npm_config_workspaces
npm install --prefix . --no-save --no-package-lock --no-audit --no-fund node@@node@

# npm's Node does not run with the C library of Alpine. `lsh` then reports that it finds no Node.
node_modules/node/bin/node --version >/dev/null 2>&1 || rm -rf node_modules
exit 0
