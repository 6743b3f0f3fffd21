#!/bin/sh
# The `lsh` on PATH. The system's Node may be too old or missing: this script finds a Node that can run lsh.js and
# becomes it by exec, which keeps the process id, streams, signals and exit status. It precedes every command, so it
# starts `readlink` (1 ms) and `node --version` (5 ms) only where no file answers.
# Its variables begin with lsh_, because lsh.js inherits an assignment to a variable that the caller exported.

# Replaces the link in lsh_file by its target. macOS before 12.3 lacks `readlink -f`.
lsh_follow() {
  while [ -h "$lsh_file" ]; do
    lsh_link=$lsh_file
    lsh_file=$(readlink "$lsh_link")
    case $lsh_file in
      /*) ;;
      *) lsh_file=${lsh_link%/*}/$lsh_file ;;
    esac
  done
}

# Sets lsh_version to the version of lsh_node. Node's archives have include/ beside bin/; npm's package `node` has a
# package.json there.
lsh_read_version() {
  lsh_version=
  lsh_file=$lsh_node
  lsh_follow
  lsh_root=${lsh_file%/bin/node}
  if [ -r "$lsh_root/include/node/node_version.h" ]; then
    while read -r lsh_define lsh_name lsh_value; do
      case $lsh_name in
        NODE_MAJOR_VERSION) lsh_version=$lsh_value ;;
        NODE_MINOR_VERSION) lsh_version=$lsh_version.$lsh_value ;;
        NODE_PATCH_VERSION) lsh_version=$lsh_version.$lsh_value && return ;;
      esac
    done <"$lsh_root/include/node/node_version.h"
  elif [ -r "$lsh_root/package.json" ]; then
    while read -r lsh_name lsh_value; do
      case $lsh_name in
        '"version":') lsh_version=${lsh_value#\"} && lsh_version=${lsh_version%\"*} && return ;;
      esac
    done <"$lsh_root/package.json"
  fi
  lsh_version=$("$lsh_node" --version 2>/dev/null) && lsh_version=${lsh_version#v}
}

# lsh_try NODE ARGUMENT...: becomes lsh.js with the arguments on that Node; returns if the Node is missing or too old.
lsh_try() {
  lsh_node=$1
  shift
  [ -f "$lsh_node" ] && [ -x "$lsh_node" ] || return
  lsh_read_version
  lsh_major=${lsh_version%%.*}
  lsh_minor=${lsh_version#*.}
  lsh_minor=${lsh_minor%%.*}
  case $lsh_major,$lsh_minor in
    ,* | *, | *[!0-9,]*) return ;;
  esac
  if [ "$lsh_major" -gt "$lsh_needed_major" ] ||
    { [ "$lsh_major" -eq "$lsh_needed_major" ] && [ "$lsh_minor" -ge "$lsh_needed_minor" ]; }; then
    # Until lsh.js handles SIGUSR1, Node would open its debugger. Node 23 knows the option from 23.7 on only.
    lsh_option=--disable-sigusr1
    [ "$lsh_major" -ne 23 ] || [ "$lsh_minor" -ge 7 ] || lsh_option=
    # The "--" stops Node from reading --env-file, an option of lsh, as its own.
    exec "$lsh_node" $lsh_option -- "$lsh_dist/lsh.js" "$@"
  fi
  [ "$lsh_found" != none ] || lsh_found="only $lsh_version ($lsh_node)"
}

# scripts/build.ts replaces the words between @ by the version in package.json and the texts in core/errors.ts.
lsh_needed_major=@major@
lsh_needed_minor=@minor@
lsh_found=none

# The folder of this file. For the links of npm (PREFIX/bin, node_modules/.bin) it is known without a process.
case $0 in
  /*/.bin/lsh) lsh_dist=${0%/.bin/lsh}/@lsh/lsh/dist ;;
  /*/bin/lsh) lsh_dist=${0%/bin/lsh}/lib/node_modules/@lsh/lsh/dist ;;
  /*) lsh_dist=${0%/*} ;;
  *) lsh_dist= ;;
esac
if [ -z "$lsh_dist" ] || [ -h "$lsh_dist/lsh" ] || ! [ "$lsh_dist/lsh" -ef "$0" ]; then
  case $0 in
    */*) lsh_file=$0 ;;
    *) lsh_file=./$0 ;;
  esac
  lsh_follow
  lsh_dist=$(CDPATH= cd -P -- "${lsh_file%/*}" && pwd -P)
fi

# Its own Node: from postinstall.sh, or of the checkout.
lsh_try "$lsh_dist/node_modules/node/bin/node" "$@"
for lsh_place in "$lsh_dist"/../node_modules/node-*-*/bin/node; do
  lsh_try "$lsh_place" "$@"
done
# The package `node` in each node_modules that contains lsh.
lsh_rest=$lsh_dist
while [ "$lsh_rest" != "${lsh_rest%/node_modules/*}" ]; do
  lsh_rest=${lsh_rest%/node_modules/*}
  lsh_try "$lsh_rest/node_modules/node/bin/node" "$@"
done
# PATH.
lsh_rest=$PATH:
while [ -n "$lsh_rest" ]; do
  lsh_try "${lsh_rest%%:*}/node" "$@"
  lsh_rest=${lsh_rest#*:}
done
# The places of installers and version managers, for services and jobs with a short PATH.
for lsh_place in \
  /usr/local/bin/node /usr/bin/node /opt/homebrew/bin/node /snap/bin/node \
  "${NVM_DIR:-$HOME/.nvm}"/versions/node/*/bin/node \
  "${FNM_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/fnm}"/node-versions/*/installation/bin/node \
  "${VOLTA_HOME:-$HOME/.volta}"/tools/image/node/*/bin/node \
  "${ASDF_DATA_DIR:-$HOME/.asdf}"/installs/nodejs/*/bin/node \
  "${MISE_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/mise}"/installs/node/*/bin/node; do
  lsh_try "$lsh_place" "$@"
done

printf '%s\n' "error: @message@" 'hint: @hint@' '[NODE_MISSING]' >&2
exit @exit@
