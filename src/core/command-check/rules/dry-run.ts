// Options with which a destructive program only shows what it would do.

/** The letters of a dry run and of the options without a value, which may stand in one word with it, and long names. */
const DRY_RUNS: [programs: RegExp, option: RegExp][] = [
  [/^wipefs$/, /^(-[abfiJpq]*n[abfiJpqn]*|--no-act)$/],
  [/^(mke2fs|mkfs\.ext[234])$/, /^-[cDFjkqSvV]*n[cDFjkqSvVn]*$/],
  [/^mkfs\.xfs$/, /^-[fKq]*N[fKqN]*$/],
  [/^(mkntfs|mkfs\.ntfs)$/, /^(-[CfFIqQTUv]*n[CfFIqQTUvn]*|--no-action)$/],
  [/^sfdisk$/, /^(-n|--no-act)$/],
  [/^sgdisk$/, /^(-P|--pretend)$/],
  [/^(lv|vg|pv)remove$/, /^(-[fqvy]*t[fqvyt]*|--test)$/],
  [/^zfs$/, /^-[dfpRrv]*n[dfpRrvn]*$/],
  [/^rsync$/, /^(-[AacDgHhilLoPprRStuvWXxz]*n[AacDgHhilLoPprRStuvWXxzn]*|--dry-run)$/],
];

/** Options by which wipefs erases; without them it lists the signatures of the device. */
const WIPEFS_ERASES = /^(-[bfiJnpq]*[ao]|--a|--of)/;

/** Whether the call changes nothing. */
export function isDryRun(program: string, args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const options = end === -1 ? args : args.slice(0, end);
  if (program === 'wipefs' && !options.some((arg) => WIPEFS_ERASES.test(arg))) return true;
  return DRY_RUNS.some(
    ([programs, option]) => programs.test(program) && options.some((arg) => option.test(arg)),
  );
}
