// A place of its own on Linux: user, mount, network, IPC and UTS namespaces, and a root in which only what is put there
// exists. No privileges are needed where the kernel lets users make namespaces.

/** What is put into the new root under `target`. */
export interface Mount {
  source: string
  target: string
}

/** What every program needs of the system; what a machine does not have is left out. */
const SYSTEM = [
  '/usr',
  '/bin',
  '/lib',
  '/lib32',
  '/lib64',
  '/etc/ld.so.cache',
  '/etc/alternatives',
  '/nix/store',
]
const DEVICES = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom']

/** The empty home of a trainer in the new root. */
export const HOME = '/empty-home'

/**
 * Arguments: the folder for the new root, the folder that may be written, pairs of source and target, `--`, the command. A mount that
 * cannot be made read-only stays as it is: the user could write there anyway.
 */
const SCRIPT = `
set -eu
root=$1 work=$2
shift 2
mount -t tmpfs -o mode=755 tmpfs "$root"
put() {
  if [ -d "$1" ]; then mkdir -p "$root$2"
  else mkdir -p "$(dirname "$root$2")"; [ -e "$root$2" ] || : > "$root$2"; fi
  mount --rbind "$1" "$root$2"
}
seal() {
  mount -o remount,bind,ro "$root$1" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev "$root$1" 2>/dev/null || :
}
for path in ${SYSTEM.join(' ')}; do
  if [ -L "$path" ]; then ln -s "$(readlink "$path")" "$root$path"
  elif [ -e "$path" ]; then put "$path" "$path"; seal "$path"; fi
done
for path in /proc /sys ${DEVICES.join(' ')}; do put "$path" "$path"; done
mkdir -p "$root/tmp" "$root${HOME}"
while [ "$1" != -- ]; do put "$1" "$2"; seal "$2"; shift 2; done
shift
put "$work" "$work"
unset PWD OLDPWD
exec chroot "$root" "$@"
`

/** The command line that runs `command` seeing the mounts, the folder `work`, the system's programs and nothing else. */
export function namespaceCommand(
  { root, work, mounts }: { root: string; work: string; mounts: readonly Mount[] },
  command: readonly string[],
): string[] {
  return [
    ...['unshare', '--user', '--map-root-user', '--mount', '--net', '--ipc', '--uts', '--'],
    ...['/bin/sh', '-c', SCRIPT, 'drill', root, work],
    ...mounts.flatMap(({ source, target }) => [source, target]),
    ...['--', ...command],
  ]
}

/** Whether a path is among what the new root has of the system. */
export function isOfTheSystem(path: string): boolean {
  return [...SYSTEM, ...DEVICES].some((known) => path === known || path.startsWith(`${known}/`))
}
